"""`--threads`, and OpenMP's threads that sleep while they wait."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from elmo_tasks.benchmark import worker
from elmo_tasks.benchmark.cell import Cell
from elmo_tasks.benchmark.execution import run_cells
from elmo_tasks.cli import main
from elmo_tasks.runs.experiment import Experiment

ROWS = "Ada B-PER\nlives O\nin O\nRome B-LOC\n. O\n\n"


@pytest.fixture(autouse=True)
def threads_as_they_were() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for split in ("train", "dev", "test"):
        (tmp_path / f"{split}.txt").write_text(ROWS * 4, encoding="utf-8")
    return tmp_path


def test_train_evaluate_and_predict_use_so_many(data: Path, tmp_path: Path) -> None:
    run, text = tmp_path / "run", tmp_path / "text.txt"
    text.write_text("Ada lives .\n", encoding="utf-8")
    given = ["train", "ner", "--data", str(data), "--embedders", "random", "--output", str(run)]
    assert main([*given, "--set", "training.epochs=1", "--set", "model.hidden=4", "--threads", "3"]) == 0
    assert torch.get_num_threads() == 3
    assert json.loads((run / "metrics.json").read_text(encoding="utf-8"))["threads"] == 3
    assert main(["predict", str(run), str(text), "--threads", "2"]) == 0
    assert torch.get_num_threads() == 2
    assert main(["evaluate", str(run), "--threads", "1"]) == 0
    assert torch.get_num_threads() == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "ner"],
        ["predict", "runs/x"],
        ["evaluate", "runs/x"],
        ["benchmark"],
        ["embed", "elmo", "x", "--output=y"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_fewer_than_one_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*arguments, "--threads", "0"]) == 2
    assert capsys.readouterr().err == "elmo-tasks: error: --threads must be 1 or more, not 0\n"


def test_jobs_of_a_benchmark_share_the_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five threads for two jobs are two each. The cells run in processes, which say what they have."""
    torch.set_num_threads(5)
    said: list[str] = []

    class Watcher:
        def started(self, cell: Cell) -> None: ...

        def line(self, cell: Cell, text: str) -> None:
            said.append(text)

        def ended(self, cell: Cell, seconds: float, fault: str | None) -> None:
            said.append(str(fault))

    stand_in = tmp_path / "stand_in.py"
    stand_in.write_text(
        "import sys, torch\nfrom pathlib import Path\nfrom elmo_tasks.benchmark import worker\n"
        "worker.run_cell = lambda *_: print(torch.get_num_threads(), flush=True)\n"
        "sys.exit(worker.main(sys.argv[3:]))\n",
        encoding="utf-8",
    )
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{stand_in}" "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    monkeypatch.setattr("elmo_tasks.benchmark.execution.sys.executable", str(python))
    cells = [Cell(name, Experiment(), tmp_path) for name in ("a", "b")]
    for cell in cells:
        cell.log.parent.mkdir(parents=True, exist_ok=True)
    assert run_cells(cells, 2, Watcher()) == []
    assert said.count("2") == 2
    assert worker.__doc__ is not None and "THREADS" in worker.__doc__


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "None 2000 1"),
        ({"OMP_WAIT_POLICY": "active"}, "active None None"),
        ({"GOMP_SPINCOUNT": "5"}, "None 5 None"),
        ({"KMP_BLOCKTIME": "5"}, "None None 5"),
    ],
)
def test_waiting_threads_sleep_soon(
    environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Set before torch is imported; who has decided otherwise is heeded."""
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    program = (
        "import os, sys; from elmo_tasks.cli import main; main(['list']); "
        "names = ('OMP_WAIT_POLICY', 'GOMP_SPINCOUNT', 'KMP_BLOCKTIME'); "
        "print(*map(os.environ.get, names), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == f"{expected} False"
