"""Two rows of the report against each other."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np

from elmo_tasks.benchmark.rows import Run
from elmo_tasks.benchmark.significance import compare, error_reduction, score


def compare_runs(runs: Sequence[Run], others: Sequence[Run], replicates: int) -> dict[str, Any] | None:
    """The comparison on the seeds that both have; None where there is no such seed.

    `p` and the interval are None where the runs read other sentences, or where the headline is not made of
    `Task.count`, so that the tests would be about another score.
    """
    seeds = sorted({run.metrics["seed"] for run in runs} & {run.metrics["seed"] for run in others})
    if not seeds:
        return None
    pairs = [[run for seed in seeds for run in side if run.metrics["seed"] == seed] for side in (runs, others)]
    headline = runs[0].metrics["headline"]
    ours, theirs = (statistics.mean(run.metrics["test"][headline] for run in side) for side in pairs)
    found = {
        "seeds": seeds,
        "difference": ours - theirs,
        "error_reduction": error_reduction(ours, theirs),
        "p": None,
        "low": None,
        "high": None,
    }
    if len({run.outcomes.digest for side in pairs for run in side}) > 1:
        return found
    counts = [np.stack([run.outcomes.counts for run in side]) for side in pairs]  # (S, N, 3)
    if any(abs(score(c) - mean) > 1e-6 for c, mean in zip(counts, (ours, theirs), strict=True)):
        return found
    tested = compare(counts[0], counts[1], replicates=replicates)
    return found | {"p": tested.p, "low": tested.low, "high": tested.high}
