"""Sentences of different lengths as one block without padding: all first tokens, then all second ones, and so on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Packing:
    """Where each token of a batch stands. N tokens of sentences that are sorted by falling length.

    sizes: how many sentences have a step t, by t: they are the first ones. forward, backward: (N,) the tokens, numbered
    sentence by sentence, in the order in which each direction reads them. Both directions share `sizes`.
    """

    sizes: list[int]
    forward: Tensor
    backward: Tensor

    @classmethod
    def of(cls, lengths: Sequence[int]) -> Packing:
        """lengths: falling, each 1 or more."""
        counts = torch.tensor(lengths)  # (B,)
        present = torch.arange(lengths[0]).unsqueeze(1) < counts  # (T, B)
        step, row = present.nonzero(as_tuple=True)  # (N,) each, step by step
        starts = counts.cumsum(0) - counts  # (B,)
        return cls(present.sum(dim=1).tolist(), starts[row] + step, starts[row] + counts[row] - 1 - step)

    def unpacked(self) -> tuple[Tensor, Tensor]:
        """(N,), (N,): the row of each token, numbered sentence by sentence, in either direction's order."""
        rows = torch.arange(len(self.forward))
        forward, backward = torch.empty_like(rows), torch.empty_like(rows)
        forward[self.forward], backward[self.backward] = rows, rows
        return forward, backward
