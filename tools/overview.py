"""All benchmarks in one table, for the README."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from elmo_tasks.benchmark.sheet import costs, full_rows, headline, scores
from elmo_tasks.core.markdown import code, markdown_table

_COLUMNS = (
    *("task", "embedders", "seeds", "test", "against {baseline}", "errors gone", "p"),
    *("minutes of training", "tokens a second", "peak memory", "parameters frozen", "trained", "record"),
)


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
                mine = (name, price[0], seeds, test, against, gone, p, minutes, speed, memory, frozen, trained)
                rows.append((*mine, code(record["file"])))
    columns = tuple(column.format(baseline=" + ".join(records[0]["baseline"])) for column in _COLUMNS)
    return markdown_table(columns, rows, numbers=2)
