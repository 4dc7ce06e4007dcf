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
"""Where each is written; nothing is imported before it is asked for."""


ABOUT = "elmo-tasks"
"""The key under which each file says, as JSON, what its vectors are."""


class VectorFile(Protocol):
    """A file that grows by parts and holds none of them in memory."""

    def append(self, part: Part) -> None:
        """Add a part; parts come in order."""

    def close(self) -> list[Path]:
        """End it. Returns the files that were made, the one that makes them a whole last."""


def about_json(about: dict[str, Any]) -> str:
    """One string, so that no format chooses an order of its own."""
    return json.dumps(about, sort_keys=True)


def index_name(output: Path) -> str:
    """The file that says in which shard each tensor is, if there are several."""
    return f"{output.name}.index.json"


def is_vector_file(path: Path) -> bool:
    """Whether `embed` wrote this file: each format stores `ABOUT` under that name."""
    read = {".safetensors": _safetensors_names, ".parquet": _parquet_names, ".arrow": _arrow_names}
    try:
        return ABOUT in read.get(path.suffix.lower(), _hdf5_names)(path)
    except Exception:  # what a library says of a file that is not of its format
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
    """about: what the vectors are: `embedder`, `fingerprint`, `layers`, `dtype` and `sentences`."""
    made: VectorFile = _opener_of(path)(path, about)
    return made


def _opener_of(output: Path) -> Any:
    known = FORMATS.get(output.suffix.lower())
    if known is None:
        raise InputError(f"--output: expected a file ending in {', '.join(FORMATS)}, got {str(output)!r}")
    module, _, name = known.partition(".")
    try:
        return getattr(import_module(f"elmo_tasks.corpus_vectors.{module}"), name)
    except ImportError as error:
        raise InputError(
            f"--output {output}: expected the package {error.name}, found none; install it with "
            "`pip install 'elmo-tasks[arrow]'`"
        ) from None
