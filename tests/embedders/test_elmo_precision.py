"""The biLM as an embedder in each arithmetic: what a fingerprint says, and how far neighbours are felt."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.engine import precision as arithmetic
from elmo_tasks.elmo.options import BilmOptions
from elmo_tasks.elmo.weights.safetensors import write_safetensors
from elmo_tasks.embedders.elmo import BilmEmbedder
from elmo_tasks.embedders.inputs import FrozenInput
from elmo_tasks.runs.experiment import load_experiment

SENTENCES = [[f"w{index}" for index in range(length)] for length in (9, 1, 30, 4, 4, 17)]


@pytest.fixture
def weights(tmp_path: Path) -> str:
    torch.manual_seed(0)
    options = BilmOptions(char_dim=4, filters=((1, 16), (3, 32)), n_highway=1, cell_dim=128, projection_dim=32)
    write_safetensors(BiLM(options), tmp_path / "bilm.safetensors")
    return str(tmp_path / "bilm.safetensors")


# float32 rounds to 2**-24, bfloat16 to 2**-9; products of other shapes add up in another order.
@pytest.mark.parametrize(("precision", "bound"), [("exact", 1e-6), ("fast", 2**-7), ("int8", 2**-7)])
def test_neighbours_are_felt_by_rounding_alone(weights: str, precision: str, bound: float) -> None:
    embedder = BilmEmbedder(weights, precision=precision)
    together = embedder.embed(SENTENCES)
    few = BilmEmbedder(weights, precision=precision, token_budget=20).embed(SENTENCES)
    for index, words in enumerate(SENTENCES):
        (alone,) = embedder.embed([words])
        scale = float(alone.abs().max())
        assert (together[index] - alone).abs().max() <= bound * scale
        assert (few[index] - alone).abs().max() <= bound * scale


def test_the_fingerprint_says_the_arithmetic(weights: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arithmetic, "has_bf16", lambda device: True)
    names = ("exact", "fast", "int8", "auto")
    exact, fast, int8, auto = (BilmEmbedder(weights, precision=name) for name in names)
    assert fast.fingerprint == auto.fingerprint == exact.fingerprint + ".fast"
    assert int8.fingerprint == exact.fingerprint + ".int8"
    monkeypatch.setattr(arithmetic, "has_bf16", lambda device: False)
    monkeypatch.setattr(arithmetic, "int8_is_faster", lambda device: False)
    assert BilmEmbedder(weights).fingerprint == exact.fingerprint
    # A trained model asks for the weights only: it may be used where there is no bfloat16.
    assert FrozenInput(fast).fingerprint == FrozenInput(exact).fingerprint


def test_the_configuration_has_it(weights: str) -> None:
    assert load_experiment(settings=["elmo.precision=exact"]).embedder_settings["elmo"].precision == "exact"
    with pytest.raises(InputError, match="elmo.precision: expected one of exact, fast, int8, auto, got 'half'"):
        BilmEmbedder(weights, precision="half")
