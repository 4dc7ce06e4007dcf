"""The process of one cell: `python -m elmo_tasks.benchmark.worker REQUEST.yaml FOLDER THREADS COMMAND`.

Each cell runs in its own process, so that its peak memory is measured separately and a crash does not affect other
cells. The process ends together with its parent, which it detects by the end of its standard input.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.terminal import say


def run_cell(request: Path, folder: Path, command: str) -> None:
    """Train, or continue from a checkpoint of the same experiment; replaces an earlier run once this one is complete.

    Raises:
        InputError: data, embedders or settings are invalid.
    """
    from elmo_tasks.benchmark.cell import Cell
    from elmo_tasks.runs.experiment import load_experiment
    from elmo_tasks.training.train import train
    from elmo_tasks.views.plots import draw_run

    cell = Cell(folder.name, load_experiment([request]), folder.parent.parent)
    train(
        cell.experiment,
        folder,
        command=command,
        resume=cell.resumable(),
        overwrite=True,
        tell=say,
        draw=draw_run,
    )


def main(arguments: list[str]) -> int:
    """Returns 0, or 2 for bad input, with the message as the last line on standard error."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    request, folder, threads, command = arguments
    import torch

    torch.set_num_threads(int(threads))
    try:
        run_cell(Path(request), Path(folder), command)
    except InputError as error:
        say(f"elmo-tasks: error: {error}", stream=sys.stderr)
        return 2
    return 0


def _end_with_parent() -> None:
    while os.read(0, 1):  # not sys.stdin, whose lock would be held when the interpreter exits
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
