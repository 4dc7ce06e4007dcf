"""Show the progress of long work: a bar with the remaining time on a terminal, occasional lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from elmo_tasks.core.progress import Watch, watched
from elmo_tasks.core.terminal import is_quiet, printable, say

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_SECONDS = 30.0  # between two lines without a terminal
_PATIENCE = 2.0  # seconds before the bar of a stage appears


@contextmanager
def progress_bars(shown: bool | None = None) -> Iterator[Watch | None]:
    """Show the progress of the block as bars on standard error. Yields None if nothing is shown.

    shown: None means to show them on a terminal, unless `--quiet` is set.
    """
    if not (sys.stderr.isatty() and not is_quiet() if shown is None else shown):
        yield None
        return
    bars = _Bars()
    try:
        with watched(bars):
            yield bars
    finally:
        bars.close()


@contextmanager
def embedding_progress() -> Iterator[Watch]:
    """Show the progress of embedding on standard error, even without a terminal."""
    with progress_bars() as bars:
        yield bars or (_nothing if is_quiet() else _Lines())


class _Bars:
    """A bar for each stage that takes longer than `_PATIENCE`; it is removed when the stage is done."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._progress: Progress | None = None
        self._began: dict[str, float] = {}
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, stage: str, done: int, total: int | None, unit: str = "tokens") -> None:
        if total is not None and done >= total:
            self._end(stage)
            return
        began = self._began.setdefault(stage, self._clock())
        if stage not in self._tasks and self._clock() - began < _PATIENCE:
            return
        progress = self._progress or self._start()
        if stage not in self._tasks:
            self._tasks[stage] = progress.add_task(printable(stage), total=total, speed="")
        rate = progress.tasks[progress.task_ids.index(self._tasks[stage])].speed
        count = f"{done:,d}" if total is None else f"{done:,d} of {total:,d}"
        speed = f"{count} {unit}" + (f", {rate:,.0f}/s" if rate else "")
        progress.update(self._tasks[stage], completed=done, total=total, speed=speed)

    def close(self) -> None:
        """Remove all bars."""
        for stage in list(self._tasks):
            self._end(stage)

    def _start(self) -> Progress:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[speed]}", markup=False),
            TimeRemainingColumn(),
        )
        self._progress = Progress(
            *columns,
            console=Console(stderr=True),
            speed_estimate_period=120,
            transient=True,
            redirect_stdout=sys.stdout.isatty(),  # results redirected to a file stay there
        )
        self._progress.start()
        return self._progress

    def _end(self, stage: str) -> None:
        self._began.pop(stage, None)
        task = self._tasks.pop(stage, None)
        if task is None or self._progress is None:
            return
        self._progress.remove_task(task)
        if not self._tasks:
            self._progress.stop()
            self._progress = None


class _Lines:
    """One line every half minute."""

    def __init__(self) -> None:
        self._stage, self._started, self._first, self._told = "", 0.0, 0, time.monotonic()

    def __call__(self, stage: str, done: int, total: int | None, unit: str = "tokens") -> None:
        if total is None:
            return
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._started, self._first = stage, now, done
        elif now - self._told >= _SECONDS:
            self._told = now
            rate = (done - self._first) / (now - self._started)
            left = (total - done) / rate if rate else 0.0
            say(f"{stage}: {done:,d} of {total:,d} {unit}, {rate:,.0f}/s, {left / 60:.0f} min left", stream=sys.stderr)


def _nothing(stage: str, done: int, total: int | None, unit: str = "tokens") -> None:
    """Show nothing, for `--quiet`."""
