"""Compare the tokens of a sentence, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import normalize

from elmo_tasks.embedders.protocol import Embedder

MOST = 40
"""Maximum number of compared tokens; larger tables are illegible on a screen."""


@dataclass(frozen=True)
class Similarity:
    """Similarities of the tokens of a sentence.

    tokens: the compared tokens; cosines: (L, T, T), layer 0 is the token layer; pair: two tokens shown first; source:
    the embedder; total: number of tokens of the sentence.
    """

    tokens: tuple[str, ...]
    cosines: Tensor
    pair: tuple[int, int]
    source: str
    total: int


def compare_tokens(embedder: Embedder, tokens: Sequence[str], most: int = MOST) -> Similarity:
    """The cosines of the first `most` tokens of a sentence, with vectors computed from the whole sentence."""
    (layers,) = embedder.embed([tokens])  # (L, T, D)
    units = normalize(layers[:, :most], dim=-1)
    cosines = units @ units.transpose(1, 2)  # (L, T, T)
    return Similarity(tuple(tokens[:most]), cosines, _telling_pair(tokens[:most], cosines), embedder.name, len(tokens))


def _telling_pair(tokens: Sequence[str], cosines: Tensor) -> tuple[int, int]:
    """The longest word that occurs twice, which differs only in context; else the two most similar in the top layer.

    Words of four letters or more are preferred, because `the` and `a` are not informative.
    """
    long = [place for place, token in enumerate(tokens) if len(token) > 3 and any(map(str.isalnum, token))]
    places = long if len(long) > 1 else list(range(len(tokens)))
    pairs = [(one, other) for one in places for other in places if one < other]
    twice = [(one, other) for one, other in pairs if tokens[one].lower() == tokens[other].lower()]
    if twice:
        return max(twice, key=lambda pair: len(tokens[pair[0]]))
    return max(pairs, key=lambda pair: float(cosines[-1][pair]), default=(0, 0))
