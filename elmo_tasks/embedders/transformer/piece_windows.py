"""Overlapping windows over a sentence that is too long for a model, and the choice of a window for each piece."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def window_starts(length: int, size: int) -> list[int]:
    """The start positions of windows of `size` pieces: half a window apart; the last one ends with the sentence."""
    return [*range(0, max(0, length - size), max(1, size // 2)), max(0, length - size)]


def window_of_pieces(counts: Tensor, size: int) -> Tensor:
    """Choose for each piece the window with the nearest centre, in which it has most context on its shorter side.

    All pieces of a word come from the same window, unless the word is longer than half a window.

    Args:
        counts: (T,) int64, number of pieces per word, at least 1.

    Returns:
        (P,) int64, an index into `window_starts` for each piece.
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
    """Group indices by decreasing length so that longest x count stays within `budget`; groups are never empty."""
    groups: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if groups and lengths[groups[-1][0]] * (len(groups[-1]) + 1) <= budget:
            groups[-1].append(index)
        else:
            groups.append([index])
    return groups
