"""Ctrl-C and its like in the midst of a training: one line, code 128 + N, and the next Ctrl-C works too."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from elmo_tasks.cli import main
from elmo_tasks.pretraining.module import Pretraining
from elmo_tasks.runs.folder import LAST
from elmo_tasks.training.lightning_module import TaskModule

SETTINGS = ("model.hidden=4", "training.epochs=3", "training.batch_size=8", "training.min_updates=1")


@pytest.fixture(autouse=True)
def _interruptible() -> Iterator[None]:
    """The signals do what they usually do: Ctrl-C has no effect behind a shell's `&`, and Ray leaves its handlers."""
    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL, signal.SIGHUP: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in usual.items()}
    yield
    for number, handler in usual.items():
        assert signal.signal(number, before[number]) is handler


def interrupt_at(monkeypatch: pytest.MonkeyPatch, module: type[Any], step: int, number: signal.Signals) -> None:
    """Send a signal in the middle of that training step (from 1)."""
    whole, done = module.training_step, 0

    def training_step(self: Any, batch: Any, batch_idx: int) -> Any:
        nonlocal done
        done += 1
        if done == step:
            signal.raise_signal(number)
        return whole(self, batch, batch_idx)

    monkeypatch.setattr(module, "training_step", training_step)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_train(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: Any
) -> None:
    train = ["train", "ner", "--data", str(corpus), "--embedders", "random", "--output", str(tmp_path / "run")]
    train += [word for setting in SETTINGS for word in ("--set", setting)]
    with monkeypatch.context() as interrupted:
        interrupt_at(interrupted, TaskModule, 5, number)  # 3 an epoch
        assert main(train) == 128 + number
    assert capsys.readouterr().err == (
        f"elmo-tasks train: interrupted by {number.name}; continue with the same command and --resume\n"
    )
    assert (tmp_path / ".run.unfinished" / LAST).exists()
    assert main([*train, "--resume"]) == 0
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["epochs"] == 3


def test_pretrain(
    pretraining_options: Any,
    text: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "o.json").write_text(json.dumps(pretraining_options | {"checkpoint_windows": 1}))
    interrupt_at(monkeypatch, Pretraining, 3, signal.SIGINT)
    words = ["--corpus", str(text), "--config", str(tmp_path / "o.json"), "--output", str(tmp_path / "bilm")]
    assert main(["pretrain", *words]) == 130
    assert capsys.readouterr().err.startswith("elmo-tasks pretrain: interrupted by SIGINT; continue with")
    assert (tmp_path / ".bilm.unfinished" / LAST).exists()
