"""Run the unfinished cells of a grid, several at a time, each in its own process."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from elmo_tasks.benchmark.cell import Cell
from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import write_text

Tell = Callable[[str], None]
Launch = Callable[[Cell, int, Tell, threading.Event], None]
"""A function that runs a cell, passes on its output lines and stops when the event is set. Raises CellError."""


class CellError(Exception):
    """A cell failed; the message is one line with the reason."""


class Watcher(Protocol):
    """Receives the progress of the grid. Called from several threads."""

    def started(self, cell: Cell) -> None:
        """A cell has begun."""

    def line(self, cell: Cell, text: str) -> None:
        """A cell has printed a line: an epoch has ended."""

    def ended(self, cell: Cell, seconds: float, fault: str | None) -> None:
        """A cell has finished, or failed with this message."""


@dataclass(frozen=True)
class Failure:
    """A failed cell with the reason."""

    cell: Cell
    fault: str


def run_cells(cells: Sequence[Cell], jobs: int, watcher: Watcher, launch: Launch | None = None) -> list[Failure]:
    """Run cells in this order, `jobs` at a time. A failed cell writes its `fault` file and does not stop the others.

    Raises:
        KeyboardInterrupt: interrupted; all processes have ended, and each cell continues from its last epoch next time.
    """
    start = launch or launch_process
    stop = threading.Event()

    def work(cell: Cell) -> Failure | None:
        if stop.is_set():
            return None
        watcher.started(cell)
        began = time.monotonic()
        try:
            start(cell, jobs, lambda text: watcher.line(cell, text), stop)
        except CellError as error:
            if stop.is_set():
                return None
            write_text(cell.fault, f"{error}\n")
            watcher.ended(cell, time.monotonic() - began, str(error))
            return Failure(cell, str(error))
        cell.fault.unlink(missing_ok=True)
        watcher.ended(cell, time.monotonic() - began, None)
        return None

    with ThreadPoolExecutor(jobs, thread_name_prefix="cell") as pool:
        pending = [pool.submit(work, cell) for cell in cells]
        try:
            found = [future.result() for future in as_completed(pending)]
        except BaseException:
            stop.set()
            for future in pending:
                future.cancel()
            raise
    return [failure for failure in found if failure is not None]


def launch_process(cell: Cell, jobs: int, tell: Tell, stop: threading.Event) -> None:
    """Run a cell in a process that ends with this one; its output also goes to the log of the cell.

    Raises:
        CellError: the process ended with an exit code other than 0.
    """
    try:
        request = cell.write_request()
    except InputError as error:
        raise CellError(str(error)) from None
    import torch

    threads = max(1, torch.get_num_threads() // jobs)  # the jobs share the threads of this process
    words = [sys.executable, "-m", "elmo_tasks.benchmark.worker", str(request), str(cell.folder), str(threads)]
    pipe = subprocess.PIPE
    with (
        cell.log.open("a", encoding="utf-8") as log,
        subprocess.Popen(
            [*words, cell.command], stdin=pipe, stdout=pipe, stderr=log, text=True, encoding="utf-8"
        ) as process,
    ):
        log.write(f"$ {cell.command}\n")
        log.flush()
        assert process.stdout is not None and process.stdin is not None
        ended = threading.Event()
        threading.Thread(target=_end_when, args=(stop, ended, process), daemon=True).start()
        try:
            for line in process.stdout:
                log.write(line)
                log.flush()
                tell(line.rstrip("\n"))
            code = process.wait()
        finally:
            ended.set()
            process.stdin.close()
    if code != 0:
        raise CellError(_why(cell.log, code))


def _end_when(stop: threading.Event, ended: threading.Event, process: subprocess.Popen[str]) -> None:
    while not ended.wait(0.2):
        if stop.is_set():
            process.kill()
            return


def _why(log: Path, code: int) -> str:
    """The error message of a failed process, or how it ended if there is none."""
    marker = "elmo-tasks: error: "
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    last = lines[-1] if lines and not lines[-1].startswith("$ ") else ""
    if code < 0 and not last.startswith(marker):
        return f"the process was killed by signal {-code}; is there enough memory for this many jobs? See {log}"
    if last.startswith(marker):
        return last.removeprefix(marker)
    return f"the process ended with code {code} ({last[:200]}); see {log}"
