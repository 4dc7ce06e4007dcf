"""A grid end to end: finished cells are not run again, a killed one goes on, a failed one stops no other."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from elmo_tasks.benchmark.cell import CHANGED, FAILED, FINISHED, INTERRUPTED, WAITING, Cell
from elmo_tasks.benchmark.execution import Fault, run_cell
from elmo_tasks.benchmark.grid import build_grid
from elmo_tasks.benchmark.identity import find_runs, state_of
from elmo_tasks.benchmark.record import KIND
from elmo_tasks.benchmark.run import benchmark
from elmo_tasks.core.errors import InputError
from elmo_tasks.core.folders import mark
from elmo_tasks.core.outputs import hold
from elmo_tasks.jobs.pool import SerialPool, WorkerDied
from elmo_tasks.runs.experiment import to_yaml
from elmo_tasks.runs.folder import RunFolder
from elmo_tasks.training import train as run
from elmo_tasks.training.resumption import FINGERPRINTS


class InThisProcess(SerialPool[Cell, Fault]):
    """Runs cells in this process, and keeps their names; those in `broken` fail, and the process of `deadly` dies."""

    def __init__(self) -> None:
        super().__init__(self.run)
        self.ran: list[str] = []
        self.broken: set[str] = set()
        self.deadly: set[str] = set()

    def run(self, cell: Cell) -> Fault:
        self.ran.append(cell.name)
        if cell.name in self.deadly:
            raise WorkerDied("the process was killed by signal 9")
        return "no luck today" if cell.name in self.broken else run_cell(cell)


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


def state(cell: Cell) -> str:
    return state_of(cell, find_runs([cell]))


def bench(cells: list[Cell], launch: InThisProcess, **options: Any) -> str:
    """Run it; returns what was printed."""
    text = io.StringIO()
    benchmark(cells, cells[0].root, console=Console(file=text, width=200), pool=launch, **options)
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
    assert state(cell) == FINISHED
    config.write_text(text.replace("  layers: 2\n", "  layers: 3\n"))
    assert state(cell) == CHANGED


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
    assert [state(cell) for cell in cells] == [FAILED, FINISHED]
    assert "no luck today" in (tmp_path / "grid" / "report.md").read_text()
    launch.broken = set()
    bench(cells, launch)
    assert launch.ran[2:] == [cells[0].name]
    assert [state(cell) for cell in cells] == [FINISHED, FINISHED]
    assert "no luck today" not in (tmp_path / "grid" / "report.md").read_text()


def test_where_every_cell_fails_there_is_no_report(corpus: Path, tmp_path: Path, launch: InThisProcess) -> None:
    (corpus / "dev.txt").write_text("Ada B-PER\nsees\n")
    with pytest.raises(InputError, match=r"2 of 2 cells failed.*dev.txt:2: "):
        bench(cells_of(corpus, tmp_path / "grid"), launch)
    assert not (tmp_path / "grid" / "report.md").exists()


def test_an_interrupted_cell_goes_on(corpus: Path, tmp_path: Path, launch: InThisProcess) -> None:
    (cell, _) = cells = cells_of(corpus, tmp_path / "grid", "training.epochs=4")
    whole = run.train(cell.experiment, tmp_path / "whole", tell=lambda line: None)

    def plug(line: str) -> None:
        if line.startswith("epoch   1"):
            raise RuntimeError("pulled the plug")

    (tmp_path / "grid").mkdir()
    mark(tmp_path / "grid", KIND)
    with pytest.raises(RuntimeError, match="pulled the plug"):
        run.train(cell.experiment, cell.folder, tell=plug)
    assert state(cell) == INTERRUPTED
    bench(cells, launch)
    first = cell.log.read_text().splitlines()[1]
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
    assert state(cell) == WAITING
    bench(cells, launch)
    assert state(cell) == FINISHED


def test_a_part_on_former_weights_is_not_gone_on_with(corpus: Path, tmp_path: Path) -> None:
    (cell, _) = cells_of(corpus, tmp_path / "grid")
    work = RunFolder(cell.folder).work
    (work / "checkpoints").mkdir(parents=True)
    (work / "checkpoints" / "last.ckpt").write_bytes(b"")
    (work / "config.yaml").write_text(to_yaml(cell.experiment))
    states = []
    for digest in ("random-49", "random-50"):
        (work / FINGERPRINTS).write_text(json.dumps({"random": digest}))
        states.append(state(cell))
    assert states == [WAITING, INTERRUPTED]


def test_cells_of_other_settings_are_not_replaced_unasked(corpus: Path, tmp_path: Path, launch: InThisProcess) -> None:
    bench(cells_of(corpus, tmp_path / "grid"), launch)
    other = cells_of(corpus, tmp_path / "grid", "training.epochs=3")
    assert {state(cell) for cell in other} == {CHANGED}
    with pytest.raises(
        InputError, match=r"2 finished cells .* other settings, embedder weights or data; pass --overwrite"
    ):
        bench(other, launch)
    assert len(launch.ran) == 2
    bench(other, launch, overwrite=True)
    assert {state(cell) for cell in other} == {FINISHED}


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


def test_a_killed_process_is_one_line_and_stops_no_other(corpus: Path, tmp_path: Path, launch: InThisProcess) -> None:
    cells = cells_of(corpus, tmp_path / "grid")
    launch.deadly = {cells[0].name}
    with pytest.raises(InputError, match=r"1 of 2 cells failed, .*: the process was killed by signal 9; see .*\.log"):
        bench(cells, launch)
    assert [state(cell) for cell in cells] == [FAILED, FINISHED]


def test_a_bug_in_a_cell_is_one_line_and_its_traceback_is_in_the_log(
    corpus: Path, tmp_path: Path, launch: InThisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = cells_of(corpus, tmp_path / "grid")
    monkeypatch.setattr(run, "fit_model", lambda *_, **__: 1 / 0)
    with pytest.raises(InputError, match=r"2 of 2 cells failed.*: ZeroDivisionError: division by zero; see .*\.log"):
        bench(cells, launch)
    assert "Traceback" in cells[0].log.read_text()


def test_a_cell_that_has_finished_is_not_trained_again(corpus: Path, tmp_path: Path, launch: InThisProcess) -> None:
    """Its process may have died after that, and Ray gives the cell to another one."""
    cells = cells_of(corpus, tmp_path / "grid")
    bench(cells, launch)
    before = (cells[0].folder / "metrics.json").stat().st_mtime_ns
    assert run_cell(cells[0]) is None
    assert (cells[0].folder / "metrics.json").stat().st_mtime_ns == before


def test_a_folder_that_a_worker_does_not_see(corpus: Path, tmp_path: Path) -> None:
    (cell, _) = cells_of(corpus, tmp_path / "elsewhere")
    fault = run_cell(cell)
    assert fault is not None and "elsewhere: a worker does not see this folder; put it on a disk" in fault


def test_cells_are_found_again_after_everything_has_moved(
    corpus: Path, tmp_path: Path, launch: InThisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The benchmark, its data and its vectors, each under another name: digests tell what a cell is."""
    (tmp_path / "v.txt").write_text("sees 1 2 3\n")
    names = f"glove:{tmp_path / 'v.txt'} random"
    cells = cells_of(corpus, tmp_path / "grid", embedders=names)
    bench(cells, launch)
    old = {cell.name: (cell.folder / "metrics.json").read_bytes() for cell in cells}
    (tmp_path / "other").mkdir()
    (tmp_path / "grid").rename(tmp_path / "other" / "results")
    data, vectors = corpus.rename(tmp_path / "other" / "names"), tmp_path / "other" / "words.txt"
    (tmp_path / "v.txt").rename(vectors)
    moved = cells_of(data, tmp_path / "other" / "results", embedders=f"glove:{vectors} random")
    assert not {cell.name for cell in moved} & old.keys()
    assert "nothing to run" in bench(moved, launch, dry_run=True)
    bench(moved, launch)
    assert len(launch.ran) == 2
    assert sorted((cell.folder / "metrics.json").read_bytes() for cell in moved) == sorted(old.values())
    (data / "dev.txt").write_text((data / "dev.txt").read_text().replace("sees O", "sees B-LOC", 1))
    with pytest.raises(InputError, match=r"2 finished cells .* or data; pass --overwrite"):
        bench(moved, launch)
