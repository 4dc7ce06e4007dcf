"""Verbs on a Ray cluster of two nodes give what they give on this machine, also where a worker and a node are lost."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
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
from elmo_tasks.jobs.pool import SerialPool
from elmo_tasks.jobs.ray_pool import RayPool
from elmo_tasks.runs.experiment import resolve_experiment
from elmo_tasks.training.train import train
from two_nodes import TwoNodes, started

pytestmark = pytest.mark.slow
SENTENCES = ("Ada B-PER\nsees O\nRome B-LOC\n", "Bob B-PER\nwaits O\n")
SPACE = "training.learning_rate: {low: 0.001, high: 0.1, log: true}\nmodel.hidden: [3, 4]\n"
SMALL = ["model.hidden=4", "training.min_updates=2"]


@pytest.fixture(scope="module")
def two_nodes() -> Iterator[TwoNodes]:
    with started() as cluster:
        yield cluster


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
    pytest.importorskip("optuna", reason="the extra `tune` is not installed")
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
