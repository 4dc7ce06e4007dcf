"""`--threads`, and OpenMP's threads that sleep while they wait."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from elmo_tasks.benchmark.cell import Cell
from elmo_tasks.benchmark.execution import Fault
from elmo_tasks.benchmark.run import benchmark
from elmo_tasks.cli import main
from elmo_tasks.core.errors import InputError
from elmo_tasks.jobs.engine import JobEngine
from elmo_tasks.jobs.pool import SerialPool
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
    """Five threads for two jobs are two each; on a cluster each job has five."""
    torch.set_num_threads(5)
    asked: list[tuple[int | None, int]] = []

    def pool(engine: JobEngine, make: partial[Any], workers: int | None, **options: Any) -> SerialPool[Cell, Fault]:
        asked.append((workers, options["threads"]))
        assert make.args == (options["threads"],) and options["fresh"]
        return SerialPool(lambda cell: "not run")

    monkeypatch.setattr(JobEngine, "pool", pool)
    cells = [Cell("a", Experiment(), tmp_path / "grid")]
    for engine, jobs in ((JobEngine(), 2), (JobEngine(), None), (JobEngine("ray"), 2)):
        with pytest.raises(InputError, match="1 of 1 cells failed"):
            benchmark(cells, tmp_path / "grid", jobs=jobs, engine=engine)
    assert asked == [(2, 2), (None, 5), (2, 5)]


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
