"""Sentences of different lengths without padding: the layout of a packed batch, and the orders in which it is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

_ROWS = 64


class Step(NamedTuple):
    """One step of a walk: `rows` tokens from row `start` on; the first `known` of them have a previous token.

    Their previous tokens are in the rows from `first` on, in the same order.
    """

    start: int
    rows: int
    first: int
    known: int


@dataclass(frozen=True)
class Walk:
    """The order in which a recurrent layer reads N packed tokens, or one half of them.

    steps: in processing order; past: (N,) the row of the previous token, N if there is none.
    """

    steps: tuple[Step, ...]
    past: Tensor

    @classmethod
    def through(cls, sizes: Sequence[int], *, backward: bool, device: torch.device) -> Walk:
        """sizes: the number of sequences that are active at each time, never increasing."""
        starts = _starts(sizes)
        total = sum(sizes)
        past = torch.full((total,), total)
        steps = []
        times = range(len(sizes))
        for time in reversed(times) if backward else times:
            before = time + 1 if backward else time - 1
            known = min(sizes[time], sizes[before]) if 0 <= before < len(sizes) else 0
            first = starts[before] if known else 0
            past[starts[time] : starts[time] + known] = torch.arange(first, first + known)
            steps.append(Step(starts[time], sizes[time], first, known))
        return cls(tuple(steps), past.to(device))

    @property
    def most(self) -> int:
        """The number of sequences."""
        return max(step.rows for step in self.steps)

    def halves(self) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
        """The steps of the longer and of the shorter half of the sequences, for two threads."""
        middle = -(-self.most // 2)
        left = tuple(Step(s.start, min(s.rows, middle), s.first, min(s.known, middle)) for s in self.steps)
        right = tuple(
            Step(s.start + middle, s.rows - middle, s.first + middle, max(0, s.known - middle))
            for s in self.steps
            if s.rows > middle
        )
        return left, right


@dataclass(frozen=True)
class Packing:
    """The layout of a packed batch: the first tokens of all sentences, the longest first, then their second tokens.

    sizes: number of sentences with a token at each step, never increasing, with sum N; rows: (N,) the row of each
    packed token in the (B * T) padded ones; shape: (B, T).
    """

    sizes: tuple[int, ...]
    rows: Tensor
    shape: tuple[int, int]

    @classmethod
    def of(cls, lengths: Tensor, padded: int, device: torch.device) -> Packing:
        """lengths: (B,) on the CPU, at least 1; padded: T."""
        lengths, order = lengths.sort(descending=True, stable=True)
        steps = torch.arange(int(lengths[0]))
        present = steps[:, None] < lengths  # (steps, B), the longest sentence first
        step, rank = present.nonzero(as_tuple=True)  # (N,) each, step by step
        sizes = tuple(present.sum(dim=1).tolist())
        return cls(sizes, (order[rank] * padded + step).to(device), (len(lengths), padded))

    def pack(self, x: Tensor) -> Tensor:
        """(B, T, ...) -> (N, ...)."""
        return x.flatten(0, 1).index_select(0, self.rows)

    def unpack(self, x: Tensor) -> Tensor:
        """(N, D) -> (B, T, D), zero beyond each length."""
        padded = x.new_zeros(self.shape[0] * self.shape[1], x.shape[1]).index_copy(0, self.rows, x)
        return padded.view(*self.shape, x.shape[1])  # (B, T, D)

    @cached_property
    def walks(self) -> tuple[Walk, Walk]:
        """The walk forwards and the walk backwards."""
        ahead, behind = (Walk.through(self.sizes, backward=way, device=self.rows.device) for way in (False, True))
        return ahead, behind


def real_tokens(lengths: Tensor, *padded: Tensor) -> tuple[Tensor, ...]:
    """The real tokens of each padded tensor, sentence by sentence: (B, T, ...) -> (N, ...).

    A boolean mask selects the same, but makes the CPU wait for a GPU, which must count the tokens first.
    lengths: (B,) on the CPU.
    """
    present = torch.arange(padded[0].shape[1]) < lengths.unsqueeze(1)  # (B, T)
    rows = present.flatten().nonzero().squeeze(1).to(padded[0].device)  # (N,)
    return tuple(x.flatten(0, 1).index_select(0, rows) for x in padded)


def whole_rows(x: Tensor, kind: torch.dtype) -> Tensor:
    """(N, D) as `kind`; if that is bfloat16, with zeros in further rows up to one of a few numbers of rows.

    oneDNN compiles code for each shape of such a product, which takes a quarter of the time of the product itself.
    """
    if kind != torch.bfloat16:
        return x.to(kind)
    out = x.new_zeros(-(-len(x) // _ROWS) * _ROWS, x.shape[1], dtype=kind)
    out[: len(x)] = x
    return out


def _starts(sizes: Sequence[int]) -> list[int]:
    """The first row of each step."""
    starts = [0]
    for size in sizes:
        starts.append(starts[-1] + size)
    return starts
