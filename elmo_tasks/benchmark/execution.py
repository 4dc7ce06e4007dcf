"""Train the unfinished cells of a grid, several at a time, each in its own process, here or on a Ray cluster."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from elmo_tasks.benchmark.cell import Cell
from elmo_tasks.benchmark.identity import is_done
from elmo_tasks.benchmark.record import KIND
from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import disk_faults, write_text
from elmo_tasks.core.outputs import wait_for
from elmo_tasks.jobs.logged import train_logged
from elmo_tasks.jobs.pool import Pool, WorkerDied, run_jobs

Fault: TypeAlias = "str | None"
"""Why a cell failed, in one line; None if it has finished."""
CellPool: TypeAlias = Pool[Cell, Fault]


class Watcher(Protocol):
    """Receives the progress of the grid."""

    def started(self, cell: Cell) -> None:
        """A cell has begun."""

    def line(self, cell: Cell, text: str) -> None:
        """A cell has printed a line: an epoch has ended."""

    def ended(self, cell: Cell, seconds: float, fault: Fault) -> None:
        """A cell has finished, or failed for this reason."""


@dataclass(frozen=True)
class Failure:
    """A failed cell with the reason."""

    cell: Cell
    fault: str


def run_cells(cells: Sequence[Cell], pool: CellPool, watcher: Watcher) -> list[Failure]:
    """Run cells in this order. A failed cell writes its `fault` file and does not stop the others.

    Raises:
        KeyboardInterrupt: interrupted; each unfinished cell continues from its last epoch next time.
    """
    began, logs, found = dict[str, float](), dict[str, _Log](), list[Failure]()

    def beginning() -> Iterator[Cell]:
        for cell in cells:
            began[cell.name], logs[cell.name] = time.monotonic(), _Log(cell)
            watcher.started(cell)
            yield cell

    def tell_all() -> None:
        for log in logs.values():
            for line in log.new_lines():
                watcher.line(log.cell, line)

    for done in run_jobs(pool, beginning(), tick=tell_all):
        cell, fault = done.job, done.value
        if done.error is not None:
            see = f"; see {cell.log}" if isinstance(done.error, WorkerDied) else ""
            fault = f"{done.error}{see}"
        if fault is None:
            cell.fault.unlink(missing_ok=True)
        else:
            with disk_faults(cell.root):
                cell.fault.parent.mkdir(parents=True, exist_ok=True)
            write_text(cell.fault, f"{fault}\n")
            found.append(Failure(cell, fault))
        del logs[cell.name]
        watcher.ended(cell, time.monotonic() - began.pop(cell.name), fault)
    return found


class _Log:
    """The lines that are new in the log of a cell, which its process writes, perhaps on another machine."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self._read = cell.log.stat().st_size if cell.log.exists() else 0

    def new_lines(self) -> list[str]:
        """The whole lines since the last call."""
        try:
            with self.cell.log.open("rb") as file:
                file.seek(self._read)
                text, end, _ = file.read().rpartition(b"\n")
        except OSError:
            return []
        self._read += len(text) + len(end)
        return text.decode("utf-8", "replace").splitlines() if end else []


def cell_runner(threads: int) -> Callable[[Cell], Fault]:
    """The function that runs cells in a process with so many threads, for a pool."""
    import torch

    torch.set_num_threads(threads)
    return run_cell


def run_cell(cell: Cell) -> Fault:
    """Train a cell, or continue from a checkpoint of the same experiment; an earlier run is replaced at the end.

    A cell that has finished is not trained again: its process or machine may have died after that.
    """
    try:
        train_logged(cell.root, KIND, cell.folder, cell.log, cell.command, lambda tell: _train(cell, tell))
    except InputError as error:
        return str(error)
    return None


def _train(cell: Cell, tell: Callable[[str], None]) -> None:
    from elmo_tasks.training.train import train
    from elmo_tasks.views.plots import draw_run

    wait_for(cell.folder)  # a process that has just lost its machine or its parent is about to end
    if not is_done(cell):
        resume = cell.resumable()
        train(
            cell.experiment, cell.folder, command=cell.command, resume=resume, overwrite=True, tell=tell, draw=draw_run
        )
