"""Find the best tag sequence of each sentence in a batch."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Viterbi(nn.Module):
    """Decodes independent scores of tokens under hard constraints (He et al. 2017, section 2.4).

    Nothing is learned here: legal transitions cost nothing, all others are impossible.
    """

    def __init__(self, start: Sequence[bool], end: Sequence[bool], step: Sequence[Sequence[bool]]) -> None:
        """start, end: (K,), step: (K, K), from `legal_transitions`."""
        super().__init__()
        for name, costs in (("start", _costs(start)), ("end", _costs(end)), ("step", [_costs(row) for row in step])):
            self.register_buffer(name, torch.tensor(costs), persistent=False)
        self.start: Tensor
        self.end: Tensor
        self.step: Tensor

    def forward(self, scores: Tensor, lengths: Tensor) -> list[list[int]]:
        """scores: (B, T, K), lengths: (B,), all above 0 -> the tags of each sentence."""
        return best_paths(scores, lengths, self.start, self.end, self.step)


@torch.no_grad()
def best_paths(scores: Tensor, lengths: Tensor, start: Tensor, end: Tensor, step: Tensor) -> list[list[int]]:
    """The tags of each sentence with the largest sum of scores, for all sentences at once.

    Args:
        scores: scores (B, T, K) of the tags of each token.
        lengths: (B,), all above 0.
        start: scores (K,) of the first tag; -inf is impossible, here and below.
        end: scores (K,) of the last tag.
        step: scores (K, K) of a tag, first index, before another.
    """
    batch, longest, _ = scores.shape
    lengths = lengths.to(scores.device)
    best = start + scores[:, 0]  # (B, K)
    back = []  # one (B, K) per step: the best tag before each tag
    for time in range(1, longest):
        reached, before = (best.unsqueeze(2) + step).max(dim=1)  # (B, K)
        going = (time < lengths).unsqueeze(1)  # (B, 1)
        best = torch.where(going, reached + scores[:, time], best)
        back.append(before)
    tags = scores.new_zeros(batch, longest, dtype=torch.long)
    now = (best + end).argmax(dim=1)  # (B,) the tag of the last token of each sentence
    for time in reversed(range(longest)):
        tags[:, time] = now
        if time:
            before = back[time - 1].gather(1, now.unsqueeze(1)).squeeze(1)  # (B,)
            now = torch.where(time < lengths, before, now)
    return [row[:length] for row, length in zip(tags.tolist(), lengths.tolist(), strict=True)]


def _costs(legal: Sequence[bool]) -> list[float]:
    return [0.0 if each else -math.inf for each in legal]
