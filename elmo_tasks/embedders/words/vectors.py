"""Static word vectors: a table, and an embedder for any kind of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Protocol

import torch
from torch import Tensor

from elmo_tasks.core.sentences import checked_sentences
from elmo_tasks.embedders.protocol import Sentences


class StaticVectors(Protocol):
    """Vectors that depend only on the word."""

    @property
    def origin(self) -> str:
        """The source of the vectors, for messages."""

    @property
    def width(self) -> int:
        """D."""

    @property
    def fingerprint(self) -> str:
        """Digest of words and values."""

    @property
    def parameters(self) -> int:
        """The number of parameters, including those of words that occur in no text."""

    def lookup(self, words: Sequence[str]) -> Tensor:
        """(T, D) float32; zeros for a word that has no vector."""


class Rows(Protocol):
    """A mapping from words to row numbers."""

    def get(self, word: str, /) -> int | None:
        """The row of a word, or None."""

    def __iter__(self) -> Iterator[str]:
        """The distinct words."""


class WordVectors:
    """A vocabulary and its matrix (V, D) float32. A word is looked up as written, then lower-cased."""

    def __init__(self, words: Sequence[str] | Rows, matrix: Tensor, origin: str, fingerprint: str = "") -> None:
        """words: the words of the rows in order (the first of two equal ones counts), or a mapping from words to rows;
        fingerprint: the digest of words and matrix, if it is known."""
        self.matrix, self.origin, self.width = matrix, origin, matrix.shape[1]
        self._fingerprint = fingerprint
        self._rows: Rows
        if isinstance(words, Sequence):
            self._rows = rows = dict[str, int]()
            for row, word in enumerate(words):
                rows.setdefault(word, row)
        else:
            self._rows = words

    def row(self, word: str) -> int:
        """The row of a word, or V for an unknown word."""
        row = self._rows.get(word)
        if row is None:
            row = self._rows.get(word.lower())
        return len(self.matrix) if row is None else row

    def words(self) -> list[str]:
        """The distinct words, in no particular order; `row` returns the row of each."""
        return list(self._rows)

    def lookup(self, words: Sequence[str]) -> Tensor:
        """(T, D); zeros for unknown words."""
        rows = torch.tensor([self.row(word) for word in words], dtype=torch.long)  # (T,)
        found = torch.zeros(len(rows), self.width)
        known = rows < len(self.matrix)
        found[known] = self.matrix[rows[known]]
        return found

    @property
    def parameters(self) -> int:
        """V x D."""
        return self.matrix.numel()

    @property
    def fingerprint(self) -> str:
        """Digest of words and values."""
        if not self._fingerprint:
            assert isinstance(self._rows, dict)  # other tables are created with their fingerprint
            digest = hashlib.blake2b(self.matrix.contiguous().numpy().data, digest_size=16)
            digest.update("\n".join(self._rows).encode("utf-8", "surrogatepass"))
            self._fingerprint = digest.hexdigest()
        return self._fingerprint


class StaticEmbedder:
    """Static vectors as an Embedder of one layer."""

    n_layers = 1

    def __init__(self, vectors: StaticVectors, name: str = "glove") -> None:
        self.name, self.vectors, self.width = name, vectors, vectors.width

    @property
    def fingerprint(self) -> str:
        """Digest of the vectors."""
        return f"words-{self.vectors.fingerprint}"

    @property
    def parameters(self) -> int:
        """The parameters of the vectors."""
        return self.vectors.parameters

    def embed(self, sentences: Sentences) -> list[Tensor]:
        """One (1, T, D) tensor per sentence. Raises InputError for a string instead of a list of tokens."""
        return [self.vectors.lookup(words)[None] for words in checked_sentences(sentences)]  # (1, T, D)
