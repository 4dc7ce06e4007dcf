"""Format the scores of several seeds, and the results of significance tests."""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def spread(fractions: Sequence[float]) -> str:
    """Mean, and sample standard deviation if there are several, in per cent."""
    mean = f"{100 * statistics.mean(fractions):.2f}"
    return f"{mean} ± {100 * statistics.stdev(fractions):.2f}" if len(fractions) > 1 else mean


def interval(low: float, high: float) -> str:
    """The interval of a difference of scores, in per cent: `+0.08 to +0.82`."""
    return f"{100 * low:+.2f} to {100 * high:+.2f}"


def probability(p: float) -> str:
    """A p-value with three digits, or four if it is small."""
    return f"{p:.3f}" if p >= 0.001 else f"{p:.4f}"
