"""One HTML page about any number of runs: scores with deviations, learning curves, differing settings, and links."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import quote

from elmo_tasks.core.files import SIGNATURE, write_text
from elmo_tasks.core.html import render
from elmo_tasks.data.catalog import short_name
from elmo_tasks.metrics.spread import spread
from elmo_tasks.runs.gather import Gathered, GatheredRun, differing_settings, headlines

_WIDTH, _HEIGHT, _LEFT, _BELOW, _ABOVE = 640, 260, 48, 34, 10  # of a picture, in its own units
_FILES = (("report.md", "report"), ("plots/learning_curve.png", "curve"), ("config.yaml", "config"))
_NAMES = {"f1": "F1"}
_COLOURS = 8  # in the style sheet of the page; more groups share them


@dataclass(frozen=True)
class _Curve:
    """points: for `polyline`; best: place of the best epoch, None if it is not known; group: number of its group."""

    points: str
    best: tuple[float, float] | None
    group: int
    label: str


def write_runs_page(found: Gathered, path: Path) -> None:
    """Write the page, which needs no other file. Its links to the runs are relative to its folder.

    Raises:
        InputError: the file cannot be written.
    """
    sections = [
        _section(number, task, data, list(groups), path)
        for number, ((task, data), groups) in enumerate(groupby(found.groups, _task_and_data))
    ]
    count = sum(map(len, found.groups))
    page = render(
        "views/runs_page.html",
        signature=SIGNATURE,
        title=f"{count} run{'' if count == 1 else 's'}",
        sections=sections,
        notes=found.notes,
        frame={"width": _WIDTH, "height": _HEIGHT, "left": _LEFT, "below": _BELOW, "above": _ABOVE},
    )
    write_text(path, page)


def _task_and_data(group: Sequence[GatheredRun]) -> tuple[str, str]:
    return group[0].metrics["task"], group[0].metrics["data"]


def _section(number: int, task: str, data: str, groups: Sequence[Sequence[GatheredRun]], page: Path) -> dict[str, Any]:
    """The values of the template for the runs of one task on one data set."""
    first = groups[0][0].metrics
    settings = differing_settings(groups)
    return {
        "anchor": f"s{number}",
        "heading": f"{task} on {short_name(data)}",
        "headline": _NAMES.get(first["headline"], str(first["headline"]).replace("_", " ").capitalize()),
        "groups": [_row(place, group) for place, group in enumerate(groups, 1)],
        "settings": [(key, ["-" if value is None else str(value) for value in own]) for key, own in settings.items()],
        "runs": [_run(place, run, page) for place, group in enumerate(groups, 1) for run in group],
        **_curves(groups),
    }


def _row(number: int, group: Sequence[GatheredRun]) -> dict[str, Any]:
    metrics = [run.metrics for run in group]
    tests = headlines(group, "test")
    return {
        "number": number,
        "colour": (number - 1) % _COLOURS,
        "embedders": " + ".join(group[0].metrics["embedders"]),
        "seeds": ", ".join(str(each["seed"]) for each in metrics),
        "dev": spread(headlines(group, "dev")),
        "test": spread(tests) if tests else "-",
        "epochs": _mean((each.get("epochs") for each in metrics), "{:.0f}"),
        "seconds": _mean((each.get("seconds") for each in metrics), "{:,.0f}"),
        "memory": _mean((each.get("peak_rss_mb") for each in metrics), "{:,.0f}"),
    }


def _run(number: int, run: GatheredRun, page: Path) -> dict[str, Any]:
    """The row of one run; only files that exist are linked."""
    metrics, base = run.metrics, page.parent.resolve()
    return {
        "group": number,
        "name": run.folder.name,
        "seed": metrics["seed"],
        "dev": spread(headlines([run], "dev")),
        "test": spread(found) if (found := headlines([run], "test")) else "-",
        "best_epoch": metrics.get("best_epoch", "-"),
        "links": [
            (quote(os.path.relpath(run.folder.resolve() / name, base).replace(os.sep, "/")), label)
            for name, label in _FILES
            if (run.folder / name).is_file()
        ],
    }


def _mean(values: Iterable[Any], form: str) -> str:
    known = [value for value in values if isinstance(value, (int, float))]
    return form.format(sum(known) / len(known)) if known else "-"


def _curves(groups: Sequence[Sequence[GatheredRun]]) -> dict[str, Any]:
    """The dev scores by epoch of all runs, as lines in one picture, and the marks of its axes."""
    runs = [(number, run) for number, group in enumerate(groups, 1) for run in group if run.history]
    if not runs:
        return {"curves": [], "epochs": [], "scores": []}
    scores = [row["dev"] for _, run in runs for row in run.history]
    low, high = min(scores), max(scores)
    room = 0.05 * (high - low) or 0.01
    low, high = max(0.0, low - room), min(1.0, high + room)
    longest = max(len(run.history) for _, run in runs)

    def across(epoch: float) -> float:
        return round(_LEFT + (_WIDTH - _LEFT - 10) * epoch / max(1, longest - 1), 1)

    def down(score: float) -> float:
        return round(_ABOVE + (_HEIGHT - _ABOVE - _BELOW) * (high - score) / (high - low), 1)

    curves = []
    for number, run in runs:
        places = [(across(epoch), down(row["dev"])) for epoch, row in enumerate(run.history)]
        best = run.metrics.get("best_epoch")
        known = isinstance(best, int) and 0 <= best < len(places)
        label = f"{' + '.join(run.metrics['embedders'])}, seed {run.metrics['seed']} (group {number})"
        curves.append(
            _Curve(
                " ".join(f"{x},{y}" for x, y in places),
                places[best] if known and best is not None else None,
                (number - 1) % _COLOURS,
                label,
            )
        )
    step = max(1, -(-longest // 8))
    return {
        "curves": curves,
        "epochs": [(across(epoch), epoch) for epoch in range(0, longest, step)],
        "scores": [(down(value), f"{100 * value:.1f}") for value in (low + (high - low) * n / 4 for n in range(5))],
    }
