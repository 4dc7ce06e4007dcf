"""A batch: the padded inputs of several sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

NO_PREDICATE = -1


@dataclass(frozen=True)
class Item:
    """An example ready for batching: one tensor per source ((L, T, D) frozen layers, else time first), and its gold.

    gold: (T,) int64 for tagging, () for classification, (G, C) for G rows of other gold, None if unknown; index: its
    number in the split; sentences: the lengths of its sentences, whose sum is `length`; empty if it is one sentence;
    given: what the task gives the model besides, see `Task.given`.
    """

    inputs: tuple[Tensor, ...]
    length: int
    index: int
    gold: Tensor | None = None
    predicate: int | None = None
    sentences: tuple[int, ...] = ()
    given: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Batch:
    """A batch of B examples, usually sentences.

    inputs: (B, L_i, T, D_i) or (B, T, ...) each; mask: (B, T) bool, True for real tokens; lengths: (B,) on the CPU;
    gold: (B, T), (B,), (B, G, C) padded with zeros, or None; predicate: (B,) on the CPU, `NO_PREDICATE` for rows
    without one, or None if no row has one; indices: the number of each example in its split; sentences: (B, S) on the
    CPU, the lengths of the sentences of each example, which follow each other in its tokens, 0 where it has fewer than
    S; None if all examples are one sentence; given: those of each example, see `Item`.
    """

    inputs: tuple[Tensor, ...]
    mask: Tensor
    lengths: Tensor
    indices: tuple[int, ...]
    gold: Tensor | None = None
    predicate: Tensor | None = None
    sentences: Tensor | None = None
    given: tuple[Mapping[str, Any], ...] = ()

    def to(self, device: torch.device | str) -> Batch:
        """The same batch on another device; lengths and predicates stay on the CPU, which decides by them."""
        return replace(
            self,
            inputs=tuple(x.to(device) for x in self.inputs),
            mask=self.mask.to(device),
            gold=None if self.gold is None else self.gold.to(device),
        )


def collate(items: Sequence[Item]) -> Batch:
    """Pad examples to the longest one and stack them."""
    lengths = torch.tensor([item.length for item in items])
    longest = int(lengths.max())
    first = items[0]
    gold = None
    pieces = [item.gold for item in items if item.gold is not None]
    if first.gold is not None and len(pieces) == len(items):
        gold = (
            torch.stack(pieces) if first.gold.dim() == 0 else pad(pieces, longest if first.gold.dim() == 1 else None, 0)
        )
    predicates = [NO_PREDICATE if item.predicate is None else item.predicate for item in items]
    sentences = None
    if any(item.sentences for item in items):
        sentences = pad([torch.tensor(item.sentences or (item.length,)) for item in items], None, 0)
    return Batch(
        inputs=tuple(pad([item.inputs[i] for item in items], longest, _time(x)) for i, x in enumerate(first.inputs)),
        mask=torch.arange(longest)[None, :] < lengths[:, None],  # (B, T)
        lengths=lengths,
        indices=tuple(item.index for item in items),
        gold=gold,
        predicate=torch.tensor(predicates) if any(number != NO_PREDICATE for number in predicates) else None,
        sentences=sentences,
        given=tuple(item.given for item in items),
    )


def join_sentences(tensors: Sequence[Tensor]) -> Tensor:
    """Join the tensors of the sentences of an example in time."""
    return tensors[0] if len(tensors) == 1 else torch.cat(list(tensors), dim=_time(tensors[0]))


def split_sentences(x: Tensor, sentences: Tensor) -> Tensor:
    """Give each sentence of an example a row of its own.

    x: (B, T, D); sentences: (B, S), as in `Batch` -> (B, S, N, D), zero beyond each length; N is the greatest of them.
    """
    steps = torch.arange(int(sentences.max()), device=x.device)  # (N,)
    sentences = sentences.to(x.device)
    places = (sentences.cumsum(dim=1) - sentences).unsqueeze(-1) + steps  # (B, S, N)
    real = steps < sentences.unsqueeze(-1)  # (B, S, N)
    found = x.gather(1, places.clamp(max=x.shape[1] - 1).flatten(1).unsqueeze(-1).expand(-1, -1, x.shape[2]))
    return found.view(*places.shape, -1) * real.unsqueeze(-1)


def pad(tensors: Sequence[Tensor], longest: int | None, time: int) -> Tensor:
    """Stack tensors whose dimension `time` differs, padded with zeros at the end, to `longest` or to the longest."""
    first = tensors[0]
    shape = list(first.shape)
    shape[time] = longest if longest is not None else max(tensor.shape[time] for tensor in tensors)
    out = first.new_zeros(len(tensors), *shape)
    for row, tensor in enumerate(tensors):
        out[row].narrow(time, 0, tensor.shape[time]).copy_(tensor)
    return out


def _time(x: Tensor) -> int:
    """The time dimension: frozen layers are (L, T, D); everything else has time first."""
    return 1 if x.dim() == 3 else 0
