"""What feeds a model: each named source prepared once a split, and the module that turns it into vectors."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from elmo_tasks.elmo.characters import N_CHARACTERS, encode_words
from elmo_tasks.embedders.cache import CachedEmbedder
from elmo_tasks.embedders.glove import WordVectors, load_word_vectors
from elmo_tasks.embedders.protocol import Embedder, Sentences
from elmo_tasks.embedders.random import RandomEmbedder
from elmo_tasks.errors import InputError
from elmo_tasks.modules.char_cnn import CharCnn
from elmo_tasks.modules.embedding_mix import FrozenLayers, WordLookup

KNOWN = ("elmo", "glove", "chars", "random")


class Input(Protocol):
    """A source of a model: prepared sentences on one side, a module for the collated batch on the other."""

    @property
    def name(self) -> str:
        """As the user wrote it."""

    @property
    def fingerprint(self) -> str:
        """What a stored model must find again to be usable."""

    def prepare(self, sentences: Sentences) -> list[Tensor]:
        """One tensor a sentence: (L, T, D) frozen layers, or time first. Computed once a split, never once an epoch."""

    def build_module(self) -> nn.Module:
        """A module with `.width` that maps the collated tensor and mask (B, T) to (B, T, width)."""


class FrozenInput:
    """Vectors of a frozen Embedder, mixed in the model."""

    def __init__(
        self, embedder: Embedder, *, layers: str = "mix", layer_norm: bool = False, dropout: float = 0.0
    ) -> None:
        if layers != "mix" and not (layers.isdigit() and int(layers) < embedder.n_layers):
            raise InputError(f"elmo.layers: expected mix or a layer of 0 to {embedder.n_layers - 1}, got {layers!r}")
        self.embedder, self.layers, self.layer_norm, self.dropout = embedder, layers, layer_norm, dropout
        self.name = embedder.name

    @property
    def fingerprint(self) -> str:
        """That of the embedder, whatever the arithmetic: a trained model may move to a machine with another."""
        return self.embedder.fingerprint.partition(".")[0]

    def prepare(self, sentences: Sentences) -> list[Tensor]:
        """(L, T, D) a sentence."""
        return self.embedder.embed(sentences)

    def build_module(self) -> FrozenLayers:
        """The mix of its layers."""
        return FrozenLayers(
            n_layers=self.embedder.n_layers,
            width=self.embedder.width,
            layers=self.layers,
            layer_norm=self.layer_norm,
            dropout=self.dropout,
        )


class WordInput:
    """Static word vectors, looked up in the model; `tuned_words` get a trained offset."""

    def __init__(self, name: str, vectors: WordVectors, tuned_words: Iterable[str] = ()) -> None:
        self.name, self.vectors = name, vectors
        known = {vectors.row(word) for word in tuned_words} - {len(vectors.matrix)}
        self.tuned_rows = sorted(known)

    @property
    def fingerprint(self) -> str:
        """Digest of the vectors."""
        return f"words-{self.vectors.fingerprint}"

    def prepare(self, sentences: Sentences) -> list[Tensor]:
        """(T,) row numbers a sentence."""
        return [torch.tensor([self.vectors.row(word) for word in words], dtype=torch.long) for words in sentences]

    def build_module(self) -> WordLookup:
        """The table."""
        return WordLookup(self.vectors.matrix, self.tuned_rows)


class CharsInput:
    """Characters for a trainable char-CNN."""

    name = "chars"
    max_characters = 32

    def __init__(self, *, dim: int = 16, filters: int = 128, width: int = 3) -> None:
        self.dim, self.filters, self.width = dim, filters, width

    @property
    def fingerprint(self) -> str:
        """Its shape."""
        return f"chars-{self.dim}-{self.filters}-{self.width}"

    def prepare(self, sentences: Sentences) -> list[Tensor]:
        """(T, C) UTF-8 byte ids a sentence with begin and end marks, 0 behind."""
        known = sorted({word for words in sentences for word in words})
        table = encode_words(known, self.max_characters)  # (V, C)
        table[table == N_CHARACTERS - 1] = 0  # a model of its own needs no learned padding
        rows = {word: row for row, word in enumerate(known)}
        return [table[torch.tensor([rows[word] for word in words], dtype=torch.long)] for words in sentences]

    def build_module(self) -> CharCnn:
        """The char-CNN."""
        return CharCnn(n_characters=N_CHARACTERS, dim=self.dim, filters=self.filters, width=self.width)


def build_inputs(
    names: Sequence[str],
    *,
    elmo_weights: str = "default",
    elmo_layers: str = "mix",
    elmo_layer_norm: bool = False,
    elmo_dropout: float = 0.0,
    elmo_precision: str = "auto",
    glove_path: str | None = None,
    glove_trainable: bool = False,
    chars_dim: int = 16,
    chars_filters: int = 128,
    chars_width: int = 3,
    cache_folder: Path | None = None,
    train_words: Iterable[str] = (),
) -> list[Input]:
    """Inputs by name: `elmo`, `elmo:WEIGHTS`, `glove`, `glove:FILE`, `chars`, `random`.

    cache_folder: where frozen vectors are kept; None computes them anew. train_words: what `glove_trainable` tunes.

    Raises:
        InputError: an unknown name (the nearest is named), a name twice, or a source that is not installed.
    """
    if not names:
        raise InputError(f"--embedders: expected one or more of {', '.join(KNOWN)}, got none")
    if len(set(names)) < len(names):
        raise InputError(f"--embedders: expected each name once, got {' '.join(names)}")
    made: list[Input] = []
    for name in names:
        kind, _, detail = name.partition(":")
        if kind == "elmo":
            from elmo_tasks.embedders.elmo import ElmoEmbedder

            embedder: Embedder = ElmoEmbedder(detail or elmo_weights, name, precision=elmo_precision)
            if cache_folder is not None:
                embedder = CachedEmbedder(embedder, cache_folder)
            made.append(FrozenInput(embedder, layers=elmo_layers, layer_norm=elmo_layer_norm, dropout=elmo_dropout))
        elif kind == "glove":
            vectors = load_word_vectors(detail or glove_path)
            made.append(WordInput(name, vectors, train_words if glove_trainable else ()))
        elif name == "chars":
            made.append(CharsInput(dim=chars_dim, filters=chars_filters, width=chars_width))
        elif name == "random":
            made.append(FrozenInput(RandomEmbedder()))
        else:
            close = difflib.get_close_matches(kind, KNOWN, n=1)
            guess = f"; did you mean {close[0]}?" if close else ""
            raise InputError(f"--embedders: expected some of {', '.join(KNOWN)}, got {name!r}{guess}")
    return made
