"""A batch: the padded inputs of several sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

NO_PREDICATE = -1


@dataclass(frozen=True)
class Item:
    """A sentence ready for batching: one tensor per source ((L, T, D) frozen layers, else time first), and its gold.

    gold: (T,) int64 for tagging, () for classification, None if unknown; index: its number in the split.
    """

    inputs: tuple[Tensor, ...]
    length: int
    index: int
    gold: Tensor | None = None
    predicate: int | None = None


@dataclass(frozen=True)
class Batch:
    """A batch of B sentences.

    inputs: (B, L_i, T, D_i) or (B, T, ...) each; mask: (B, T) bool, True for real tokens; lengths: (B,) on the CPU;
    gold: (B, T) or (B,) or None; predicate: (B,), `NO_PREDICATE` for rows without one, or None if no row has one;
    indices: the number of each sentence in its split.
    """

    inputs: tuple[Tensor, ...]
    mask: Tensor
    lengths: Tensor
    indices: tuple[int, ...]
    gold: Tensor | None = None
    predicate: Tensor | None = None

    def to(self, device: torch.device | str) -> Batch:
        """The same batch on another device; lengths stay on the CPU, as required for packing."""
        return replace(
            self,
            inputs=tuple(x.to(device) for x in self.inputs),
            mask=self.mask.to(device),
            gold=None if self.gold is None else self.gold.to(device),
            predicate=None if self.predicate is None else self.predicate.to(device),
        )


def collate(items: Sequence[Item]) -> Batch:
    """Pad sentences to the longest one and stack them."""
    lengths = torch.tensor([item.length for item in items])
    longest = int(lengths.max())
    first = items[0]
    gold = None
    pieces = [item.gold for item in items if item.gold is not None]
    if first.gold is not None and len(pieces) == len(items):
        gold = torch.stack(pieces) if first.gold.dim() == 0 else pad(pieces, longest, 0)
    predicates = [NO_PREDICATE if item.predicate is None else item.predicate for item in items]
    return Batch(
        inputs=tuple(pad([item.inputs[i] for item in items], longest, _time(x)) for i, x in enumerate(first.inputs)),
        mask=torch.arange(longest)[None, :] < lengths[:, None],  # (B, T)
        lengths=lengths,
        indices=tuple(item.index for item in items),
        gold=gold,
        predicate=torch.tensor(predicates) if any(number != NO_PREDICATE for number in predicates) else None,
    )


def pad(tensors: Sequence[Tensor], longest: int, time: int) -> Tensor:
    """Stack tensors whose dimension `time` differs, padded with zeros at the end."""
    first = tensors[0]
    shape = list(first.shape)
    shape[time] = longest
    out = first.new_zeros(len(tensors), *shape)
    for row, tensor in enumerate(tensors):
        out[row].narrow(time, 0, tensor.shape[time]).copy_(tensor)
    return out


def _time(x: Tensor) -> int:
    """The time dimension: frozen layers are (L, T, D); everything else has time first."""
    return 1 if x.dim() == 3 else 0
