"""Estimate the time of cells from the finished ones."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from elmo_tasks.benchmark.cell import Cell
from elmo_tasks.runs.folder import read_metrics


@dataclass(frozen=True)
class Timed:
    """A finished cell, its time in seconds, and the part of it spent on epochs."""

    cell: Cell
    seconds: float
    training: float

    def scaled(self, fraction: float) -> float:
        """Seconds for another fraction of the training data; loading and evaluation take the same time."""
        return max(0.0, self.seconds - self.training) + self.training * fraction / self.cell.fraction


def timed(cell: Cell, folder: Path) -> Timed:
    """The times of a finished cell, from the metrics of its run."""
    metrics = read_metrics(folder)
    return Timed(cell, float(metrics["seconds"]), float(metrics["training_seconds"]))


def estimate(cell: Cell, finished: Sequence[Timed]) -> float | None:
    """Estimate the seconds of a cell as the mean of the most similar finished cells; None if there are none.

    These are the cells that differ only in the seed, else in the fraction, else in the embedders.
    """
    wanted = cell.experiment
    near = [timed for timed in finished if _place(timed.cell) == _place(cell)]
    same = [timed for timed in near if timed.cell.experiment.embedders == wanted.embedders]
    for chosen in ([timed for timed in same if timed.cell.fraction == cell.fraction], same, near):
        if chosen:
            return statistics.mean(timed.scaled(cell.fraction) for timed in chosen)
    return None


def remaining(cells: Sequence[Cell], finished: Sequence[Timed], jobs: int) -> float | None:
    """Estimate the seconds for all `cells`, `jobs` at a time; None if there is no estimate for any of them.

    A cell without an estimate counts as the mean of the others.
    """
    known = {cell.name: seconds for cell in cells if (seconds := estimate(cell, finished)) is not None}
    if not known:
        return None
    usual = statistics.mean(known.values())
    left = [known.get(cell.name, usual) for cell in cells]
    return max(sum(left) / min(jobs, len(left)), max(left))


def in_words(seconds: float | None) -> str:
    """`40 s`, `12 min`, `3.5 h` or `?`."""
    if seconds is None:
        return "?"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _place(cell: Cell) -> tuple[str, str]:
    return cell.experiment.task, cell.experiment.data
