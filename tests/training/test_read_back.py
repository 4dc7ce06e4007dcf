"""A finished run can be loaded: what was written is read back before the folder gets its name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from elmo_tasks.core.errors import InputError
from elmo_tasks.data.catalog import load_data
from elmo_tasks.runs.experiment import load_experiment
from elmo_tasks.runs.store import Trained, save_trained
from elmo_tasks.task import load_task
from elmo_tasks.text.examples import TaggedSentence
from elmo_tasks.training import train as module
from elmo_tasks.training.train import train


@pytest.fixture
def experiment(corpus: Path, tmp_path: Path) -> Any:
    """NER on tuned word vectors, whose words the run writes."""
    vectors = tmp_path / "vectors.txt"
    vectors.write_text("Ada 1 0\nBo 0 1\nUna 1 1\nDue 0 0\n", encoding="utf-8")
    given = {"data": str(corpus), "embedders": [f"glove:{vectors}", "chars"]}
    return load_experiment([], given, ["glove.trainable=true", "model.hidden=4", "training.epochs=1"])


def test_a_word_that_the_files_cannot_hold(experiment: Any, tmp_path: Path) -> None:
    """A word with a line break is two in words.txt, and the run would have other tuned vectors than its weights."""
    splits = load_data(experiment.data, load_task("ner").read)
    first = splits.train[0]
    assert isinstance(first, TaggedSentence)
    odd = replace(first, tokens=("Una\nDue", *first.tokens[1:]))
    with pytest.raises(InputError, match="does not fit its config.yaml"):
        train(experiment, tmp_path / "run", splits=replace(splits, train=(odd, *splits.train[1:])), tell=print)
    assert not (tmp_path / "run").exists()


def test_weights_that_change_on_their_way_to_the_disk(
    experiment: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def save(folder: Path, trained: Trained) -> None:
        before = {name: value.clone() for name, value in trained.model.state_dict().items()}
        with torch.no_grad():
            for parameter in trained.model.parameters():
                parameter.normal_(std=5.0)
        save_trained(folder, trained)
        trained.model.load_state_dict(before)

    monkeypatch.setattr(module, "save_trained", save)
    with pytest.raises(InputError, match="the written run and the trained model make different predictions"):
        train(experiment, tmp_path / "run", tell=lambda line: None)
    assert not (tmp_path / "run").exists()
    monkeypatch.setattr(module, "save_trained", save_trained)
    assert train(experiment, tmp_path / "run", resume=True, tell=lambda line: None).folder.exists()
