"""A run that was cut off goes on as the very same experiment, or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.embedders.random import RandomEmbedder
from elmo_tasks.runs.experiment import load_experiment
from elmo_tasks.runs.folder import LAST, RunFolder
from elmo_tasks.training import train as run
from elmo_tasks.training.epoch_lines import EpochLines
from elmo_tasks.training.resumption import FINGERPRINTS, began_alike
from elmo_tasks.training.train import FinishedRun, train


class PulledThePlug(Exception):
    """The end of a process, as far as a test can have it."""


def small(corpus: Path, *settings: str, seed: int = 1) -> Any:
    given = {"data": str(corpus), "embedders": ["random"], "seed": seed}
    common = ["model.hidden=6", "training.epochs=4", "training.learning_rate=0.02"]
    common += ["training.batch_size=8", "training.min_updates=1"]
    return load_experiment([], given, [*common, *settings])


def cut(experiment: Any, output: Path) -> Path:
    """Train up to the checkpoint of epoch 0. Returns the unfinished folder."""

    def tell(line: str) -> None:
        if line.startswith("epoch   1"):
            raise PulledThePlug

    with pytest.raises(PulledThePlug):
        train(experiment, output, tell=tell)
    return RunFolder(output).work


def go_on(experiment: Any, output: Path) -> FinishedRun:
    return train(experiment, output, tell=lambda line: None, resume=True)


def test_another_experiment_is_not_gone_on_with(corpus: Path, tmp_path: Path) -> None:
    work = cut(small(corpus), tmp_path / "run")
    before = (work / "config.yaml").read_text()
    message = (
        r"^--resume: the run began with seed=1, training.learning_rate=0.02, "
        r"not seed=7, training.learning_rate=0.5; pass the same settings, or start again with --overwrite$"
    )
    with pytest.raises(InputError, match=message):
        go_on(small(corpus, "training.learning_rate=0.5", seed=7), tmp_path / "run")
    with pytest.raises(InputError, match=r"the run began with model.hidden=6, not model.hidden=8"):
        go_on(small(corpus, "model.hidden=8"), tmp_path / "run")
    with pytest.raises(InputError, match=r"the run began with model.layers=2, not model.layers=3"):
        go_on(small(corpus, "model.layers=3"), tmp_path / "run")
    moved = tmp_path / "moved"
    shutil.copytree(corpus, moved)
    with pytest.raises(InputError, match=r"the run began with data=.*corpus, not data=.*moved;"):
        go_on(small(moved), tmp_path / "run")
    assert (work / "config.yaml").read_text() == before and (work / LAST).exists()
    assert len(go_on(small(corpus), tmp_path / "run").history) == 4


def test_an_embedder_that_is_no_more_what_it_was(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = cut(small(corpus), tmp_path / "run")
    assert began_alike(work, small(corpus))
    with monkeypatch.context() as changed:
        changed.setattr(RandomEmbedder, "fingerprint", "random-other")
        assert not began_alike(work, small(corpus))
        message = "^--resume: random has changed since the run began: it was random-.* and is now random-other;"
        with pytest.raises(InputError, match=message):
            go_on(small(corpus), tmp_path / "run")
    (work / FINGERPRINTS).unlink()  # a run that an earlier version left
    assert began_alike(work, small(corpus))
    assert len(go_on(small(corpus), tmp_path / "run").history) == 4


def test_data_that_have_been_corrected(corpus: Path, tmp_path: Path) -> None:
    work = cut(small(corpus), tmp_path / "run")
    dev = next(corpus.glob("*dev*"))
    dev.write_text(dev.read_text().replace(" O\n", " B-LOC\n", 1))
    assert not began_alike(work, small(corpus))
    with pytest.raises(InputError, match="--resume: the data has changed since the run began: .* start again with"):
        go_on(small(corpus), tmp_path / "run")


def test_a_run_that_had_stopped_trains_no_further(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was killed while it was evaluated. Its time is that of both sittings."""
    experiment = small(
        corpus, "training.epochs=9", "training.patience=2", "training.patience_updates=0", "training.learning_rate=1e-9"
    )
    whole = train(experiment, tmp_path / "whole", tell=lambda line: None)
    assert len(whole.history) == 3

    def killed(*_: object) -> None:
        raise PulledThePlug

    with monkeypatch.context() as cut_off:
        cut_off.setattr(run, "save_trained", killed)
        with pytest.raises(PulledThePlug):
            train(experiment, tmp_path / "run", tell=lambda line: None)
    lines: list[str] = []
    resumed = train(experiment, tmp_path / "run", tell=lines.append, resume=True)
    assert not lines and len(resumed.history) == 3
    assert resumed.metrics["test"] == whole.metrics["test"]
    assert resumed.metrics["best_epoch"] == whole.metrics["best_epoch"]
    assert resumed.metrics["training_seconds"] < resumed.metrics["seconds"]


def test_the_time_of_a_checkpoint_of_an_earlier_version(tmp_path: Path) -> None:
    lines = EpochLines(tmp_path / "epochs.csv", lambda line: None, started=100.0)
    lines.load_state_dict({"history": [{"seconds": 2.0}, {"seconds": 3.5}]})
    assert lines.started == 94.5
    lines.load_state_dict({"history": [], "elapsed": 4.0})
    assert lines.started == 90.5
