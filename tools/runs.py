"""The tables of runs: one per task, and one of all benchmarks."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from elmo_tasks.benchmark.sheet import costs, full_rows, headline, scores
from elmo_tasks.core.markdown import code, markdown_table
from elmo_tasks.metrics.spread import spread

_HEADLINES = {"f1": "F1", "accuracy": "accuracy", "conll": "CoNLL F1"}
_COSTS = ("epochs", "seconds per epoch", "minutes per run", "peak memory", "record or source")
_OVERVIEW = (
    *("task", "embedders", "seeds", "test", "against {baseline}", "error reduction", "p"),
    *("minutes of training", "tokens per second", "peak memory", "parameters frozen", "trained"),
)


def table(task: str, records: Sequence[Mapping[str, Any]]) -> str:
    """A Markdown table of a task's records: mean and sample standard deviation over seeds, scores in per cent.

    Published results stand below ours, as their source gives them.
    """
    records = [record for record in records if record.get("task") == task]
    rows = [record for record in records if "runs" in record]
    if not rows:
        others = f" Results of others:\n\n{_published(records)}" if records else "\n"
        return "No runs are recorded yet." + others
    key = next((name for name in _HEADLINES if name in rows[0]["runs"][0]["test"]), "f1")
    score = _HEADLINES[key]
    head = ("data", "embedders", "seeds", f"dev {score}", f"test {score}", *_COSTS)
    lines: list[Sequence[str]] = []
    for record in rows:
        runs = record["runs"]
        cells = [
            record["data"],
            " ".join(record["embedders"]) + _told_apart(record, rows),
            str(len(runs)),
            spread([run["dev"][key] for run in runs]),
            spread([run["test"][key] for run in runs]),
            _mean([run.get("epochs") for run in runs], 0),
            _mean([run.get("seconds_per_epoch") for run in runs], 1),
            _mean([run["seconds"] / 60 for run in runs], 1),
            f"{max(run['peak_rss_mb'] for run in runs) / 1024:.1f} GiB",
            code(record["file"]),
        ]
        lines.append(cells)
    for entry in records:
        if "runs" not in entry:
            seeds = str(entry.get("seeds", ""))
            cells = [entry["data"], entry["model"], seeds, entry.get("dev", ""), entry["test"], "", "", "", ""]
            lines.append([*cells, entry["source"]])
    return markdown_table(head, lines)


def _published(entries: Sequence[Mapping[str, Any]]) -> str:
    """Results of others alone, with what differs from ours."""
    columns = ("data", "model", "seeds", "test", "what differs from ours", "source")
    keys = ("data", "model", "seeds", "test", "differs", "source")
    return markdown_table(columns, [[str(entry.get(key, "")) for key in keys] for entry in entries])


def _told_apart(record: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    """The settings of the model that another record of the same data and embedders has otherwise: ` (head bcn)`."""
    own = record.get("config", {}).get("model", {})
    if record.get("config", {}).get("transformer", {}).get("trainable", False):
        return " (fine-tuned)"
    likes = [row for row in rows if (row["data"], row["embedders"]) == (record["data"], record["embedders"])]
    others = [row.get("config", {}).get("model", {}) for row in likes]
    differing = [key for key in own if any(other.get(key) != own[key] for other in others)]
    return f" ({', '.join(f'{key} {own[key]}' for key in differing)})" if differing else ""


def overview(records: Sequence[Mapping[str, Any]]) -> str:
    """A Markdown table of all tasks of the records in `results/` (each with its `file`), on all training data."""
    if not records:
        return "No benchmark is recorded yet.\n"
    rows: list[tuple[str, ...]] = []
    for record in records:
        baseline = " + ".join(record["baseline"])
        for task in record["tasks"]:
            gains, prices = scores(task, baseline, record["replicates"]).rows, costs(task).rows
            for row, gain, price in zip(full_rows(task), gains, prices, strict=True):
                part = "" if row["fraction"] == 100 else f", {row['fraction']:g} %"
                name = f"{task['task']}, {task['data']}, {headline(task)}{part}"
                _, seeds, _, test, against, _, gone, p = gain
                _, minutes, _, speed, memory, frozen, trained, _, _ = price
                rows.append((name, price[0], seeds, test, against, gone, p, minutes, speed, memory, frozen, trained))
    columns = tuple(column.format(baseline=" + ".join(records[0]["baseline"])) for column in _OVERVIEW)
    files = ", ".join(code(record["file"]) for record in records)
    return markdown_table(columns, rows, numbers=2) + f"\nRecord: {files}.\n"


def _mean(values: Sequence[float | None], digits: int) -> str:
    known = [value for value in values if value is not None]
    return f"{statistics.mean(known):.{digits}f}" if known else "not measured"
