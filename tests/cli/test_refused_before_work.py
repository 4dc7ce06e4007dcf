"""A command that must fail does so with one line before its work begins, and leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from elmo_tasks.cli import main
from elmo_tasks.embedders.cache.cached import CachedEmbedder
from elmo_tasks.embedders.random import RandomEmbedder
from elmo_tasks.training import train as training


@pytest.fixture
def train(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A training run that must not start."""

    def begun(*_: object, **__: object) -> int:
        raise AssertionError("the training has begun")

    monkeypatch.setenv("ELMO_TASKS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(training.lightning.Trainer, "fit", begun)
    monkeypatch.chdir(tmp_path)
    return ["train", "ner", "--data", str(corpus), "--embedders", "random", "--set", "model.hidden=2"]


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("dangling", "dangling: is a symbolic link, which is not followed"),
        ("file/run", "file/run: cannot be written"),
        ("/proc/run", "/proc/run: cannot be written"),
        ("file", "file: is a file, not a folder"),
    ],
)
def test_outputs(train: list[str], capsys: pytest.CaptureFixture[str], output: str, message: str) -> None:
    Path("dangling").symlink_to("nowhere")
    Path("file").write_text("")
    before = sorted(Path().iterdir())
    assert main([*train, "--output", output]) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1, said
    assert sorted(Path().iterdir()) == before


def test_a_cache_that_cannot_be_written(train: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    Path("cache").write_text("a file is in the way")
    assert main([*train, "--embedders", "elmo", "--output", "run"]) == 2
    said = capsys.readouterr().err
    assert "set ELMO_TASKS_CACHE to a folder on another disk" in said and said.count("\n") == 1, said
    assert not list(Path().glob("*run*"))


def test_a_cache_that_is_a_link(tmp_path: Path) -> None:
    """The output may be on another disk."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "vectors").symlink_to(tmp_path / "disk")
    CachedEmbedder(RandomEmbedder(4, "small"), tmp_path / "vectors").embed([["a"]])
    assert sorted(path.name for path in (tmp_path / "disk").iterdir()) == [".elmo-tasks", "random-4"]


def test_a_bad_backend_for_pictures_does_no_harm() -> None:
    """Lightning's metrics import matplotlib, which refuses it."""
    program = "from elmo_tasks.cli import main; main(['list']); import matplotlib"
    environment = os.environ | {"MPLBACKEND": "no such backend"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
