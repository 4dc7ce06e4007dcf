"""Words that a biLM predicts at a position: forward, backward, and both combined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from elmo_tasks.elmo.characters import batch_to_ids
from elmo_tasks.pretraining.corpus import SPECIALS
from elmo_tasks.pretraining.perplexity import LanguageModel

Ranked = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Substitutes:
    """The most probable words for one position with their probabilities, in descending order.

    forward: given the left context; backward: given the right context; both: the renormalised product of the two.
    Neither direction sees the word at the position itself.
    """

    position: int
    word: str
    forward: Ranked
    backward: Ranked
    both: Ranked


@torch.no_grad()
def substitutes(model: LanguageModel, sentence: Sequence[str], positions: Sequence[int], top: int) -> list[Substitutes]:
    """The `top` words for each of the positions (counted from 0) of a tokenised sentence."""
    names = list(model.vocabulary)
    ids = batch_to_ids([sentence], model.bilm.options.max_characters).to(model.weight.device)
    layer = model.bilm(ids, keep_sentence_boundaries=True).layers[0, -1]  # (T + 2, 2P): <S> w1 .. wn </S>
    half = layer.shape[1] // 2

    def probabilities(hidden: Tensor) -> Tensor:
        scores = torch.addmv(model.bias, model.weight, hidden)  # (V,)
        scores[: len(SPECIALS)] = -torch.inf  # a boundary or <UNK> is not a substitute
        return torch.softmax(scores, 0)

    def ranked(values: Tensor) -> Ranked:
        best = values.topk(min(top, len(values) - len(SPECIALS)))
        return tuple((names[n], p) for n, p in zip(best.indices.tolist(), best.values.tolist(), strict=True))

    found = []
    for position in positions:
        forward = probabilities(layer[position, :half])  # the step before the word
        backward = probabilities(layer[position + 2, half:])  # the step after it
        product = forward * backward
        both = product / product.sum()
        found.append(Substitutes(position, sentence[position], ranked(forward), ranked(backward), ranked(both)))
    return found
