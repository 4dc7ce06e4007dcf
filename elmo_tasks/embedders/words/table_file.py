"""A table of word vectors in the cache folder, in a format that opens instantly.

The file is a memory-mapped safetensors file: `matrix` (V, D) float32 by row, and the distinct words in sorted order, as
`text` (the concatenated bytes), `ends` (W,) and `rows` (W,), the row of each word. No index is built when it is opened.
A file that is damaged, truncated or made from other files is not used; the caller makes a new one.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from elmo_tasks.core.files import atomic_file
from elmo_tasks.embedders.words.vectors import WordVectors

_FORMAT = "elmo-tasks-words-1"
_COLUMNS = ("matrix", "text", "ends", "rows")
_REMEMBERED = 1 << 16


class SortedWords:
    """The rows of words, found by binary search in their sorted UTF-8 bytes."""

    def __init__(self, text: torch.Tensor, ends: torch.Tensor, rows: torch.Tensor) -> None:
        """text: (n,) uint8; ends, rows: (W,) int32, the end of each word in the text, and its row."""
        self._text, self._ends, self._rows = text.numpy(), ends.numpy(), rows.numpy()
        self._remembered: dict[str, int | None] = {}

    def get(self, word: str) -> int | None:
        """The row of a word, or None."""
        try:
            return self._remembered[word]
        except KeyError:
            pass
        if len(self._remembered) >= _REMEMBERED:
            self._remembered.clear()
        row = self._remembered[word] = self._find(_utf8(word))
        return row

    def __iter__(self) -> Iterator[str]:
        """The distinct words."""
        return (self._word(number).decode("utf-8", "surrogatepass") for number in range(len(self._ends)))

    def _find(self, wanted: bytes) -> int | None:
        at = bisect_left(range(len(self._ends)), wanted, key=self._word)
        return int(self._rows[at]) if at < len(self._ends) and self._word(at) == wanted else None

    def _word(self, number: int) -> bytes:
        start = self._ends[number - 1] if number else 0
        word: bytes = self._text[start : self._ends[number]].tobytes()
        return word


def write_table(path: Path, words: Sequence[str], vectors: WordVectors, made_of: str) -> None:
    """Write a table, completely or not at all.

    Args:
        path: the file; its folder is created if necessary.
        words: the words of the matrix, row by row. For a word that occurs twice, the first row counts.
        vectors: the same table.
        made_of: the source of the table. `open_table` refuses a file made from another source.

    Raises:
        OSError: the disk is full or the folder cannot be written.
    """
    rows: dict[bytes, int] = {}
    for row, word in enumerate(words):
        rows.setdefault(_utf8(word), row)
    ordered = sorted(rows)
    columns = {
        "matrix": vectors.matrix.contiguous(),
        "text": torch.from_numpy(np.frombuffer(b"".join(ordered), np.uint8).copy()),
        "ends": torch.from_numpy(np.cumsum([len(word) for word in ordered], dtype=np.int32)),
        "rows": torch.tensor([rows[word] for word in ordered], dtype=torch.int32),
    }
    about = {
        "format": _FORMAT,
        "made_of": made_of,
        "origin": vectors.origin,
        "fingerprint": vectors.fingerprint,
        "checksum": _checksum(columns),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with atomic_file(path, durable=False) as partial:  # a checksum shows whether it is complete
            save_file(columns, partial, about)
    except SafetensorError as error:
        raise OSError(str(error)) from None


def open_table(path: Path, made_of: str) -> WordVectors | None:
    """Map a table; None if it does not exist, is damaged, or was made from another source."""
    try:
        with safe_open(path, framework="pt") as file:
            about = file.metadata() or {}
            if about.get("format") != _FORMAT or about.get("made_of") != made_of:
                return None
            columns = {name: file.get_tensor(name) for name in _COLUMNS}
    except (SafetensorError, OSError):
        return None
    if _checksum(columns) != about.get("checksum"):
        return None
    words = SortedWords(columns["text"], columns["ends"], columns["rows"])
    return WordVectors(words, columns["matrix"], about["origin"], about["fingerprint"])


def _checksum(columns: dict[str, torch.Tensor]) -> str:
    """CRC-32 of all bytes: 20 ms for 80 MB."""
    total = 0
    for name in _COLUMNS:
        total = zlib.crc32(columns[name].numpy().data, total)
    return f"{total:08x}"


def _utf8(word: str) -> bytes:
    return word.encode("utf-8", "surrogatepass")
