"""The convolution of a char-CNN and its maximum over the windows of a word, in one pass, and its gradient.

Compiled for the CPU by Numba. A filter's response to a window is a sum of numbers that depend on one character each, so
these are looked up: `tables` (K, V, F) has, for each place in a window of K characters, the V characters' contributions
to F filters. Words end where their first zero is.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from elmo_tasks.elmo.engine.kernels import compiled


@compiled
def convolve_and_max(words: Any, lengths: Any, tables: Any, out: Any, where: Any) -> None:
    """words: (U, C) int64, lengths: (U,) int64. Written: the largest responses out (U, F), and their windows where.

    Window w of a word has its characters from w - K + 1 to w; those before its beginning and after its end are absent.
    """
    width, _, filters = tables.shape
    sums = np.empty(filters, np.float32)
    for u in range(len(words)):
        best, place = out[u], where[u]
        for w in range(lengths[u] + width - 1):
            sums[:] = np.float32(0.0)
            for k in range(width):
                at = w + k - width + 1
                if 0 <= at < lengths[u]:
                    row = tables[k, words[u, at]]
                    for f in range(filters):
                        sums[f] += row[f]
            if w == 0:
                best[:], place[:] = sums, 0
            else:
                for f in range(filters):
                    better = sums[f] > best[f]
                    best[f] = sums[f] if better else best[f]
                    place[f] = w if better else place[f]


@compiled
def scatter(grad: Any, words: Any, lengths: Any, where: Any, grad_tables: Any) -> None:
    """grad: (U, F), the gradients of the largest responses; adds to those of the tables (K, V, F)."""
    width, _, filters = grad_tables.shape
    for u in range(len(words)):
        for f in range(filters):
            for k in range(width):
                at = where[u, f] + k - width + 1
                if 0 <= at < lengths[u]:
                    grad_tables[k, words[u, at], f] += grad[u, f]
