"""A finished run as the report reads it."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import read_json
from elmo_tasks.runs.experiment import Experiment, load_experiment
from elmo_tasks.runs.outcomes import Outcomes, read_outcomes

COSTS = ("training_seconds", "seconds", "tokens_per_second", "epochs", "best_epoch", "threads", "train_examples")
SIZES = ("frozen_parameters", "trained_parameters", "frozen_bytes", "model_bytes")

Key = tuple[str, str, float, tuple[str, ...]]


@dataclass(frozen=True)
class Run:
    """A finished cell: its configuration, figures, what it got right, and its dev scores by epoch."""

    experiment: Experiment
    metrics: dict[str, Any]
    outcomes: Outcomes
    dev: list[float]

    @property
    def key(self) -> Key:
        """All that a row of the report has in common: task, data, per cent, embedders."""
        training = self.experiment.training
        return self.metrics["task"], Path(self.experiment.data).name, training.fraction, self.experiment.embedders


def in_rows(runs: Iterable[Run]) -> dict[Key, list[Run]]:
    """The runs of each row, that is of one `Run.key`, in the order in which they come."""
    rows: dict[Key, list[Run]] = {}
    for run in runs:
        rows.setdefault(run.key, []).append(run)
    return rows


def read_runs(folder: Path) -> list[Run]:
    """The finished cells below a benchmark's folder, in the order of their names.

    Raises:
        InputError: there is none, or one is damaged.
    """
    places = sorted(path.parent for path in (folder / "cells").glob("[!.]*/metrics.json"))
    if not places:
        raise InputError(f"{folder}: expected the folder of a benchmark, found no finished run in {folder / 'cells'}")
    return [_read_run(place) for place in places]


def _read_run(folder: Path) -> Run:
    metrics = read_json(folder / "metrics.json")
    missing = {"headline", *COSTS, *SIZES} - set(metrics)
    if missing:
        raise InputError(f"{folder}: expected a run of this version, got one without {', '.join(sorted(missing))}")
    with (folder / "epochs.csv").open(encoding="utf-8", newline="") as lines:
        dev = [float(row["dev"]) for row in csv.DictReader(lines)]
    return Run(load_experiment([folder / "config.yaml"]), metrics, read_outcomes(folder), dev)
