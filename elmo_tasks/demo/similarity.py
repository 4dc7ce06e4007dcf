"""How alike the tokens of one sentence are, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import normalize

from elmo_tasks.embedders.protocol import Embedder

MOST = 40
"""Tokens that are compared: larger tables cannot be read on a screen."""


@dataclass(frozen=True)
class Similarity:
    """tokens: those that are compared; cosines: (L, T, T), layer 0 is the token layer; pair: two of them to begin with;
    source: what embedder; total: how many tokens the sentence has."""

    tokens: tuple[str, ...]
    cosines: Tensor
    pair: tuple[int, int]
    source: str
    total: int


def compare_tokens(embedder: Embedder, tokens: Sequence[str], most: int = MOST) -> Similarity:
    """The cosines of the first `most` tokens of a sentence; their vectors are those of the whole sentence."""
    (layers,) = embedder.embed([tokens])  # (L, T, D)
    units = normalize(layers[:, :most], dim=-1)
    cosines = units @ units.transpose(1, 2)  # (L, T, T)
    return Similarity(tuple(tokens[:most]), cosines, _telling_pair(tokens[:most], cosines), embedder.name, len(tokens))


def _telling_pair(tokens: Sequence[str], cosines: Tensor) -> tuple[int, int]:
    """The longest word that is there twice, for it is alike but for its context; else the two most alike at the top.

    Words of four letters or more are preferred: `the` and `a` tell little.
    """
    long = [place for place, token in enumerate(tokens) if len(token) > 3 and any(map(str.isalnum, token))]
    places = long if len(long) > 1 else list(range(len(tokens)))
    pairs = [(one, other) for one in places for other in places if one < other]
    twice = [(one, other) for one, other in pairs if tokens[one].lower() == tokens[other].lower()]
    if twice:
        return max(twice, key=lambda pair: len(tokens[pair[0]]))
    return max(pairs, key=lambda pair: float(cosines[-1][pair]), default=(0, 0))
