"""Parquet and Arrow files: one row per sentence, one row group or record batch per part."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from elmo_tasks.corpus_vectors.part import Part
from elmo_tasks.corpus_vectors.vector_file import ABOUT, about_json
from elmo_tasks.text.tokens import split_tokens


class TableFile:
    """Columns `index`, `tokens`, `shape` ([L, T, D] or [T, D]) and `vectors`, the numbers in the order of `shape`.

    open_writer: makes a writer of record batches from a path and a schema.
    """

    def __init__(self, path: Path, about: dict[str, Any], open_writer: Callable[[str, Any], Any]) -> None:
        self.path = path
        value = pa.float16() if about["dtype"] == "float16" else pa.float32()
        self._schema = pa.schema(
            [
                ("index", pa.int64()),
                ("tokens", pa.list_(pa.string())),
                ("shape", pa.list_(pa.int32())),
                ("vectors", pa.list_(value)),
            ],
            metadata={ABOUT: about_json(about)},
        )
        self._writer = open_writer(str(path), self._schema)

    def append(self, part: Part) -> None:
        """Write one row per sentence."""
        numbers, lines, vectors = zip(*part.sentences(), strict=True)
        ends = np.cumsum([0, *(each.size for each in vectors)], dtype=np.int32)
        columns = [
            pa.array(numbers, pa.int64()),
            pa.array([split_tokens(line) for line in lines], pa.list_(pa.string())),
            pa.array([each.shape for each in vectors], pa.list_(pa.int32())),
            pa.ListArray.from_arrays(pa.array(ends), pa.array(np.concatenate([each.ravel() for each in vectors]))),
        ]
        self._writer.write_batch(pa.record_batch(columns, schema=self._schema))

    def close(self) -> list[Path]:
        """Write the footer."""
        self._writer.close()
        return [self.path]


def parquet_file(path: Path, about: dict[str, Any]) -> TableFile:
    """A Parquet file without dictionaries and compression, which do not help for vectors."""
    return TableFile(
        path,
        about,
        lambda name, schema: pyarrow.parquet.ParquetWriter(name, schema, use_dictionary=False, compression="none"),
    )


def arrow_file(path: Path, about: dict[str, Any]) -> TableFile:
    """An Arrow IPC file, which can be memory-mapped."""
    return TableFile(path, about, pa.ipc.new_file)
