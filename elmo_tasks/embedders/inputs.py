"""Frozen vectors as the inputs of a model: the layers of an embedder, or words in a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.sentences import checked_sentences
from elmo_tasks.embedders.cache.cached import CachedEmbedder
from elmo_tasks.embedders.protocol import Embedder, Input, Prepared, Sentences
from elmo_tasks.embedders.words.vectors import WordVectors
from elmo_tasks.nn.embedding_mix import FrozenLayers, WordLookup

AT_ONCE = 16384
"""Maximum number of tokens whose vectors are computed together and kept in memory."""


@dataclass(frozen=True)
class Computed:
    """Vectors without a cache, computed for each batch, so that only one batch is in memory."""

    embedder: Embedder
    sentences: Sentences

    def take(self, numbers: Sequence[int]) -> list[Tensor]:
        """The vectors of these sentences, (L, T, D) each."""
        return self.embedder.embed([self.sentences[number] for number in numbers])


@dataclass(frozen=True)
class InMemory:
    """One small tensor per sentence."""

    tensors: Sequence[Tensor]

    def take(self, numbers: Sequence[int]) -> list[Tensor]:
        """The tensors of these sentences."""
        return [self.tensors[number] for number in numbers]


@dataclass(frozen=True)
class Looked:
    """Sentences as rows of one table: table (V, C), rows (T,) per sentence."""

    table: Tensor
    rows: Sequence[Tensor]

    def take(self, numbers: Sequence[int]) -> list[Tensor]:
        """The rows of these sentences, (T, C) each."""
        return [self.table[self.rows[number]] for number in numbers]


def frozen_input(
    embedder: Embedder, cache_folder: Path | None, layers: str, layer_norm: bool, dropout: float
) -> FrozenInput:
    """Make a `FrozenInput` whose vectors are cached on disk, unless `cache_folder` is None."""
    kept = embedder if cache_folder is None else CachedEmbedder(embedder, cache_folder)
    return FrozenInput(kept, layers=layers, layer_norm=layer_norm, dropout=dropout)


def check_layers(embedder: Embedder, layers: str) -> None:
    """Raises InputError if `layers` is neither `mix` nor the number of a layer of the embedder."""
    if layers != "mix" and not (layers.isdecimal() and int(layers) < embedder.n_layers):
        raise InputError(
            f"layers of {embedder.name} must be mix or a number from 0 to {embedder.n_layers - 1}, not {layers!r}"
        )


class FrozenInput:
    """Vectors of a frozen Embedder, mixed in the model."""

    tuned_words: tuple[str, ...] = ()

    def __init__(
        self, embedder: Embedder, *, layers: str = "mix", layer_norm: bool = False, dropout: float = 0.0
    ) -> None:
        """layers: `mix` or the number of a layer; layer_norm, dropout: applied to the mixed vectors."""
        check_layers(embedder, layers)
        self.embedder, self.layers, self.layer_norm, self.dropout = embedder, layers, layer_norm, dropout
        self.name = embedder.name

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the embedder without the arithmetic, which may differ on another machine."""
        return self.embedder.fingerprint.partition(".")[0]

    @property
    def frozen_parameters(self) -> int:
        """The parameters of the embedder."""
        return self.embedder.parameters

    @property
    def arithmetic(self) -> str:
        """The arithmetic of the embedder, such as `fast/int8-gates`; empty if it has only one."""
        return self.embedder.fingerprint.partition(".")[2].replace("-", "/", 1)

    def prepare(self, sentences: Sentences) -> Prepared:
        """(L, T, D) per sentence: from the cache, in memory if they are few, or computed again for each batch."""
        sentences = checked_sentences(sentences)
        if isinstance(self.embedder, CachedEmbedder):
            return self.embedder.prepare(sentences)
        if sum(map(len, sentences)) <= AT_ONCE:
            return InMemory(self.embedder.embed(sentences))
        return Computed(self.embedder, sentences)

    def build_module(self) -> FrozenLayers:
        """The module that mixes the layers."""
        return FrozenLayers(
            n_layers=self.embedder.n_layers,
            width=self.embedder.width,
            layers=self.layers,
            layer_norm=self.layer_norm,
            dropout=self.dropout,
        )


def arithmetic_of(inputs: Iterable[Input]) -> dict[str, str]:
    """The arithmetic of each embedder that supports several, by name."""
    return {
        source.name: source.arithmetic for source in inputs if isinstance(source, FrozenInput) and source.arithmetic
    }


class WordInput:
    """Static word vectors, looked up in the model; `tuned_words` have a trained offset."""

    def __init__(self, name: str, vectors: WordVectors, tuned_words: Iterable[str] = ()) -> None:
        self.name, self.vectors, self.tuned_words = name, vectors, tuple(tuned_words)
        known = {vectors.row(word) for word in self.tuned_words} - {len(vectors.matrix)}
        self.tuned_rows = sorted(known)

    @property
    def fingerprint(self) -> str:
        """The digest of the vectors."""
        return f"words-{self.vectors.fingerprint}"

    @property
    def frozen_parameters(self) -> int:
        """The parameters of the table."""
        return self.vectors.parameters

    def prepare(self, sentences: Sentences) -> InMemory:
        """The row numbers of each sentence, (T,)."""
        rows = [[self.vectors.row(word) for word in words] for words in checked_sentences(sentences)]
        return InMemory([torch.tensor(row, dtype=torch.long) for row in rows])

    def build_module(self) -> WordLookup:
        """The module that looks up the rows."""
        return WordLookup(self.vectors.matrix, self.tuned_rows)
