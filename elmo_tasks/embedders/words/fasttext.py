"""fastText's binary models (Bojanowski et al. 2017): a word is the mean of its own vector and those of its n-grams.

The file is memory-mapped: only the rows of requested words are read, so that the official models of 7 GB need little
memory. gensim supports the format too, but reads all of it into memory, and hangs on a file that is truncated within
its vocabulary.
"""

from __future__ import annotations

import hashlib
import mmap
import struct
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from elmo_tasks.core.errors import InputError

MAGIC = struct.pack("<i", 793712314)
"""The first bytes of a model."""
_VERSIONS = (11, 12)
_SUPERVISED = 3
# dim, window, epochs, least count, negatives, word n-grams, loss, model, buckets, shortest, longest n-gram, rate, t
_SETTINGS = struct.Struct("<12id")
_END_OF_SENTENCE = b"</s>"  # the one word without n-grams


class FastTextVectors:
    """An open vocabulary: vectors of unseen words are computed from their character n-grams.

    A word is looked up as written, then lower-cased; otherwise its vector is computed from the n-grams as written.
    """

    def __init__(self, path: Path) -> None:
        """Map a `.bin` file.

        Raises:
            InputError: the version is not supported, the model is compressed (`.ftz`), or the file is truncated (with
                the byte).
        """
        self.origin = str(path)
        with path.open("rb") as file:
            self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        _, version = self._read("<2i", 0)
        if version not in _VERSIONS:
            raise InputError(
                f"{path}: version {version} of fastText (byte 4) is not supported; use a model of version 11 or 12"
            )
        self.width, *_, model, self._buckets, self._shortest, self._longest, _, _ = self._read(_SETTINGS.format, 8)
        if version == 11 and model == _SUPERVISED:
            self._longest = 0  # like fastText itself for its older classifiers
        start = self._read_words(8 + _SETTINGS.size)
        compressed, rows, width = self._read("<?2q", start)
        if compressed:
            raise InputError(f"{path}: the fastText model is compressed (.ftz); use an uncompressed one (.bin)")
        if width != self.width or rows != self._words + self._buckets:
            raise InputError(
                f"{path}: the model has {rows} vectors of {width} numbers at byte {start + 1}, but its vocabulary "
                f"needs {self._words + self._buckets} of {self.width}; download it again"
            )
        start += struct.calcsize("<?2q")
        self._need(start, 4 * rows * width, f"{rows} vectors of {width} numbers")
        self._matrix = np.frombuffer(self._data, "<f4", rows * width, start).reshape(rows, width)  # (V + buckets, D)

    @cached_property
    def fingerprint(self) -> str:
        """A digest of the file."""
        return hashlib.blake2b(self._data, digest_size=16).hexdigest()

    @property
    def parameters(self) -> int:
        """The parameters in the vectors of words and n-gram buckets."""
        return int(self._matrix.size)

    def lookup(self, words: Sequence[str]) -> Tensor:
        """(T, D); zeros for a word that is shorter than the shortest n-gram.

        Raises:
            InputError: a vector contains NaN or infinity.
        """
        found = np.zeros((len(words), self.width), np.float32)
        for number, word in enumerate(words):
            if rows := self._rows_of(word):
                with np.errstate(over="ignore", invalid="ignore"):  # of a damaged file
                    found[number] = self._matrix[rows].mean(axis=0)
                if not np.isfinite(found[number]).all():
                    raise InputError(f"{self.origin}: the vector of {word!r} contains NaN or infinity")
        return torch.from_numpy(found)

    def _rows_of(self, word: str) -> list[int]:
        """The rows of the vectors that are averaged for a word."""
        written, lowered = (text.encode("utf-8", "surrogatepass") for text in (word, word.lower()))
        known = lowered if written not in self._rows and lowered in self._rows else written
        own = [self._rows[known]] if known in self._rows else []
        if known == _END_OF_SENTENCE or not self._buckets:
            return own
        return own + [self._words + _hash(gram) % self._buckets for gram in self._grams(b"<" + known + b">")]

    def _grams(self, marked: bytes) -> Iterator[bytes]:
        """The character n-grams of a word between its boundary marks, without the marks themselves."""
        starts = [at for at, byte in enumerate(marked) if byte & 0xC0 != 0x80] + [len(marked)]
        last = len(starts) - 1
        for first in range(last):
            for length in range(max(1, self._shortest), min(self._longest, last - first) + 1):
                if length > 1 or 0 < first < last - 1:
                    yield marked[starts[first] : starts[first + length]]

    def _read_words(self, at: int) -> int:
        """Read the vocabulary from its first byte on. Returns the position after it."""
        size, words, _, _, pruned = self._read("<3i2q", at)
        at += struct.calcsize("<3i2q")
        if not 0 <= words <= size or pruned >= 0:
            raise InputError(
                f"{self.origin}: not the vocabulary of an uncompressed fastText model: {words} words in {size} "
                f"entries, {pruned} kept n-grams, before byte {at}"
            )
        self._words, self._rows = words, dict[bytes, int]()
        for entry in range(size):  # the words, then the labels of a classifier
            end = self._data.find(b"\0", at)
            if end < 0:
                raise InputError(
                    f"{self.origin}: truncated at byte {at}, after {entry} of {size} words; download it again"
                )
            if entry < words:
                self._rows[self._data[at:end]] = entry
            at = end + 1 + struct.calcsize("<qb")  # count and kind
        return at

    def _read(self, layout: str, at: int) -> tuple[int, ...]:
        self._need(at, struct.calcsize(layout), "a fastText model")
        return struct.unpack_from(layout, self._data, at)

    def _need(self, at: int, size: int, what: str) -> None:
        if size < 0 or at + size > len(self._data):
            raise InputError(
                f"{self.origin}: truncated: {what} needs {size} bytes from byte {at}, but the file has "
                f"{len(self._data)} bytes; download it again"
            )


def _hash(gram: bytes) -> int:
    """The 32-bit FNV-1a hash over signed bytes, as in fastText."""
    value = 2166136261
    for byte in gram:
        value = ((value ^ (byte | 0xFFFFFF00 if byte > 127 else byte)) * 16777619) & 0xFFFFFFFF
    return value
