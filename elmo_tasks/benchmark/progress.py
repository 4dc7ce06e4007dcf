"""Progress of the grid: a bar and one line per running cell on a terminal, otherwise one line per finished cell."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from elmo_tasks.benchmark.cell import Cell
from elmo_tasks.benchmark.estimate import Timed, estimate, in_words, remaining, timed
from elmo_tasks.core.terminal import printable
from elmo_tasks.views.tables import print_line, print_table


class GridProgress:
    """A Watcher that estimates the remaining time from the finished cells."""

    def __init__(
        self, waiting: Sequence[Cell], finished: Sequence[Timed], jobs: int, console: Console | None = None
    ) -> None:
        self.console = console or Console()
        self.total, self.jobs = len(waiting), jobs
        self.left, self.finished = list(waiting), list(finished)
        self._rows: dict[str, TaskID] = {}
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self._whole = self._progress.add_task("cells", total=len(waiting), note="")

    def __enter__(self) -> GridProgress:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._progress.stop()

    def started(self, cell: Cell) -> None:
        """Show a line for the cell."""
        self._rows[cell.name] = self._progress.add_task(
            printable(cell.title), total=cell.experiment.training.epochs, note="loading"
        )

    def line(self, cell: Cell, text: str) -> None:
        """Show the figures of an epoch."""
        if text.startswith("epoch"):
            self._progress.update(self._rows[cell.name], advance=1, note=printable(" ".join(text.split()[2:6])))

    def ended(self, cell: Cell, seconds: float, fault: str | None) -> None:
        """Remove the line of the cell, and print how it ended and how long the rest will take."""
        self._progress.remove_task(self._rows.pop(cell.name))
        self.left.remove(cell)
        if fault is None:
            self.finished.append(timed(cell, cell.folder))
        rest = f"; about {in_words(remaining(self.left, self.finished, self.jobs))} left" if self.left else ""
        count = self.total - len(self.left)
        outcome = in_words(seconds) if fault is None else f"FAILED: {fault}"
        self._progress.update(self._whole, completed=count, note=rest.removeprefix("; "))
        print_line(f"[{count}/{self.total}] {cell.title}: {outcome}{rest}", self.console)


def print_plan(
    cells: Sequence[Cell], states: Sequence[str], finished: Sequence[Timed], jobs: int, console: Console | None = None
) -> None:
    """Print the cells in order, each with its state and the time it took or will take."""
    console = console or Console()
    took = {timed.cell.name: timed.seconds for timed in finished}
    rows = []
    for cell, state in zip(cells, states, strict=True):
        time = in_words(took[cell.name]) if cell.name in took else _about(estimate(cell, finished))
        experiment = cell.experiment
        names = " ".join(experiment.embedders)
        row = (experiment.task, experiment.data, names, f"{cell.fraction:g}", str(experiment.seed), state, time)
        rows.append(row)
    columns = ("task", "data", "embedders", "%", "seed", "state", "time")
    print_table(columns, rows, numbers={3, 4, 6}, title=f"{len(cells)} cells", console=console)
    waiting = [cell for cell in cells if cell.name not in took]
    if waiting:
        print_line(f"{len(waiting)} to run{_expected(waiting, finished, jobs)}", console)
    else:
        print_line("nothing to run", console)


def _about(seconds: float | None) -> str:
    return "unknown" if seconds is None else f"about {in_words(seconds)}"


def _expected(waiting: Sequence[Cell], finished: Sequence[Timed], jobs: int) -> str:
    """The estimated time of the cells, or why there is no estimate."""
    seconds = remaining(waiting, finished, jobs)
    if seconds is None:
        return "; no time estimate: it needs a finished cell on the same task and data in the output folder"
    unlike = [cell for cell in waiting if estimate(cell, finished) is None]
    names = ", ".join(dict.fromkeys(f"{cell.experiment.task} on {cell.experiment.data}" for cell in unlike))
    guess = (
        f"; assuming that cells of {names}, none of which has finished, take as long as the others" if unlike else ""
    )
    return f", about {in_words(seconds)} with --jobs {jobs}{guess}"
