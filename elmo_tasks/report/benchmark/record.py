"""From the run folders of a grid to one JSON value, which every form of the report is made from."""

from __future__ import annotations

import csv
import dataclasses
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from elmo_tasks.config import Experiment, load_experiment
from elmo_tasks.errors import InputError
from elmo_tasks.paths import recipe_root
from elmo_tasks.report.benchmark.significance import compare, error_reduction, score
from elmo_tasks.report.collect import provenance, without_folders
from elmo_tasks.training.outcomes import Outcomes, read_outcomes
from elmo_tasks.training.run_folder import read_json

KIND, BASELINE, REPLICATES = "benchmark", ("glove",), 10_000
_COSTS = ("training_seconds", "seconds", "tokens_per_second", "epochs", "best_epoch", "threads", "train_examples")
_SIZES = ("frozen_parameters", "trained_parameters", "frozen_bytes", "model_bytes")


@dataclasses.dataclass(frozen=True)
class Run:
    """A finished cell: its configuration, figures, what it got right, and its dev scores by epoch."""

    experiment: Experiment
    metrics: dict[str, Any]
    outcomes: Outcomes
    dev: list[float]

    @property
    def key(self) -> tuple[str, str, float, tuple[str, ...]]:
        """All that a row of the report has in common: task, data, per cent, embedders."""
        training = self.experiment.training
        return self.metrics["task"], Path(self.experiment.data).name, training.fraction, self.experiment.embedders


def read_runs(folder: Path) -> list[Run]:
    """The finished cells below a benchmark's folder, in the order of their names.

    Raises:
        InputError: there is none, or one is damaged.
    """
    places = sorted(path.parent for path in (folder / "cells").glob("[!.]*/metrics.json"))
    if not places:
        raise InputError(f"{folder}: expected the folder of a benchmark, found no finished run in {folder / 'cells'}")
    return [_read_run(place) for place in places]


def benchmark_record(folder: Path, command: str, replicates: int = REPLICATES) -> dict[str, Any]:
    """Everything that the report says. Runs with the same configuration but for their seeds make a row.

    Raises:
        InputError: no finished run, or a damaged one.
    """
    runs = read_runs(folder)
    groups: dict[tuple[str, str], list[Run]] = {}
    for run in sorted(runs, key=lambda run: (*run.key[:3], len(run.key[3]), run.metrics["seed"])):
        groups.setdefault(run.key[:2], []).append(run)
    record = {
        "kind": KIND,
        "command": command,
        "baseline": list(BASELINE),
        "replicates": replicates,
        "tasks": [_task(group, replicates) for group in groups.values()],
        "failed": [
            {"cell": path.stem, "fault": path.read_text(encoding="utf-8").strip()}
            for path in sorted((folder / "logs").glob("*.error"))
        ],
    }
    whole: dict[str, Any] = without_folders(record) | provenance(folder.glob("cells/[!.]*/metrics.json"))
    return whole


def published(task: str) -> list[dict[str, Any]]:
    """Others' results on a task, each with its source and what differs from ours (results/published.json)."""
    entries: list[dict[str, Any]] = read_json(recipe_root("results") / "published.json")
    return [entry for entry in entries if entry["task"] == task]


def _task(runs: Sequence[Run], replicates: int) -> dict[str, Any]:
    """One task on one data set: its rows, from little data to all of it."""
    task, data, _, _ = runs[0].key
    groups: dict[Any, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.key, []).append(run)
    rows = []
    for (_, _, fraction, _), group in groups.items():
        baseline = next((g for key, g in groups.items() if key[2] == fraction and key[3] == BASELINE), None)
        rows.append(_row(group, None if baseline is group else baseline, replicates))
    return {
        "task": task,
        "data": data,
        "headline": runs[0].metrics["headline"],
        "test_sentences": len(runs[0].outcomes.counts),
        "differing_settings": _differing(runs),
        "published": published(task),
        "rows": rows,
    }


def _row(runs: Sequence[Run], baseline: Sequence[Run] | None, replicates: int) -> dict[str, Any]:
    first = runs[0]
    headline = first.metrics["headline"]
    row: dict[str, Any] = {
        "embedders": list(first.experiment.embedders),
        "fraction": first.experiment.training.fraction,
        "seeds": [run.metrics["seed"] for run in runs],
        **{split: _spread([run.metrics[split][headline] for run in runs]) for split in ("dev", "test")},
        **{name: statistics.mean(run.metrics[name] for run in runs) for name in _COSTS},
        **{name: first.metrics[name] for name in _SIZES},
        "peak_rss_mb": max(run.metrics["peak_rss_mb"] for run in runs),
        "curves": [[round(value, 5) for value in run.dev] for run in runs],
        "mix": [
            {"embedder": name} | {key: [run.metrics["mix"][name][key] for run in runs] for key in ("weights", "gamma")}
            for name in first.metrics["mix"]
        ],
    }
    return row | {"against_baseline": _against(runs, baseline, replicates)}


def _against(runs: Sequence[Run], baseline: Sequence[Run] | None, replicates: int) -> dict[str, Any] | None:
    """The comparison with the baseline on the seeds that both have; None where there is nothing to compare with.

    `p` and the interval are None where the runs read other sentences, or where the headline is not made of
    `Task.count`, so that the tests would be about another score.
    """
    if baseline is None:
        return None
    seeds = sorted({run.metrics["seed"] for run in runs} & {run.metrics["seed"] for run in baseline})
    if not seeds:
        return None
    pairs = [[run for seed in seeds for run in side if run.metrics["seed"] == seed] for side in (runs, baseline)]
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


def _spread(values: Sequence[float]) -> dict[str, Any]:
    """Mean and sample standard deviation (None for one seed), and the values."""
    deviation = statistics.stdev(values) if len(values) > 1 else None
    return {"mean": statistics.mean(values), "deviation": deviation, "values": list(values)}


def _differing(runs: Iterable[Run]) -> list[str]:
    """The settings, besides embedders, seed and fraction, that are not the same in all runs."""
    found: dict[str, set[str]] = {}
    for run in runs:
        for key, value in dataclasses.asdict(run.experiment).items():
            for name, inner in value.items() if isinstance(value, dict) else [("", value)]:
                found.setdefault(f"{key}.{name}".rstrip("."), set()).add(repr(inner))
    varied = {"embedders", "seed", "training.fraction", "data"}
    return sorted(name for name, values in found.items() if len(values) > 1 and name not in varied)


def _read_run(folder: Path) -> Run:
    metrics = read_json(folder / "metrics.json")
    missing = {"headline", *_COSTS, *_SIZES} - set(metrics)
    if missing:
        raise InputError(f"{folder}: expected a run of this version, got one without {', '.join(sorted(missing))}")
    with (folder / "epochs.csv").open(encoding="utf-8", newline="") as lines:
        dev = [float(row["dev"]) for row in csv.DictReader(lines)]
    return Run(load_experiment([folder / "config.yaml"]), metrics, read_outcomes(folder), dev)
