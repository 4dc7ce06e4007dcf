"""HDF5 in the layout of AllenNLP's `elmo` command: one dataset per sentence, named by its line number."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py

from elmo_tasks.corpus_vectors.part import Part
from elmo_tasks.corpus_vectors.vector_file import ABOUT, about_json
from elmo_tasks.elmo.allennlp import SENTENCE_TO_INDEX
from elmo_tasks.elmo.weights.hdf5_disk import Hdf5Disk

_INDEXED_BYTES = 64 << 20  # of text: HDF5 stores the index as one string, which must fit into memory


class Hdf5File:
    """Datasets `0`, `1`, ... of (L, T, D) or (T, D), and `sentence_to_index`: JSON from sentence to its key.

    If a sentence occurs twice, the index has its last line, as in AllenNLP. Deviation: AllenNLP refuses empty lines;
    here they have shape (L, 0, D) and are not in the index, so that the numbers are line numbers.
    """

    def __init__(self, path: Path, about: dict[str, Any]) -> None:
        self.path, self._disk = path, Hdf5Disk(path)
        self._file = h5py.File(self._disk, "w")
        self._file.attrs[ABOUT] = about_json(about)
        self._index: dict[str, str] | None = {}
        self._bytes = 0

    def append(self, part: Part) -> None:
        """Write one dataset per sentence. Raises OSError if the file cannot be written."""
        for number, line, vectors in part.sentences():
            # Without timestamps, so that equal vectors give equal bytes.
            self._file.create_dataset(str(number), data=vectors, track_times=False)
            self._bytes += len(line)
            if self._index is not None and line:
                self._index[line] = str(number)
            if self._disk.fault is not None:
                self._end()
        if self._bytes > _INDEXED_BYTES:
            self._index = None

    def close(self) -> list[Path]:
        """Write the index, unless the text has more than 64 MB, to bound the memory."""
        if self._index is not None:
            text = self._file.create_dataset(SENTENCE_TO_INDEX, (1,), h5py.string_dtype(), track_times=False)
            text[0] = json.dumps(self._index)
        self._end()
        return [self.path]

    def _end(self) -> None:
        self._file.close()
        self._disk.file.close()
        if self._disk.fault is not None:
            raise self._disk.fault
