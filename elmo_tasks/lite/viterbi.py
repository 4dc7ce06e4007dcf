"""Find the best label sequences under start, end and transition scores, for several sentences at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from elmo_tasks.lite.folder import Floats


def viterbi(scores: Floats, lengths: Sequence[int], start: Floats, end: Floats, step: Floats) -> list[list[int]]:
    """scores: (T, B, K); lengths: lengths of the B sentences, all above 0; start, end: (K,); step: (K, K), from row to
    column. Returns the labels of each sentence."""
    longest, batch, _ = scores.shape
    going = np.arange(longest)[:, None] < np.array(lengths)  # (T, B)
    best = start + scores[0]  # (B, K)
    back = []  # (B, K) per step: the label before each label
    for time in range(1, longest):
        sums = best[:, :, None] + step  # (B, K, K)
        before = sums.argmax(axis=1)  # (B, K)
        reached = np.take_along_axis(sums, before[:, None], axis=1)[:, 0] + scores[time]
        best = np.where(going[time][:, None], reached, best)
        back.append(before)
    labels = np.zeros((longest, batch), np.int64)
    now = (best + end).argmax(axis=1)  # (B,)
    for time in reversed(range(longest)):
        labels[time] = now
        if time:
            now = np.where(going[time], back[time - 1][np.arange(batch), now], now)
    return [labels[:length, row].tolist() for row, length in enumerate(lengths)]
