"""A fixed layer instead of the mix, and the penalty on the mix's weights (Peters et al. 2018, sections 3.3 and 5.1)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.options import BilmOptions
from elmo_tasks.elmo.weights.safetensors import write_safetensors
from elmo_tasks.runs.evaluate import evaluate
from elmo_tasks.runs.experiment import resolve_experiment
from elmo_tasks.training.train import train


@pytest.fixture
def bilm(tmp_path: Path) -> str:
    path = tmp_path / "bilm.safetensors"
    options = BilmOptions(char_dim=4, filters=((1, 4), (3, 8)), n_highway=1, cell_dim=16, projection_dim=6)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        write_safetensors(BiLM(options), path)
    return str(path)


def run(corpus: Path, bilm: str, folder: Path, *settings: str) -> dict[str, object]:
    given = {"data": str(corpus), "embedders": [f"elmo:{bilm}"]}
    fast = ("model.hidden=6", "training.epochs=4", "training.learning_rate=0.02", *settings)
    train(resolve_experiment("ner", given=given, settings=fast), folder)
    metrics: dict[str, object] = json.loads((folder / "metrics.json").read_text())
    return metrics


def test_a_fixed_layer_trains_without_a_mix(corpus: Path, bilm: str, tmp_path: Path) -> None:
    found = [run(corpus, bilm, tmp_path / f"layer{layer}", f"elmo.layers={layer}") for layer in range(3)]
    assert [metrics["mix"] for metrics in found] == [{}, {}, {}]
    losses = {(tmp_path / f"layer{layer}" / "epochs.csv").read_text() for layer in range(3)}
    assert len(losses) == 3  # each layer is another input
    scores, _ = evaluate(tmp_path / "layer1", split="dev")
    assert scores["f1"] == found[1]["dev"]["f1"]  # type: ignore[index]  # the run knows its layer


def test_a_layer_that_there_is_not(corpus: Path, bilm: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must be mix or a number from 0 to 2, not '3'"):
        run(corpus, bilm, tmp_path / "run", "elmo.layers=3")


@pytest.mark.slow
def test_lambda_draws_the_weights_to_the_average(corpus: Path, bilm: str, tmp_path: Path) -> None:
    """A large lambda reduces the mix to the average of the layers, a small one lets the weights go."""
    away = []
    for number, strength in enumerate((0.001, 1.0, 100.0)):
        metrics = run(corpus, bilm, tmp_path / f"run{number}", f"training.mix_l2={strength}")
        ((_, learned),) = metrics["mix"].items()  # type: ignore[attr-defined]
        away.append(max(abs(weight - 1 / 3) for weight in learned["weights"]))
    assert away[0] > away[1] > away[2]
    assert away[0] > 0.01 and away[2] < 0.005
