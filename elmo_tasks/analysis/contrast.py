"""Compare the vectors of one word in two sentences, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from elmo_tasks.analysis.occurrences import position_of
from elmo_tasks.core.errors import InputError
from elmo_tasks.embedders.protocol import Embedder


@dataclass(frozen=True)
class Contrast:
    """The comparison of a word in two sentences.

    word: as given by the user; sentences and positions (from 0): its two occurrences; cosines: cosine of the word by
    layer; tables: (L, T1, T2), cosines of all tokens of the first sentence with all tokens of the second.
    """

    word: str
    sentences: tuple[tuple[str, ...], tuple[str, ...]]
    positions: tuple[int, int]
    cosines: tuple[float, ...]
    tables: Tensor


def contrast(embedder: Embedder, sentences: tuple[Sequence[str], Sequence[str]], word: str | None = None) -> Contrast:
    """Compare the vectors of a word in two sentences.

    word: the word, ignoring case; None for the only word that both share, apart from punctuation.

    Raises:
        InputError: a sentence is empty or does not contain the word, or there is not exactly one shared word.
    """
    first, second = (tuple(tokens) for tokens in sentences)
    if not first or not second:
        raise InputError("contrast: a sentence is empty; give two tokenised sentences")
    if word is None:
        shared = shared_words(first, second)
        if len(shared) != 1:
            several = f"{len(shared)}: {', '.join(shared)}" if shared else "none"
            raise InputError(
                f"contrast: the sentences must share exactly one word, not {several}; choose one with --word WORD"
            )
        word = shared[0]
    positions = position_of(word, first), position_of(word, second)
    ours, theirs = (_unit(layers) for layers in embedder.embed([first, second]))  # (L, T1, D), (L, T2, D)
    tables = torch.einsum("lsd,ltd->lst", ours, theirs)  # (L, T1, T2)
    cosines = tables[:, positions[0], positions[1]].tolist()
    return Contrast(word, (first, second), positions, tuple(cosines), tables)


def shared_words(first: Sequence[str], second: Sequence[str]) -> list[str]:
    """The words with a letter or a digit that occur in both sentences, in lower case, in the order of the first."""
    others = {token.lower() for token in second}
    words = dict.fromkeys(token.lower() for token in first if any(map(str.isalnum, token)))
    return [word for word in words if word in others]


def _unit(layers: Tensor) -> Tensor:
    return torch.nn.functional.normalize(layers, dim=-1)
