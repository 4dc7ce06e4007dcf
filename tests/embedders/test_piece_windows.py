"""Windows cover everything, and each piece comes from where it has most context."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from elmo_tasks.embedders.transformer.piece_windows import length_groups, window_of_pieces, window_starts


@pytest.mark.parametrize(
    ("length", "size", "starts"),
    [(3, 8, [0]), (8, 8, [0]), (9, 8, [0, 1]), (12, 8, [0, 4]), (21, 8, [0, 4, 8, 12, 13]), (3, 1, [0, 1, 2])],
)
def test_by_hand(length: int, size: int, starts: list[int]) -> None:
    assert window_starts(length, size) == starts


@given(st.lists(st.integers(1, 9), min_size=1, max_size=40), st.integers(1, 12))
def test_no_other_window_has_more_context(counts: list[int], size: int) -> None:
    chosen = window_of_pieces(torch.tensor(counts), size).tolist()
    total = sum(counts)
    starts = window_starts(total, size)
    assert len(chosen) == total

    def context(start: int, first: int, last: int) -> float:
        """Pieces on the poorer side of first..last; the end of the sentence is no lack of context."""
        left = float("inf") if start == 0 else first - start
        right = float("inf") if start + size >= total else start + size - 1 - last
        return min(left, right)

    at = 0
    for count in counts:
        pieces = range(at, at + count)
        whole = count <= size // 2
        if whole:
            assert len({chosen[piece] for piece in pieces}) == 1
        for piece in pieces:
            first, last = (pieces[0], pieces[-1]) if whole else (piece, piece)
            mine = context(starts[chosen[piece]], first, last)
            assert mine >= 0  # it lies in its window
            if mine < float("inf"):
                # Inner windows: none is better by more than the rounding of their middles.
                inner = [s for s in starts if context(s, first, last) < float("inf")]
                assert mine >= max(context(s, first, last) for s in inner) - 1
        at += count


@given(st.lists(st.integers(1, 20), max_size=30), st.integers(1, 50))
def test_groups_keep_the_budget(lengths: list[int], budget: int) -> None:
    groups = length_groups(lengths, budget)
    assert sorted(index for group in groups for index in group) == list(range(len(lengths)))
    for group in groups:
        assert len(group) == 1 or max(lengths[index] for index in group) * len(group) <= budget
