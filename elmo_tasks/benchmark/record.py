"""Combine the run folders of a grid into one JSON record, from which all formats of the report are made."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from elmo_tasks.benchmark.rows import COSTS, SIZES, Run, compare_runs, in_rows, read_runs
from elmo_tasks.core.files import read_json
from elmo_tasks.core.paths import recipe_root
from elmo_tasks.core.settings import to_dict
from elmo_tasks.runs.collect import circumstances, without_folders

KIND, BASELINE, REPLICATES = "benchmark", ("glove",), 10_000
COMMAND = "command.txt"


def benchmark_record(
    folder: Path, baseline: tuple[str, ...] = BASELINE, replicates: int = REPLICATES
) -> dict[str, Any]:
    """Make the record for the report. Runs that differ only in their seeds form a row.

    baseline: the embedders of the row that the others are compared with.

    Raises:
        InputError: there is no finished run, or one is damaged.
    """
    runs = read_runs(folder)
    groups: dict[tuple[str, str], list[Run]] = {}
    for run in sorted(runs, key=lambda run: _order(run, baseline)):
        groups.setdefault(run.key[:2], []).append(run)
    record = {
        "kind": KIND,
        "command": _command(folder, runs),
        "baseline": list(baseline),
        "replicates": replicates,
        "tasks": [_task(group, baseline, replicates) for group in groups.values()],
        "failed": [
            {"cell": path.stem, "fault": path.read_text(encoding="utf-8", errors="replace").strip()}
            for path in sorted((folder / "logs").glob("*.error"))
        ],
    }
    newest = max(path.stat().st_mtime for path in folder.glob("cells/[!.]*/metrics.json"))
    whole: dict[str, Any] = without_folders(record) | circumstances(newest)
    return whole


def _command(folder: Path, runs: Sequence[Run]) -> str:
    """The command that the benchmark was last run with, or that of the first cell if there is none."""
    path = folder / COMMAND
    return (
        path.read_text(encoding="utf-8", errors="replace").strip() if path.exists() else str(runs[0].metrics["command"])
    )


def _order(run: Run, baseline: tuple[str, ...]) -> tuple[Any, ...]:
    """The baseline first, then few embedders before many."""
    task, data, fraction, embedders = run.key
    return task, data, fraction, embedders != baseline, len(embedders), embedders, run.metrics["seed"]


def published(task: str) -> list[dict[str, Any]]:
    """Published results on a task, each with its source and the differences from ours (results/published.json)."""
    entries: list[dict[str, Any]] = read_json(recipe_root("results") / "published.json")
    return [entry for entry in entries if entry["task"] == task]


def _task(runs: Sequence[Run], baseline: tuple[str, ...], replicates: int) -> dict[str, Any]:
    """One task on one data set: its rows, with increasing training data."""
    task, data, _, _ = runs[0].key
    groups = in_rows(runs)
    rows = []
    for (_, _, fraction, _), group in groups.items():
        base = next((g for key, g in groups.items() if key[2] == fraction and key[3] == baseline), None)
        rows.append(_row(group, None if base is group else base, replicates))
    most = max(key[2] for key in groups)
    full = [group for key, group in groups.items() if key[2] == most and key[3] != baseline]
    return {
        "task": task,
        "data": data,
        "headline": runs[0].metrics["headline"],
        "test_sentences": len(runs[0].outcomes.counts),
        "differing_settings": _differing(runs),
        "published": published(task),
        "rows": rows,
        "pairs": [
            {"embedders": list(one[0].key[3]), "other": list(other[0].key[3])}
            | (compare_runs(one, other, replicates) or {})
            for place, one in enumerate(full)
            for other in full[:place]
        ],
    }


def _row(runs: Sequence[Run], baseline: Sequence[Run] | None, replicates: int) -> dict[str, Any]:
    first = runs[0]
    headline = first.metrics["headline"]
    row: dict[str, Any] = {
        "embedders": list(first.experiment.embedders),
        "fraction": first.experiment.training.fraction,
        "seeds": [run.metrics["seed"] for run in runs],
        **{split: _spread([run.metrics[split][headline] for run in runs]) for split in ("dev", "test")},
        **{name: statistics.mean(run.metrics[name] for run in runs) for name in COSTS},
        **{name: first.metrics[name] for name in SIZES},
        "peak_rss_mb": max(run.metrics["peak_rss_mb"] for run in runs),
        "curves": [[round(value, 5) for value in run.dev] for run in runs],
        "mix": [
            {"embedder": name} | {key: [run.metrics["mix"][name][key] for run in runs] for key in ("weights", "gamma")}
            for name in first.metrics["mix"]
        ],
    }
    return row | {"against_baseline": None if baseline is None else compare_runs(runs, baseline, replicates)}


def _spread(values: Sequence[float]) -> dict[str, Any]:
    """Mean and sample standard deviation (None for one seed), and the values."""
    deviation = statistics.stdev(values) if len(values) > 1 else None
    return {"mean": statistics.mean(values), "deviation": deviation, "values": list(values)}


def _differing(runs: Iterable[Run]) -> list[str]:
    """The settings that differ between runs, apart from embedders, seed and fraction."""
    found: dict[str, set[str]] = {}
    for run in runs:
        for key, value in to_dict(run.experiment).items():
            for name, inner in value.items() if isinstance(value, dict) else [("", value)]:
                found.setdefault(f"{key}.{name}".rstrip("."), set()).add(repr(inner))
    varied = {"embedders", "seed", "training.fraction", "data"}
    return sorted(name for name, values in found.items() if len(values) > 1 and name not in varied)
