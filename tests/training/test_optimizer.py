"""Which optimiser a run takes, and how its rate falls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.nn.bilstm import BiLstm
from elmo_tasks.nn.cells import rounds_products
from elmo_tasks.runs.experiment import TrainingConfig, load_experiment
from elmo_tasks.training.train import FinishedRun, train


def run(corpus: Path, output: Path, *settings: str) -> FinishedRun:
    given = {"data": str(corpus), "embedders": ["random"]}
    common = [
        "model.hidden=6",
        "training.epochs=3",
        "training.batch_size=4",
        "training.rate_patience=9",
        "training.patience_updates=0",
    ]
    return train(load_experiment([], given, [*common, *settings]), output, tell=lambda line: None)


def test_the_rate_falls_to_its_share(corpus: Path, tmp_path: Path) -> None:
    outcome = run(corpus, tmp_path / "run", "training.learning_rate=0.01", "training.final_rate=0.2")
    assert [row["rate"] for row in outcome.history] == pytest.approx([0.01, 0.006, 0.002])


def test_by_default_it_stays() -> None:
    assert [TrainingConfig().rate_share(epoch) for epoch in (0, 7, 29)] == [1.0, 1.0, 1.0]
    assert TrainingConfig(epochs=1, final_rate=0.1).rate_share(0) == 1.0


def test_adadelta_is_another_optimiser(corpus: Path, tmp_path: Path) -> None:
    settings = ("training.learning_rate=1.0", "training.clip_norm=1.0")
    ada = run(corpus, tmp_path / "a", *settings, "training.optimizer=adadelta")
    assert ada.history[-1]["loss"] < ada.history[0]["loss"]


def test_an_unknown_optimiser(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="training.optimizer must be adam or adadelta, not 'sgdd'"):
        run(corpus, tmp_path / "run", "training.optimizer=sgdd")
    assert not list(tmp_path.glob("*run*"))


@pytest.mark.parametrize(("precision", "hardware", "rounded"), [("bf16", False, True), ("32", True, False)])
def test_the_precision_of_training(
    corpus: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    precision: str,
    hardware: bool,
    rounded: bool,
) -> None:
    monkeypatch.setattr("elmo_tasks.nn.cells.has_bf16", lambda device: hardware)
    seen: list[tuple[bool, bool]] = []
    by_steps = BiLstm.by_steps

    def watched(self: BiLstm, *given: Any) -> Any:
        seen.append((self.training, self.bf16))
        return by_steps(self, *given)

    monkeypatch.setattr(BiLstm, "by_steps", watched)
    run(corpus, tmp_path / "run", "training.epochs=1", f"training.precision={precision}")
    assert {bf16 for training, bf16 in seen if training} == {rounded}


def test_by_default_the_hardware_decides_on_the_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    for hardware in (True, False):
        monkeypatch.setattr("elmo_tasks.nn.cells.has_bf16", lambda device, hardware=hardware: hardware)
        assert rounds_products(TrainingConfig().precision) is hardware


def test_an_unknown_precision(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="training.precision must be auto, bf16 or 32, not '16'"):
        run(corpus, tmp_path / "run", "training.precision='16'")
