"""Static word vectors: a table of them, and any kind of them as an embedder."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor

from elmo_tasks.embedders.protocol import Sentences


class StaticVectors(Protocol):
    """Vectors that depend on the word alone."""

    @property
    def origin(self) -> str:
        """Where they come from, for messages."""

    @property
    def width(self) -> int:
        """D."""

    @property
    def fingerprint(self) -> str:
        """Digest of words and values."""

    @property
    def parameters(self) -> int:
        """The numbers that it holds, those of words that no text has included."""

    def lookup(self, words: Sequence[str]) -> Tensor:
        """(T, D) float32; zeros for a word that has no vector."""


class WordVectors:
    """A vocabulary and its matrix (V, D) float32. A word is looked up as it is, then lower-cased."""

    def __init__(self, words: Sequence[str], matrix: Tensor, origin: str) -> None:
        """A word that comes twice has its first vector."""
        self.matrix, self.origin, self.width = matrix, origin, matrix.shape[1]
        self._rows: dict[str, int] = {}
        for row, word in enumerate(words):
            self._rows.setdefault(word, row)

    def row(self, word: str) -> int:
        """The word's row, or V for an unknown word."""
        row = self._rows.get(word)
        return self._rows.get(word.lower(), len(self.matrix)) if row is None else row

    def lookup(self, words: Sequence[str]) -> Tensor:
        """(T, D); an unknown word has zeros."""
        rows = torch.tensor([self.row(word) for word in words], dtype=torch.long)  # (T,)
        found = torch.zeros(len(rows), self.width)
        known = rows < len(self.matrix)
        found[known] = self.matrix[rows[known]]
        return found

    @property
    def parameters(self) -> int:
        """V x D."""
        return self.matrix.numel()

    @cached_property
    def fingerprint(self) -> str:
        """Digest of words and values."""
        digest = hashlib.blake2b(self.matrix.contiguous().numpy().data, digest_size=16)
        digest.update("\n".join(self._rows).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()


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
        """Those of the vectors."""
        return self.vectors.parameters

    def embed(self, sentences: Sentences) -> list[Tensor]:
        """One (1, T, D) tensor a sentence."""
        return [self.vectors.lookup(words)[None] for words in sentences]  # (1, T, D)
