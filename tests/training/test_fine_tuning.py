"""A run that fine-tunes an encoder: its weights change, are stored and read back; it can be cut off and go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from elmo_tasks.core.errors import InputError
from elmo_tasks.nn.batch import Batch
from elmo_tasks.runs.experiment import load_experiment
from elmo_tasks.runs.folder import RunFolder
from elmo_tasks.runs.run import load
from elmo_tasks.training.epoch_lines import Tell
from elmo_tasks.training.lightning_module import TaskModule
from elmo_tasks.training.train import FinishedRun, train


class PulledThePlug(Exception):
    """The end of a process, as far as a test can have it."""


def experiment(corpus: Path, encoder: str, *settings: str) -> Any:
    given = {"data": str(corpus), "embedders": [f"transformer:{encoder}", "random"]}
    common = ["model.hidden=6", "training.epochs=3", "training.batch_size=8", "training.min_updates=1"]
    own = ["transformer.trainable=true", "transformer.learning_rate=0.001", "transformer.warmup=4"]
    return load_experiment([], given, [*common, *own, *settings])


def run(corpus: Path, encoder: str, output: Path, *settings: str, tell: Tell = lambda line: None) -> FinishedRun:
    return train(experiment(corpus, encoder, *settings), output, tell=tell)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return {
        name.partition("encoder.")[2]: value
        for name, value in load_file(folder / "model.safetensors").items()
        if "sources.0.encoder." in name
    }


def test_the_encoder_learns_and_is_stored(corpus: Path, encoder: str, tmp_path: Path) -> None:
    """All weights that the hidden layers depend on change; the pooler does not. The frozen run has none of them."""
    finished = run(corpus, encoder, tmp_path / "run")
    pre_trained, tuned = load_file(Path(encoder) / "model.safetensors"), weights(tmp_path / "run")
    assert tuned.keys() == pre_trained.keys()
    # The query's bias of a key shifts all scores alike, so it has no gradient.
    inert = [name for name in tuned if "pooler" in name or name.endswith("key.bias")]
    for name, value in tuned.items():
        moved = float((value - pre_trained[name]).abs().max())
        assert (moved < 1e-4) if name in inert else (moved > 1e-4), (name, moved)
    expected = sum(value.numel() for name, value in pre_trained.items() if "pooler" not in name)
    assert finished.metrics["trained_parameters"] > expected
    assert finished.metrics["frozen_bytes"] < finished.metrics["model_bytes"]
    assert finished.metrics["tokens_per_second"] > 0 and finished.metrics["peak_rss_mb"] > 0
    assert not list((tmp_path / "cache").rglob("*.safetensors"))  # its vectors are not cached
    run(corpus, encoder, tmp_path / "frozen", "transformer.trainable=false")
    assert weights(tmp_path / "frozen") == {}


def test_a_run_is_read_back(corpus: Path, encoder: str, tmp_path: Path) -> None:
    finished = run(corpus, encoder, tmp_path / "run")
    loaded = load(tmp_path / "run")
    assert loaded.evaluate() == finished.metrics["test"] and loaded.evaluate(split="dev") == finished.metrics["dev"]
    assert loaded("Ada lives in Rome .")
    with pytest.raises(InputError, match="the embedder transformer:.* cannot be exported; only runs with elmo, chars"):
        loaded.to_onnx(tmp_path / "exported")


def test_a_run_that_was_cut_off_ends_in_the_same_place(corpus: Path, encoder: str, tmp_path: Path) -> None:
    def tell(line: str) -> None:
        if line.startswith("epoch   1"):
            raise PulledThePlug

    whole = run(corpus, encoder, tmp_path / "whole")
    with pytest.raises(PulledThePlug):
        run(corpus, encoder, tmp_path / "cut", tell=tell)
    assert RunFolder(tmp_path / "cut").work.is_dir()
    resumed = train(experiment(corpus, encoder), tmp_path / "cut", tell=lambda line: None, resume=True)
    assert [row["loss"] for row in resumed.history] == [row["loss"] for row in whole.history]
    first, second = weights(tmp_path / "whole"), weights(tmp_path / "cut")
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_rates_of_the_updates(corpus: Path, encoder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The encoder's rate rises over 4 updates; both fall to a half in the last of three epochs, of 3 updates each."""
    rates: list[tuple[float, float]] = []
    step = TaskModule.training_step

    def spied(self: TaskModule, batch: Batch, batch_idx: int) -> torch.Tensor:
        task, own = self.trainer.optimizers[0].param_groups
        rates.append((task["lr"], own["lr"]))
        return step(self, batch, batch_idx)

    monkeypatch.setattr(TaskModule, "training_step", spied)
    run(corpus, encoder, tmp_path / "run", "training.learning_rate=0.01", "training.final_rate=0.5")
    falling = [share for share in (1.0, 0.75, 0.5) for _ in range(3)]
    rising = [0.25, 0.5, 0.75, *[1.0] * 6]
    assert [rate for rate, _ in rates] == pytest.approx([0.01 * share for share in falling])
    assert [rate for _, rate in rates] == pytest.approx([0.001 * a * b for a, b in zip(falling, rising, strict=True)])
