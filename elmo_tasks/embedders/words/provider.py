"""`glove`: static word vectors, from GloVe or from a file."""

from __future__ import annotations

from dataclasses import dataclass

from elmo_tasks.core.errors import InputError
from elmo_tasks.embedders.confinement import confined
from elmo_tasks.embedders.protocol import Input, Provider, Request


@dataclass(frozen=True)
class GloveSettings:
    """`glove:` in a configuration.

    path: a file of word vectors instead of GloVe 6B 50d, or `small` for its most frequent words, in the package.
    trainable: whether the vectors of words in the training data are fine-tuned.
    """

    path: str | None = None
    trainable: bool = False


def build(request: Request, settings: GloveSettings) -> Input:
    """A table looked up in the model, or the vectors of a fastText model."""
    from elmo_tasks.embedders.inputs import FrozenInput, WordInput
    from elmo_tasks.embedders.words.glove import SMALL
    from elmo_tasks.embedders.words.load import load_word_vectors
    from elmo_tasks.embedders.words.vectors import StaticEmbedder, WordVectors

    place = request.detail or settings.path
    if request.within is not None and place not in (None, SMALL):
        place = confined(place, request.within)
    vectors = load_word_vectors(place)
    if isinstance(vectors, WordVectors):
        return WordInput(request.name, vectors, request.train_words if settings.trainable else ())
    if settings.trainable:
        raise InputError(
            f"glove.trainable: {vectors.origin} is a fastText model, which has no table to fine-tune; pass --set "
            "glove.trainable=false"
        )
    return FrozenInput(StaticEmbedder(vectors, request.name))


PROVIDER = Provider(
    build,
    GloveSettings,
    "glove",
    "word vectors: GloVe 6B 50d (extra glove), its 30,000 most frequent words (small, inside the package), or a GloVe, "
    "word2vec or fastText file",
    "small|FILE",
)
