"""Verbs on a Ray cluster of two nodes give what they give on this machine, also where a worker and a node are lost."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from kills import result

from elmo_tasks.benchmark.cell import Cell
from elmo_tasks.benchmark.execution import Fault, cell_runner, run_cell, run_cells
from elmo_tasks.benchmark.grid import build_grid
from elmo_tasks.benchmark.record import KIND
from elmo_tasks.cli import main
from elmo_tasks.core.folders import use_folder
from elmo_tasks.jobs.pool import Closing, Pool, SerialPool
from elmo_tasks.jobs.ray_pool import RayPool
from elmo_tasks.runs.experiment import resolve_experiment
from elmo_tasks.training.train import train
from two_nodes import TwoNodes, started

optuna = pytest.importorskip("optuna", reason="the extra `tune` is not installed")

from elmo_tasks.tuning.search import open_storage  # noqa: E402
from elmo_tasks.tuning.space import read_space  # noqa: E402
from elmo_tasks.tuning.trial import Trial, Tried, run_trial, trial_runner  # noqa: E402
from elmo_tasks.tuning.tune import Subject, tune  # noqa: E402

pytestmark = pytest.mark.slow
SENTENCES = ("Ada B-PER\nsees O\nRome B-LOC\n", "Bob B-PER\nwaits O\n")
SPACE = "training.learning_rate: {low: 0.001, high: 0.1, log: true}\nmodel.hidden: [3, 4]\n"
EPOCHS = 60
SMALL = ["model.hidden=4", "training.min_updates=2"]


@pytest.fixture(scope="module")
def cluster() -> Iterator[TwoNodes]:
    with started() as two:
        yield two


@pytest.fixture
def two_nodes(cluster: TwoNodes) -> TwoNodes:
    """The cluster, with a new node for one that an earlier test has lost."""
    cluster.complete()
    return cluster


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small corpus, in a folder that is the current one."""
    monkeypatch.setenv("ELMO_TASKS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("ELMO_TASKS_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "corpus"
    folder.mkdir()
    for split, count in (("train", 12), ("dev", 4), ("test", 4)):
        (folder / f"{split}.txt").write_text("\n".join(SENTENCES * count), encoding="utf-8")
    (tmp_path / "space.yaml").write_text(SPACE, encoding="utf-8")
    return folder


class Losses:
    """Watches cells, and loses one thing after the other as epochs end."""

    def __init__(self, left: list[Callable[[], None]]) -> None:
        self.left = left
        self.ended_once: list[str] = []

    def started(self, cell: Cell) -> None: ...

    def line(self, cell: Cell, text: str) -> None:
        if self.left and text.startswith(f"epoch   {3 - len(self.left)}"):
            self.left.pop(0)()

    def ended(self, cell: Cell, seconds: float, fault: Fault) -> None:
        self.ended_once.append(f"{cell.name} {fault}")


class TwoInTurn(Closing):
    """Runs trials in this process, one after the other, but is asked for two at a time."""

    limit = 2

    def __init__(self) -> None:
        self.trials: list[Trial] = []
        self.begun: list[int] = []

    def start(self, trial: Trial) -> int:
        self.trials.append(trial)
        self.begun.append(len(self.trials) - 1)
        return self.begun[-1]

    def wait(self, seconds: float) -> list[int]:
        ended, self.begun = self.begun, []
        return ended

    def result(self, handle: int) -> Tried:
        return run_trial(self.trials[handle])


class Losing(Closing):
    """The trials of a pool, which loses one thing after the other while a trial is in the middle of its epochs."""

    def __init__(self, pool: Pool[Trial, Tried], left: list[Callable[[], None]]) -> None:
        self.pool, self.left, self.limit = pool, left, pool.limit
        self.running: dict[Hashable, Trial] = {}
        self.hit: set[str] = set()

    def start(self, trial: Trial) -> Hashable:
        handle = self.pool.start(trial)
        self.running[handle] = trial
        return handle

    def wait(self, seconds: float) -> list[Hashable]:
        for trial in self.running.values() if self.left else ():
            if trial.name not in self.hit and 3 < len(epochs_of(trial.log)) < EPOCHS - 10:
                self.hit.add(trial.name)
                self.left.pop(0)()
                break
        return self.pool.wait(min(seconds, 0.05))

    def result(self, handle: Hashable) -> Tried:
        del self.running[handle]
        return self.pool.result(handle)


def epochs_of(log: Path) -> list[int]:
    """The epochs in the log of a trial."""
    lines = log.read_text().splitlines() if log.exists() else []
    return [int(line.split()[1]) for line in lines if line.startswith("epoch ")]


def cells_of(corpus: Path, output: Path) -> list[Cell]:
    given: dict[str, Any] = {"embedders": ["random"], "seeds": 3, "fractions": [100], "output": output}
    settings = [*SMALL, "training.epochs=12", "training.patience=12"]
    use_folder(output, KIND)
    return build_grid(["ner"], data=[f"ner={corpus}"], settings=settings, **given)


def test_predictions(two_nodes: TwoNodes, corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order of the lines, in several blocks, byte by byte."""
    given = {"data": "corpus", "embedders": ["random", "chars"]}
    train(resolve_experiment("ner", None, given, [*SMALL, "training.epochs=1"]), Path("run"), tell=lambda line: None)
    lines = [f"Ada{n % 97} sees Rome{n % 89}" if n % 7 else "" for n in range(20_000)]
    Path("text.txt").write_text("\n".join(lines), encoding="utf-8")
    words = ["predict", "run", "text.txt", "--threads", "1", "--output"]
    assert main([*words, "local.jsonl"]) == 0
    assert main([*words, "ray.jsonl", "--engine", "ray"]) == 0
    assert Path("ray.jsonl").read_bytes() == Path("local.jsonl").read_bytes()


def test_a_search(two_nodes: TwoNodes, corpus: Path) -> None:
    words = ["tune", "ner", "--data", "corpus", "--space", "space.yaml", "--trials", "2", "--embedders", "random"]
    words += ["--threads", "1", "--jobs", "2", "--set", "training.epochs=2", *("--set", SMALL[1]), "--output"]
    found = []
    for engine in ("local", "ray"):
        assert main([*words, engine, "--engine", engine]) == 0
        (entry,) = json.loads((Path(engine) / "tuning.json").read_text())["combinations"]
        trials = [{key: value for key, value in trial.items() if key != "seconds"} for trial in entry["trials"]]
        found.append((trials, entry["importance"], (Path(engine) / "best.yaml").read_bytes()))
    assert found[0] == found[1]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="processes are looked for in /proc")
def test_a_search_that_loses_a_worker_and_a_node(two_nodes: TwoNodes, corpus: Path, tmp_path: Path) -> None:
    """It finds what an undisturbed one finds here, every trial is there once, and continues after its last epoch."""
    torch.set_num_threads(1)
    settings = [*SMALL, f"training.epochs={EPOCHS}", f"training.patience={EPOCHS}"]
    space = read_space(tmp_path / "space.yaml")

    def search(folder: str, pool: Pool[Trial, Tried]) -> Path:
        subject = Subject("ner", {"data": str(corpus)}, settings)
        tune(subject, space, [["random"]], tmp_path / folder, trials=4, prune=False, pool=pool)
        return tmp_path / folder

    here = search("here", TwoInTurn())
    losses = [two_nodes.lose_worker, two_nodes.lose_node]
    with RayPool(partial(trial_runner, 1), fresh=True) as pool:
        assert pool.limit == 2
        there = search("there", Losing(pool, losses))
    assert not losses
    assert result(there) == result(here)
    study = optuna.load_study(study_name="random", storage=open_storage(there / "trials.db"))
    assert [(trial.number, trial.state.name) for trial in study.trials] == [(n, "COMPLETE") for n in range(4)]
    logs = sorted((there / "logs").glob("*.log"))
    assert len(logs) == 4 and all(sorted(set(epochs_of(log))) == list(range(EPOCHS)) for log in logs)
    assert sum(len(epochs_of(log)) for log in logs) <= 4 * EPOCHS + 3  # those that were just being recorded


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="processes are looked for in /proc")
def test_a_benchmark_that_loses_a_worker_and_a_node(two_nodes: TwoNodes, corpus: Path, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    cells = cells_of(corpus, tmp_path / "here")
    assert run_cells(cells, SerialPool(run_cell), Losses([])) == []
    moved = cells_of(corpus, tmp_path / "there")
    watcher = Losses([two_nodes.lose_worker, two_nodes.lose_node])
    with RayPool(partial(cell_runner, 1), fresh=True) as pool:
        assert run_cells(moved, pool, watcher) == []
    assert not watcher.left
    assert sorted(watcher.ended_once) == sorted(f"{cell.name} None" for cell in moved)
    for one, other in zip(cells, moved, strict=True):
        assert result(one.folder) == result(other.folder)
        assert other.log.read_text().count("epoch  11") == 1
