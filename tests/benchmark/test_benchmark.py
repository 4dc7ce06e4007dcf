"""A grid end to end: finished cells are not run again, a killed one goes on, a failed one stops no other."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from elmo_tasks.benchmark.cell import CHANGED, FAILED, FINISHED, INTERRUPTED, WAITING, Cell
from elmo_tasks.benchmark.execution import CellError, Tell, launch_process
from elmo_tasks.benchmark.grid import build_grid
from elmo_tasks.benchmark.record import KIND
from elmo_tasks.benchmark.run import benchmark
from elmo_tasks.benchmark.worker import run_cell
from elmo_tasks.core.errors import InputError
from elmo_tasks.core.folders import mark
from elmo_tasks.core.outputs import hold
from elmo_tasks.runs.experiment import to_yaml
from elmo_tasks.runs.folder import RunFolder
from elmo_tasks.training import train as run
from elmo_tasks.training.resumption import FINGERPRINTS

Bench = Callable[..., str]


class InThisProcess:
    """Runs cells without a process each, and keeps their names; those in `broken` fail."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.broken: set[str] = set()

    def __call__(self, cell: Cell, jobs: int, tell: Tell, stop: threading.Event) -> None:
        self.ran.append(cell.name)
        request = cell.write_request()
        if cell.name in self.broken:
            raise CellError("no luck today")
        try:
            run_cell(request, cell.folder, cell.command)
        except InputError as error:
            raise CellError(str(error)) from None


@pytest.fixture
def launch() -> InThisProcess:
    return InThisProcess()


def cells_of(corpus: Path, output: Path, *settings: str, seeds: int = 1, embedders: str = "random chars") -> list[Cell]:
    return build_grid(
        ["ner"],
        embedders=embedders.split(),
        seeds=seeds,
        fractions=[100],
        data=[f"ner={corpus}"],
        settings=["model.hidden=4", "training.epochs=2", "training.min_updates=2", *settings],
        output=output,
    )


def bench(cells: list[Cell], launch: InThisProcess, **options: Any) -> str:
    """Run it; returns what was printed."""
    text = io.StringIO()
    benchmark(cells, cells[0].root, console=Console(file=text, width=200), launch=launch, **options)
    return text.getvalue()


def test_finished_cells_are_not_run_again(corpus: Path, tmp_path: Path, launch: InThisProcess) -> None:
    cells = cells_of(corpus, tmp_path / "grid")
    said = bench(cells, launch)
    assert launch.ran == [cell.name for cell in cells] and "[2/2]" in said
    before = {cell.name: (cell.folder / "metrics.json").stat().st_mtime_ns for cell in cells}
    more = cells_of(corpus, tmp_path / "grid", seeds=2)
    said = bench(more, launch)
    assert "4 cells, 2 of them finished" in said and "left" in said
    assert launch.ran[2:] == [cell.name for cell in more if cell.experiment.seed == 2]
    assert {cell.name: (cell.folder / "metrics.json").stat().st_mtime_ns for cell in cells} == before
    row = json.loads((tmp_path / "grid" / "benchmark.json").read_text())["tasks"][0]["rows"][0]
    assert row["seeds"] == [1, 2]
    assert (tmp_path / "grid" / "report.html").exists() and (tmp_path / "grid" / "report.md").exists()


def test_a_setting_of_the_model_that_is_newer_than_a_cell_changes_nothing(
    corpus: Path, tmp_path: Path, launch: InThisProcess
) -> None:
    (cell,) = cells_of(corpus, tmp_path / "grid")[:1]
    bench([cell], launch)
    config = cell.folder / "config.yaml"
    text = config.read_text()
    assert "  layers: 2\n" in text
    config.write_text(text.replace("  layers: 2\n", ""))
    assert cell.state() == FINISHED
    config.write_text(text.replace("  layers: 2\n", "  layers: 3\n"))
    assert cell.state() == CHANGED


def test_a_dry_run_runs_nothing(corpus: Path, tmp_path: Path, launch: InThisProcess) -> None:
    cells = cells_of(corpus, tmp_path / "grid")
    assert "2 to run; no time estimate: it needs a finished cell on the same task and data" in bench(
        cells, launch, dry_run=True
    )
    assert not launch.ran and not (tmp_path / "grid").exists()
    bench(cells, launch)
    said = bench(cells_of(corpus, tmp_path / "grid", seeds=2), launch, dry_run=True)
    assert said.count(FINISHED) == 2 and said.count(WAITING) == 2 and "about ?" not in said


def test_a_failed_cell_is_reported_and_stops_no_other(corpus: Path, tmp_path: Path, launch: InThisProcess) -> None:
    cells = cells_of(corpus, tmp_path / "grid")
    launch.broken = {cells[0].name}
    with pytest.raises(InputError, match=r"1 of 2 cells failed, .*random-100-seed1: no luck today \(logs in .*logs"):
        bench(cells, launch)
    assert [cell.state() for cell in cells] == [FAILED, FINISHED]
    assert "no luck today" in (tmp_path / "grid" / "report.md").read_text()
    launch.broken = set()
    bench(cells, launch)
    assert launch.ran[2:] == [cells[0].name]
    assert [cell.state() for cell in cells] == [FINISHED, FINISHED]
    assert "no luck today" not in (tmp_path / "grid" / "report.md").read_text()


def test_where_every_cell_fails_there_is_no_report(corpus: Path, tmp_path: Path, launch: InThisProcess) -> None:
    (corpus / "dev.txt").write_text("Ada B-PER\nsees\n")
    with pytest.raises(InputError, match=r"2 of 2 cells failed.*dev.txt:2: "):
        bench(cells_of(corpus, tmp_path / "grid"), launch)
    assert not (tmp_path / "grid" / "report.md").exists()


def test_an_interrupted_cell_goes_on(
    corpus: Path, tmp_path: Path, launch: InThisProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    (cell, _) = cells = cells_of(corpus, tmp_path / "grid", "training.epochs=4")
    whole = run.train(cell.experiment, tmp_path / "whole", tell=lambda line: None)

    def plug(line: str) -> None:
        if line.startswith("epoch   1"):
            raise RuntimeError("pulled the plug")

    (tmp_path / "grid").mkdir()
    mark(tmp_path / "grid", KIND)
    with pytest.raises(RuntimeError, match="pulled the plug"):
        run.train(cell.experiment, cell.folder, tell=plug)
    assert cell.state() == INTERRUPTED
    bench(cells, launch)
    first = capsys.readouterr().out.splitlines()[0]
    assert first.split()[:2] == ["epoch", "1"]  # epoch 0 is not done again; 1 was cut before its checkpoint
    metrics = json.loads((cell.folder / "metrics.json").read_text())
    assert metrics["test"] == whole.metrics["test"] and metrics["epochs"] == 4


def test_a_part_of_another_experiment_is_not_gone_on_with(corpus: Path, tmp_path: Path, launch: InThisProcess) -> None:
    (cell, _) = cells = cells_of(corpus, tmp_path / "grid")
    work = RunFolder(cell.folder).work
    (work / "checkpoints").mkdir(parents=True)
    (work / "checkpoints" / "last.ckpt").write_bytes(b"")
    (work / "config.yaml").write_text("task: ner\n")
    mark(work, "unfinished run")
    mark(tmp_path / "grid", KIND)
    assert cell.state() == WAITING
    bench(cells, launch)
    assert cell.state() == FINISHED


def test_a_part_on_former_weights_is_not_gone_on_with(corpus: Path, tmp_path: Path) -> None:
    (cell, _) = cells_of(corpus, tmp_path / "grid")
    work = RunFolder(cell.folder).work
    (work / "checkpoints").mkdir(parents=True)
    (work / "checkpoints" / "last.ckpt").write_bytes(b"")
    (work / "config.yaml").write_text(to_yaml(cell.experiment))
    states = []
    for digest in ("random-49", "random-50"):
        (work / FINGERPRINTS).write_text(json.dumps({"random": digest}))
        states.append(cell.state())
    assert states == [WAITING, INTERRUPTED]


def test_cells_of_other_settings_are_not_replaced_unasked(corpus: Path, tmp_path: Path, launch: InThisProcess) -> None:
    bench(cells_of(corpus, tmp_path / "grid"), launch)
    other = cells_of(corpus, tmp_path / "grid", "training.epochs=3")
    assert {cell.state() for cell in other} == {CHANGED}
    with pytest.raises(
        InputError, match=r"2 finished cells .* other settings, embedder weights or data; pass --overwrite"
    ):
        bench(other, launch)
    assert len(launch.ran) == 2
    bench(other, launch, overwrite=True)
    assert {cell.state() for cell in other} == {FINISHED}


def test_cells_on_former_weights_are_known(corpus: Path, tmp_path: Path, launch: InThisProcess) -> None:
    vectors = tmp_path / "v.txt"
    vectors.write_text("sees 1 2 3\n")
    cells = cells_of(corpus, tmp_path / "grid", embedders=f"glove:{vectors}")
    bench(cells, launch)
    vectors.write_text("sees 1 2 4\n")
    with pytest.raises(InputError, match=r"1 finished cells .* other settings, embedder weights or data"):
        bench(cells, launch)


def test_cells_on_data_that_has_been_corrected_are_known(corpus: Path, tmp_path: Path, launch: InThisProcess) -> None:
    cells = cells_of(corpus, tmp_path / "grid", embedders="random")
    bench(cells, launch)
    (corpus / "dev.txt").write_text((corpus / "dev.txt").read_text().replace("sees O", "sees B-LOC", 1))
    with pytest.raises(InputError, match=r"1 finished cells .* or data; pass --overwrite"):
        bench(cells, launch)
    bench(cells, launch, overwrite=True)
    bench(cells, launch)
    assert len(launch.ran) == 2


def test_a_baseline_that_no_cell_has(corpus: Path, tmp_path: Path, launch: InThisProcess) -> None:
    cells = cells_of(corpus, tmp_path / "grid")
    with pytest.raises(InputError, match="--baseline must be one of the combinations random, chars, not glove"):
        bench(cells, launch, baseline=("glove",))
    assert not launch.ran


def test_one_benchmark_at_a_time(corpus: Path, tmp_path: Path, launch: InThisProcess) -> None:
    with hold(tmp_path / "grid"), pytest.raises(InputError, match="grid: another process is writing it"):
        bench(cells_of(corpus, tmp_path / "grid"), launch)


def test_no_jobs(corpus: Path, tmp_path: Path, launch: InThisProcess) -> None:
    with pytest.raises(InputError, match="--jobs must be 1 or more, not 0"):
        bench(cells_of(corpus, tmp_path / "grid"), launch, jobs=0)


@pytest.mark.slow
def test_a_cell_in_a_process_of_its_own(corpus: Path, tmp_path: Path) -> None:
    """One that is well, one whose data is bad: its one line comes back."""
    (well, _) = cells_of(corpus, tmp_path / "grid")
    lines: list[str] = []
    launch_process(well, 2, lines.append, threading.Event())
    assert well.state() == FINISHED
    assert [line.split()[:2] for line in lines if line.startswith("epoch")] == [["epoch", "0"], ["epoch", "1"]]
    assert well.log.read_text().startswith(f"$ {well.command}\n")
    metrics = json.loads((well.folder / "metrics.json").read_text())
    assert metrics["command"] == well.command
    bad = Cell("bad", well.experiment, tmp_path / "grid")
    (corpus / "train.txt").write_text("Ada\n")
    with pytest.raises(CellError, match=r"train.txt:1: at least 2 columns are needed"):
        launch_process(bad, 1, lines.append, threading.Event())


@pytest.mark.slow
def test_a_cell_ends_with_the_process_that_started_it(corpus: Path, tmp_path: Path) -> None:
    (cell, _) = cells_of(corpus, tmp_path / "grid", "training.epochs=100000", "training.patience=100000")
    words = [sys.executable, "-m", "elmo_tasks.benchmark.worker", str(cell.write_request()), str(cell.folder)]
    with subprocess.Popen([*words, "1", "x"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        assert process.stdout.readline() and process.stdout.readline()  # the first epoch's checkpoint is written
        process.stdin.close()  # as the system does it for a parent that was killed
        process.stdout.read()
        assert process.wait(timeout=20) == 1
    assert cell.state() == INTERRUPTED
