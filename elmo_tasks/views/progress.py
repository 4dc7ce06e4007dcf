"""How far a long run is: a bar with the time left on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from elmo_tasks.core.terminal import printable, say
from elmo_tasks.corpus_vectors.embedding import Watch

_SECONDS = 30.0  # between two lines, where there is no terminal


@contextmanager
def embedding_progress() -> Iterator[Watch]:
    """Watch an embedding on standard error."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[speed]}", markup=False),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), speed_estimate_period=120) as progress:
        tasks: dict[str, TaskID] = {}

        def watch(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = progress.add_task(printable(stage), total=total, speed="")
            rate = progress.tasks[tasks[stage]].speed
            speed = f"{done:,d} of {total:,d} tokens" + (f", {rate:,.0f}/s" if rate else "")
            progress.update(tasks[stage], completed=done, speed=speed)

        yield watch


class _Lines:
    """A line every half minute."""

    def __init__(self) -> None:
        self._stage, self._started, self._first, self._told = "", 0.0, 0, time.monotonic()

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._started, self._first = stage, now, done
        elif now - self._told >= _SECONDS:
            self._told = now
            rate = (done - self._first) / (now - self._started)
            left = (total - done) / rate if rate else 0.0
            say(f"{stage}: {done:,d} of {total:,d} tokens, {rate:,.0f}/s, {left / 60:.0f} min left", stream=sys.stderr)
