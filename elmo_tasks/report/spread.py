"""How scores of several seeds are written."""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def spread(fractions: Sequence[float]) -> str:
    """Mean, and sample standard deviation if there are several, in per cent."""
    mean = f"{100 * statistics.mean(fractions):.2f}"
    return f"{mean} ± {100 * statistics.stdev(fractions):.2f}" if len(fractions) > 1 else mean
