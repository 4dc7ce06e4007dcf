"""Group finished runs into the rows of the report, and compare rows."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from elmo_tasks.benchmark.significance import compare, error_reduction, score
from elmo_tasks.core.errors import InputError
from elmo_tasks.data.catalog import short_name
from elmo_tasks.runs.experiment import Experiment, load_experiment
from elmo_tasks.runs.folder import read_epochs, read_metrics
from elmo_tasks.runs.outcomes import Outcomes, read_outcomes

COSTS = ("training_seconds", "seconds", "tokens_per_second", "epochs", "best_epoch", "threads", "train_examples")
SIZES = ("frozen_parameters", "trained_parameters", "frozen_bytes", "model_bytes")

Key = tuple[str, str, float, tuple[str, ...]]


@dataclass(frozen=True)
class Run:
    """A finished cell: its configuration, metrics, outcomes on the test split, and dev scores by epoch."""

    experiment: Experiment
    metrics: dict[str, Any]
    outcomes: Outcomes
    dev: list[float]

    @property
    def key(self) -> Key:
        """The key of a row of the report: task, data, percentage, embedders."""
        training = self.experiment.training
        return self.metrics["task"], short_name(self.experiment.data), training.fraction, self.experiment.embedders


def in_rows(runs: Iterable[Run]) -> dict[Key, list[Run]]:
    """Group runs by row, that is by `Run.key`, in their given order."""
    rows: dict[Key, list[Run]] = {}
    for run in runs:
        rows.setdefault(run.key, []).append(run)
    return rows


def read_runs(folder: Path) -> list[Run]:
    """Read the finished cells in a benchmark folder, in the order of their names.

    Raises:
        InputError: there are none, or one is damaged.
    """
    places = sorted(path.parent for path in (folder / "cells").glob("[!.]*/metrics.json"))
    if not places:
        raise InputError(f"{folder}: not the folder of a benchmark: there is no finished run in {folder / 'cells'}")
    return [_read_run(place) for place in places]


def compare_runs(runs: Sequence[Run], others: Sequence[Run], replicates: int) -> dict[str, Any] | None:
    """Compare two rows on the seeds that both have; None if there are none.

    `p` and the interval are None if the runs were tested on different sentences, or if the headline is not computed
    from `Task.count` or `Task.ratios`, because the tests would then be about another score.
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


def _read_run(folder: Path) -> Run:
    metrics = read_metrics(folder)
    missing = {"headline", "test", *COSTS, *SIZES} - set(metrics)
    if missing:
        raise InputError(
            f"{folder}: the run was made by another version and lacks {', '.join(sorted(missing))}; run it again"
        )
    dev = [row["dev"] for row in read_epochs(folder, metrics)]
    return Run(load_experiment([folder / "config.yaml"]), metrics, read_outcomes(folder), dev)
