"""Who provides a source of a name: one entry a provider. Nothing heavy is imported before a source is built."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from elmo_tasks.errors import InputError

if TYPE_CHECKING:
    from elmo_tasks.embedders.inputs import Input
    from elmo_tasks.embedders.protocol import Embedder


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
    from elmo_tasks.embedders.elmo import ElmoEmbedder

    embedder = ElmoEmbedder(
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
    from elmo_tasks.embedders.transformer import TransformerEmbedder

    embedder = TransformerEmbedder(request.detail or model, name=request.name, pooling=pooling, device=frozen_device())
    return _frozen(embedder, request, layers, layer_norm, dropout)


def _glove(request: Request, *, path: str | None = None, trainable: bool = False) -> Input:
    from elmo_tasks.embedders.sources import FrozenInput, WordInput
    from elmo_tasks.embedders.vector_files import load_word_vectors
    from elmo_tasks.embedders.word_vectors import StaticEmbedder, WordVectors

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
    from elmo_tasks.embedders.sources import CharsInput

    return CharsInput(dim=dim, filters=filters, width=width)


def _random(request: Request) -> Input:
    from elmo_tasks.embedders.random import RandomEmbedder
    from elmo_tasks.embedders.sources import FrozenInput

    return FrozenInput(RandomEmbedder())


def _frozen(embedder: Embedder, request: Request, layers: str, layer_norm: bool, dropout: float) -> Input:
    """Layers that cost enough to be kept on disk."""
    from elmo_tasks.embedders.cache import CachedEmbedder
    from elmo_tasks.embedders.sources import FrozenInput

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
