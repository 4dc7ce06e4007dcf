"""Who provides a source of a name: one entry a provider. Nothing heavy is imported before a source is built."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elmo_tasks.core.errors import InputError

if TYPE_CHECKING:
    from elmo_tasks.embedders.protocol import Embedder, Input


@dataclass(frozen=True)
class Request:
    """What is asked of a provider: `name` as the user wrote it, `detail` the part behind its colon or "".

    cache_folder: where frozen vectors are kept, None for nowhere; train_words: the words of the training data.
    """

    name: str
    detail: str = ""
    cache_folder: Path | None = None
    train_words: Iterable[str] = ()


@dataclass(frozen=True)
class Provider:
    """build: makes the source from a Request and the keyword arguments in its `section` of a configuration.

    detail: what may follow the colon; preset: the detail of a name that takes none.
    """

    build: Callable[..., Input]
    section: str
    summary: str
    detail: str = ""
    preset: str = ""

    def form(self, kind: str) -> str:
        """How it is written, such as `glove[:FILE]`."""
        return f"{kind}[:{self.detail}]" if self.detail else kind


def _elmo(
    request: Request,
    *,
    weights: str = "default",
    layers: str = "mix",
    layer_norm: bool = False,
    dropout: float = 0.0,
    precision: str = "auto",
) -> Input:
    from elmo_tasks.embedders.device import frozen_device
    from elmo_tasks.embedders.elmo import BilmEmbedder

    embedder = BilmEmbedder(
        request.detail or weights, request.name, precision=precision, device=frozen_device(precision)
    )
    return _frozen(embedder, request, layers, layer_norm, dropout)


def _transformer(
    request: Request,
    *,
    model: str = "minilm",
    pooling: str = "mean",
    layers: str = "mix",
    layer_norm: bool = False,
    dropout: float = 0.0,
) -> Input:
    from elmo_tasks.embedders.device import frozen_device
    from elmo_tasks.embedders.transformer.embedder import TransformerEmbedder

    embedder = TransformerEmbedder(request.detail or model, name=request.name, pooling=pooling, device=frozen_device())
    return _frozen(embedder, request, layers, layer_norm, dropout)


def _glove(request: Request, *, path: str | None = None, trainable: bool = False) -> Input:
    from elmo_tasks.embedders.inputs import FrozenInput, WordInput
    from elmo_tasks.embedders.words.load import load_word_vectors
    from elmo_tasks.embedders.words.vectors import StaticEmbedder, WordVectors

    vectors = load_word_vectors(request.detail or path)
    if isinstance(vectors, WordVectors):
        return WordInput(request.name, vectors, request.train_words if trainable else ())
    if trainable:
        raise InputError(
            f"glove.trainable: expected a table of words to tune, got the fastText model {vectors.origin}, which makes "
            "the vectors of words from their n-grams; give --set glove.trainable=false"
        )
    return FrozenInput(StaticEmbedder(vectors, request.name))


def _chars(request: Request, *, dim: int = 16, filters: int = 128, width: int = 3) -> Input:
    from elmo_tasks.embedders.inputs import CharsInput

    return CharsInput(dim=dim, filters=filters, width=width)


def _random(request: Request) -> Input:
    from elmo_tasks.embedders.inputs import FrozenInput
    from elmo_tasks.embedders.random import RandomEmbedder

    return FrozenInput(RandomEmbedder())


def _frozen(embedder: Embedder, request: Request, layers: str, layer_norm: bool, dropout: float) -> Input:
    """Layers that cost enough to be kept on disk."""
    from elmo_tasks.embedders.cache.cached import CachedEmbedder
    from elmo_tasks.embedders.inputs import FrozenInput

    kept = embedder if request.cache_folder is None else CachedEmbedder(embedder, request.cache_folder)
    return FrozenInput(kept, layers=layers, layer_norm=layer_norm, dropout=dropout)


PROVIDERS = {
    "elmo": Provider(
        _elmo, "elmo", "frozen biLM: small, medium, original, original-5.5b, a folder, options,weights", "WEIGHTS"
    ),
    "glove": Provider(_glove, "glove", "word vectors: GloVe 6B 50d, or a GloVe, word2vec or fastText file", "FILE"),
    "minilm": Provider(_transformer, "transformer", "frozen MiniLM-L6, inside a package", preset="minilm"),
    "transformer": Provider(
        _transformer, "transformer", "any frozen Hugging Face encoder, a folder or ORG/NAME on the hub", "MODEL"
    ),
    "chars": Provider(_chars, "chars", "character CNN, trained with the task"),
    "random": Provider(_random, "random", "a fixed random vector a word: the control"),
}
"""By the name that stands before the colon."""


def build_inputs(
    names: Sequence[str],
    options: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    cache_folder: Path | None = None,
    train_words: Iterable[str] = (),
) -> list[Input]:
    """Inputs by name: `elmo`, `glove:FILE` and so on, each made by its provider (see `elmo_tasks.embedders.registry`).

    options: keyword arguments of the providers, by section; cache_folder: where frozen vectors are kept, None computes
    them anew; train_words: what is tuned where word vectors are trainable.

    Raises:
        InputError: an unknown name (the nearest is named), a name twice, or a source that is not installed.
    """
    if not names:
        raise InputError(f"--embedders: expected one or more of {', '.join(PROVIDERS)}, got none")
    if len(set(names)) < len(names):
        raise InputError(f"--embedders: expected each name once, got {' '.join(names)}")
    made: list[Input] = []
    for name in names:
        kind, colon, detail = name.partition(":")
        provider = PROVIDERS.get(kind)
        if provider is None:
            close = difflib.get_close_matches(kind, PROVIDERS, n=1)
            guess = f"; did you mean {close[0]}?" if close else ""
            raise InputError(f"--embedders: expected some of {', '.join(PROVIDERS)}, got {name!r}{guess}")
        if colon and not (detail and provider.detail):
            raise InputError(f"--embedders: expected {provider.form(kind)}, got {name!r}")
        request = Request(name, detail or provider.preset, cache_folder, train_words)
        made.append(provider.build(request, **(options or {}).get(provider.section, {})))
    return made
