"""Cells in processes of their own: progress, threads and failures come back."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path

import pytest

from elmo_tasks.benchmark.cell import FAILED, FINISHED, Cell
from elmo_tasks.benchmark.execution import Fault, cell_runner, run_cells
from elmo_tasks.benchmark.grid import build_grid
from elmo_tasks.benchmark.identity import find_runs, state_of
from elmo_tasks.benchmark.record import KIND
from elmo_tasks.core.folders import use_folder
from elmo_tasks.jobs.local_pool import LocalPool


class Lines:
    """Watches, and keeps what it hears."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []

    def started(self, cell: Cell) -> None: ...

    def line(self, cell: Cell, text: str) -> None:
        self.said.append((cell.name, text))

    def ended(self, cell: Cell, seconds: float, fault: Fault) -> None:
        self.said.append((cell.name, str(fault)))


def cell_of(corpus: Path, output: Path) -> Cell:
    settings = ["model.hidden=4", "training.epochs=2", "training.min_updates=2"]
    data = [f"ner={corpus}"]
    (cell,) = build_grid(
        ["ner"], embedders=["random"], seeds=1, fractions=[100], data=data, settings=settings, output=output
    )
    return cell


@pytest.mark.slow
def test_cells_in_processes_of_their_own(corpus: Path, tmp_path: Path) -> None:
    """One that is well, one whose data is bad: its one line comes back. Each has the threads it is given."""
    well = cell_of(corpus, tmp_path / "grid")
    use_folder(tmp_path / "grid", KIND)
    bad_data = shutil.copytree(corpus, tmp_path / "bad")
    (bad_data / "train.txt").write_text("Ada\n")
    bad = cell_of(bad_data, tmp_path / "grid")
    lines = Lines()
    with LocalPool(partial(cell_runner, 3), 2, fresh=True) as pool:
        failures = run_cells([well, bad], pool, lines)
    assert [failure.cell for failure in failures] == [bad]
    assert "train.txt:1: at least 2 columns are needed" in failures[0].fault
    runs = find_runs([well, bad])
    assert state_of(well, runs) == FINISHED and state_of(bad, runs) == FAILED
    epochs = [line.split()[:2] for name, line in lines.said if name == well.name and line.startswith("epoch")]
    assert epochs == [["epoch", "0"], ["epoch", "1"]]
    assert well.log.read_text().startswith(f"$ {well.command}\n")
    metrics = json.loads((well.folder / "metrics.json").read_text())
    assert metrics["command"] == well.command and metrics["threads"] == 3
