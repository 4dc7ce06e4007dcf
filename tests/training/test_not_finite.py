"""A loss or a gradient that is not finite ends the run before it gets into the weights, and names its batch."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from elmo_tasks.core.errors import InputError
from elmo_tasks.data.conll import read_conll
from elmo_tasks.nn.tagger import Tagger
from elmo_tasks.pretraining.objective import Objective
from elmo_tasks.pretraining.run import pretrain
from elmo_tasks.runs.experiment import load_experiment
from elmo_tasks.runs.folder import LAST
from elmo_tasks.training.train import train


def infinite_slope(weight: Tensor) -> Tensor:
    """Zero, but steep without end."""
    return torch.sqrt(weight - weight.detach()).sum()


@pytest.mark.parametrize(
    ("what", "batch_size", "at_call", "epoch", "clip_norm"),
    [("gradient", 8, 5, 1, 5), ("gradient", 2, 1, 0, 0), ("loss", 3, 9, 1, 5)],
)
def test_the_sentences_of_that_batch_are_named(
    corpus: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
    batch_size: int,
    at_call: int,
    epoch: int,
    clip_norm: int,
) -> None:
    whole, seen = Tagger.loss, list[tuple[int, ...]]()

    def loss(self: Tagger, batch: Any) -> Tensor:
        value = whole(self, batch)
        if not self.training:  # the loss of dev
            return value
        seen.append(batch.indices)
        if len(seen) == at_call:
            value = value + (infinite_slope(self.emission.weight) if what == "gradient" else math.inf)
        return value

    monkeypatch.setattr(Tagger, "loss", loss)
    sizes = [f"training.batch_size={batch_size}", "training.min_updates=1", "model.hidden=4", "training.epochs=2"]
    given = {"data": str(corpus), "embedders": ["random"]}
    experiment = load_experiment([], given, [*sizes, f"training.clip_norm={clip_norm}"])
    with pytest.raises(InputError) as fault:
        train(experiment, tmp_path / "run", tell=lambda line: None)
    assert len(seen) == at_call
    examples = read_conll(corpus / "train.txt")
    named = ", ".join(examples[index].source for index in seen[-1][:3]) + (", ..." if batch_size > 3 else "")
    start = f"epoch {epoch}: the {what} is inf on a batch with {named}; lower training.learning_rate or check these"
    end = "sentences; the unfinished run is kept, pass --overwrite to start again" if epoch else "sentences"
    assert re.fullmatch(re.escape(f"{start} {end}"), str(fault.value)), fault.value
    assert (tmp_path / ".run.unfinished" / LAST).exists() == bool(epoch)


def test_pretraining_names_the_window(
    pretraining_config: Any, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, seen = Objective.forward, []

    def forward(self: Objective, *arguments: Any) -> Any:
        seen.append(arguments)
        loss, state = whole(self, *arguments)
        return (loss + infinite_slope(next(self.bilm.parameters())) if len(seen) == 3 else loss), state

    monkeypatch.setattr(Objective, "forward", forward)
    with pytest.raises(InputError, match=r"^window 2: the gradient is inf; lower the learning rate$"):
        pretrain(pretraining_config(), [str(text)], tmp_path / "bilm", tell=lambda line: None)
    assert len(seen) == 3
