"""The biLM as an embedder in each arithmetic: what a fingerprint says, and how far neighbours are felt."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.engine import Engine, layer, products, runner
from elmo_tasks.elmo.engine import precision as arithmetic
from elmo_tasks.elmo.options import BilmOptions
from elmo_tasks.elmo.weights.resolve import load_bilm
from elmo_tasks.elmo.weights.safetensors import write_safetensors
from elmo_tasks.embedders.elmo import BilmEmbedder
from elmo_tasks.embedders.inputs import FrozenInput, arithmetic_of
from elmo_tasks.runs.experiment import load_experiment

SENTENCES = [[f"w{index}" for index in range(length)] for length in (9, 1, 30, 4, 4, 17)]


@pytest.fixture
def weights(tmp_path: Path) -> str:
    torch.manual_seed(0)
    options = BilmOptions(char_dim=4, filters=((1, 16), (3, 32)), n_highway=1, cell_dim=128, projection_dim=32)
    write_safetensors(BiLM(options), tmp_path / "bilm.safetensors")
    return str(tmp_path / "bilm.safetensors")


def has_amx() -> bool:
    """Whether oneDNN may compute in tiles, whose sums for one row and for several have not been compared yet."""
    return bool(getattr(torch.cpu, "_is_amx_tile_supported", lambda: False)())


LEAST_COSINE = 1 - (1e-4 if has_amx() else 1e-5)


@pytest.fixture(params=["this machine", "amx", "no bf16", "no kernels"])
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The instruction sets that the engine detects."""
    if request.param == "amx":
        monkeypatch.setattr(arithmetic, "int8_is_faster", lambda device: False)
        monkeypatch.setattr(arithmetic, "has_bf16", lambda device: True)
    if request.param == "no bf16":
        monkeypatch.setattr(arithmetic, "has_bf16", lambda device: False)
    if request.param == "no kernels":
        for module in (layer, products, runner):
            monkeypatch.setattr(module, "has_kernels", lambda: False)
    return str(request.param)


@pytest.mark.parametrize("precision", ["exact", "fast", "int8", "auto"])
def test_a_sentence_does_not_depend_on_the_batch(weights: str, precision: str, machine: str) -> None:
    """Nor on the order, the budget, or the words seen before: to the last bit where oneDNN has AVX-512."""
    embedder = BilmEmbedder(weights, precision=precision)
    together = embedder.embed(SENTENCES)
    backwards = BilmEmbedder(weights, precision=precision).embed(SENTENCES[::-1])[::-1]
    few = BilmEmbedder(weights, precision=precision, token_budget=20).embed(SENTENCES)
    for index, words in enumerate(SENTENCES):
        (alone,) = BilmEmbedder(weights, precision=precision).embed([words])
        (known,) = embedder.embed([words])
        for other in (together[index], backwards[index], few[index], known):
            if torch.backends.cpu.get_cpu_capability() == "AVX512" and not has_amx():
                assert torch.equal(other, alone)
            elif precision == "exact":
                torch.testing.assert_close(other, alone, rtol=0, atol=1e-6)
            else:
                assert torch.cosine_similarity(other, alone, dim=-1).min() > LEAST_COSINE


@pytest.mark.parametrize("precision", ["exact", "fast", "int8"])
def test_so_it_is_with_the_shipped_weights(precision: str) -> None:
    engine = Engine(load_bilm("shipped"), precision=precision)
    text = [f"Sentence {index} has {'very ' * index}few words .".split() for index in range(40)]
    alone = [engine.embed([words])[0] for words in text]
    worst = min(
        float(torch.cosine_similarity(a, b, dim=-1).min()) for a, b in zip(alone, engine.embed(text), strict=True)
    )
    assert worst > LEAST_COSINE


def test_the_fingerprint_says_the_arithmetic(weights: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def suffix(precision: str, *, bf16: bool, int8: bool) -> str:
        monkeypatch.setattr(arithmetic, "has_bf16", lambda device: bf16)
        monkeypatch.setattr(arithmetic, "int8_is_faster", lambda device: int8)
        embedder = BilmEmbedder(weights, precision=precision)
        assert FrozenInput(embedder).fingerprint == embedder.fingerprint.split(".")[0]  # what a trained model asks for
        assert FrozenInput(embedder).arithmetic == embedder.engine.arithmetic
        assert arithmetic_of([FrozenInput(embedder)]) == {"elmo": embedder.engine.arithmetic}
        return embedder.fingerprint.split(".")[1]

    for precision in ("fast", "auto"):
        assert suffix(precision, bf16=True, int8=True) == "fast-int8-gates"
        assert suffix(precision, bf16=False, int8=True) == "fast-int8-gates-float32"
        assert suffix(precision, bf16=True, int8=False) == "fast-bf16"
        assert suffix(precision, bf16=False, int8=False) == "exact-float32"
    assert suffix("exact", bf16=True, int8=True) == suffix("exact", bf16=False, int8=False) == "exact-float32"
    assert suffix("int8", bf16=True, int8=False) == "int8-int8"
    assert suffix("int8", bf16=False, int8=True) == "int8-int8-float32"


def test_the_configuration_has_it(weights: str) -> None:
    assert load_experiment(settings=["elmo.precision=exact"]).embedder_settings["elmo"].precision == "exact"
    with pytest.raises(InputError, match="elmo.precision must be one of exact, fast, int8, auto, not 'half'"):
        BilmEmbedder(weights, precision="half")
