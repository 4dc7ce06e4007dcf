"""Overlapping windows over a sentence that is longer than a model can read, and which of them each piece comes from."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def window_starts(length: int, size: int) -> list[int]:
    """Where windows of `size` pieces start: half a window apart, the last one flush with the end."""
    return [*range(0, max(0, length - size), max(1, size // 2)), max(0, length - size)]


def window_of_pieces(counts: Tensor, size: int) -> Tensor:
    """The window in which each piece has the most context on its poorer side: the one whose middle is nearest.

    Pieces of one word come from one window, unless the word alone is longer than half a window.

    Args:
        counts: (T,) int64, pieces of each word, at least 1.

    Returns:
        (P,) int64, a number of `window_starts`.
    """
    total = int(counts.sum())
    position = torch.arange(total) + 0.5  # (P,)
    end = torch.cumsum(counts, 0)  # (T,)
    middle = torch.repeat_interleave(end - counts / 2, counts)  # (P,) of its word
    whole = torch.repeat_interleave(counts <= size // 2, counts)  # (P,)
    anchor = torch.where(whole, middle, position)
    centres = torch.tensor(window_starts(total, size)) + size / 2  # (W,)
    return (anchor[:, None] - centres[None, :]).abs().argmin(dim=1)


def length_groups(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Indices by falling length, a new group where longest x count would pass `budget`; a group has one at least."""
    groups: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if groups and lengths[groups[-1][0]] * (len(groups[-1]) + 1) <= budget:
            groups[-1].append(index)
        else:
            groups.append([index])
    return groups
