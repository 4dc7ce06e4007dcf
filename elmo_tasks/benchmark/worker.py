"""The process of one cell: `python -m elmo_tasks.benchmark.worker REQUEST.yaml FOLDER THREADS COMMAND`.

Each cell has a process of its own: its peak memory is its own, and a crash takes no other cell with it. It ends with
the process that started it, which is known by standard input: that closes.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.terminal import say


def run_cell(request: Path, folder: Path, command: str) -> None:
    """Train, or go on from a checkpoint of the same experiment; an earlier run is replaced when the new one is whole.

    Raises:
        InputError: whatever is wrong with data, embedders or settings.
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
    """Returns 0; 2 for a fault of the input, whose one line is the last on standard error."""
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
    while os.read(0, 1):  # not sys.stdin: its lock would be held when the interpreter ends
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
