"""The formats of vectors, by the extension of the output."""

from __future__ import annotations

import json
from collections.abc import Collection
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from elmo_tasks.core.errors import InputError
from elmo_tasks.corpus_vectors.part import Part

FORMATS = {
    ".hdf5": "hdf5_file.Hdf5File",
    ".h5": "hdf5_file.Hdf5File",
    ".safetensors": "safetensors_file.SafetensorsFile",
    ".parquet": "arrow_file.parquet_file",
    ".arrow": "arrow_file.arrow_file",
}
"""The module for each format, imported only when it is needed."""


ABOUT = "elmo-tasks"
"""The key in each file with a JSON description of its vectors."""


class VectorFile(Protocol):
    """A file to which parts are appended without keeping them in memory."""

    def append(self, part: Part) -> None:
        """Append a part; parts must be in order."""

    def close(self) -> list[Path]:
        """Finish the file. Returns all files written; the last one makes the output complete."""


def about_json(about: dict[str, Any]) -> str:
    """The description as one JSON string, equal in all formats."""
    return json.dumps(about, sort_keys=True)


def index_name(output: Path) -> str:
    """The name of the index file of the shards, if there are several."""
    return f"{output.name}.index.json"


def is_vector_file(path: Path) -> bool:
    """Whether `embed` wrote this file: in each format it contains `ABOUT`."""
    read = {".safetensors": _safetensors_names, ".parquet": _parquet_names, ".arrow": _arrow_names}
    try:
        return ABOUT in read.get(path.suffix.lower(), _hdf5_names)(path)
    except Exception:  # libraries raise various exceptions for files of another format
        return False


def _hdf5_names(path: Path) -> Collection[str]:
    import h5py

    with h5py.File(path) as file:
        return set(file.attrs)


def _safetensors_names(path: Path) -> Collection[str]:
    from safetensors import safe_open

    with safe_open(path, framework="np") as file:
        return set(file.metadata() or {})


def _parquet_names(path: Path) -> Collection[str]:
    import pyarrow.parquet

    return {key.decode() for key in pyarrow.parquet.read_schema(path).metadata or {}}


def _arrow_names(path: Path) -> Collection[str]:
    import pyarrow

    with pyarrow.memory_map(str(path)) as file:
        return {key.decode() for key in pyarrow.ipc.open_file(file).schema.metadata or {}}


def check_format(output: Path) -> None:
    """Raises InputError for an unknown extension or a library that is not installed."""
    _opener_of(output)


def open_vector_file(path: Path, about: dict[str, Any]) -> VectorFile:
    """Open a file. about: the description of the vectors: `embedder`, `fingerprint`, `layers`, `dtype`, `sentences`."""
    made: VectorFile = _opener_of(path)(path, about)
    return made


def _opener_of(output: Path) -> Any:
    known = FORMATS.get(output.suffix.lower())
    if known is None:
        raise InputError(f"--output must end in one of {', '.join(FORMATS)}, not {str(output)!r}")
    module, _, name = known.partition(".")
    try:
        return getattr(import_module(f"elmo_tasks.corpus_vectors.{module}"), name)
    except ImportError as error:
        raise InputError(
            f"--output {output}: the package {error.name} is not installed; install it with "
            "`pip install 'elmo-tasks[arrow]'`"
        ) from None
