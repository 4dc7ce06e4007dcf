"""The formats of vectors, by the extension of the output."""

from __future__ import annotations

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


class VectorFile(Protocol):
    """A file that grows by parts and holds none of them in memory."""

    def append(self, part: Part) -> None:
        """Add a part; parts come in order."""

    def close(self) -> list[Path]:
        """End it. Returns the files that were made, the one that makes them a whole last."""


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
