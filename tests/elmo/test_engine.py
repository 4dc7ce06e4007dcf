"""The engine against the reference module: any sentences, any options, every way through the code."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import h5py
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.characters import batch_to_ids
from elmo_tasks.elmo.engine import Engine, layer, products, runner
from elmo_tasks.elmo.engine import precision as precision_module
from elmo_tasks.elmo.options import BilmOptions
from elmo_tasks.elmo.weights.hdf5 import read_hdf5
from elmo_tasks.elmo.weights.resolve import load_bilm

Sentences = Sequence[Sequence[str]]
SMALL = BilmOptions(
    char_dim=3, filters=((1, 4), (2, 5), (7, 6)), n_highway=1, cell_dim=12, projection_dim=6, max_characters=20
)
SENTENCES = [
    ["The", "naïve", "café", "👍", "", "closed", "."],
    ["No"],
    ["x" * 60, "東京", "is", "<S>", "far", "\ud800"],
    [],
    [length * "y" for length in range(10, 19)],
    ["He", "said", "no", ".", "He", "left"],
]
TEXT = [
    line.split()
    for line in (
        "The Bank of Oslo said on Monday that it would close three of its branches in the north of the country .",
        "LONDON 1996-08-30",
        '" We played well , but well is not enough , " said the coach of the losing side .',
        "Results of yesterday 's matches in the second division ( home team first ) :",
    )
]


def calm(bilm: BiLM) -> BiLM:
    """The same with half the weights: the reference itself is 1e-5 off its double where gates tip over at random."""
    for parameter in bilm.parameters():
        parameter.data.mul_(0.5)
    return bilm


def no_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where Numba is not installed."""
    for module in (layer, products, runner):
        monkeypatch.setattr(module, "has_kernels", lambda: False)


def reference(bilm: BiLM, sentences: Sentences) -> list[Tensor]:
    """The output of the module, one sentence at a time."""
    ids = [batch_to_ids([words], bilm.options.max_characters) for words in sentences]
    with torch.no_grad():
        return [bilm(some).layers[0] for some in ids]


def assert_close(ours: Sequence[Tensor], theirs: Sequence[Tensor], atol: float = 1e-5) -> None:
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, rtol=0, atol=atol)


def similarity(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> float:
    """The smallest cosine between the vector of a token in a layer and the correct one."""
    pairs = zip(ours, theirs, strict=True)
    return min(float(torch.cosine_similarity(a, b, dim=-1).min()) for a, b in pairs if a.numel())


word = st.text(st.characters(codec=None), max_size=5) | st.integers(10, 60).map("é".__mul__) | st.sampled_from("ab")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sentences=st.lists(st.lists(word, max_size=9), max_size=8), budget=st.integers(1, 30), table=st.integers(0, 9))
def test_exact_is_the_reference(
    random_bilm: Callable[..., BiLM], sentences: list[list[str]], budget: int, table: int
) -> None:
    bilm = calm(random_bilm(SMALL))
    engine = Engine(bilm, precision="exact", token_budget=budget, word_table=table)
    assert_close(engine.embed(sentences), reference(bilm, sentences))
    assert_close(engine.embed(sentences[::-1])[::-1], reference(bilm, sentences))  # the table is warm


@pytest.mark.parametrize(
    "changes",
    [
        {"skip_connections": False},
        {"cell_clip": None, "proj_clip": None},
        {"cell_clip": 0.3, "proj_clip": 0.1},
        {"activation": "tanh"},
        {"n_highway": 0},
        {"n_highway": 2},
        {"n_layers": 1},
        {"n_layers": 3},
        {"filters": ((1, 4),)},
        {"max_characters": 8, "filters": ((2, 4), (8, 4))},
    ],
    ids=str,
)
@pytest.mark.parametrize("way", ["onednn", "plain", "streams", "not alone", "no kernels"])
def test_options(
    random_bilm: Callable[..., BiLM], changes: dict[str, object], way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if way == "plain":
        monkeypatch.setattr(products, "has_onednn", lambda: False)
    if way == "streams":
        monkeypatch.setattr(runner, "STREAMS", 2)
        monkeypatch.setattr(runner, "STREAM_CELLS", 0)
        monkeypatch.setattr(layer, "_CHUNK_BYTES", 1000)
        monkeypatch.setattr(layer, "_WORDS_BYTES", 2000)
    if way == "not alone":
        monkeypatch.setattr(runner, "LONGEST", 0)
    if way == "no kernels":
        no_kernels(monkeypatch)
    bilm = calm(random_bilm(replace(SMALL, **changes)))
    expected = reference(bilm, SENTENCES)
    engine = Engine(bilm, precision="exact")
    assert_close(engine.embed(SENTENCES), expected)
    assert_close([engine.embed([words])[0] for words in SENTENCES], expected)


@pytest.mark.parametrize(("precision", "bound"), [("fast", 0.9995), ("int8", 0.999)])
@pytest.mark.parametrize("machine", ["all", "no onednn", "no kernels", "amx", "no bf16"])
def test_low_precision_on_the_shipped_biLM(
    precision: str, bound: float, machine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bilm = load_bilm("shipped")
    expected = reference(bilm, TEXT + SENTENCES)
    if machine == "no onednn":
        monkeypatch.setattr(products, "has_onednn", lambda: False)
    if machine == "no kernels":
        no_kernels(monkeypatch)
    if machine == "amx":
        monkeypatch.setattr(precision_module, "int8_is_faster", lambda device: False)
    if machine == "no bf16":
        monkeypatch.setattr(precision_module, "has_bf16", lambda device: False)
    engine = Engine(bilm, precision=precision)
    assert similarity(engine.embed(TEXT + SENTENCES), expected) > bound
    assert similarity([engine.embed([words])[0] for words in TEXT], expected[: len(TEXT)]) > bound


def test_the_size_of_the_original() -> None:
    torch.manual_seed(0)
    bilm = BiLM(BilmOptions()).requires_grad_(False).eval()
    expected = reference(bilm, TEXT)
    assert_close(Engine(bilm, precision="exact").embed(TEXT), expected)
    assert similarity(Engine(bilm, precision="fast").embed(TEXT), expected) > 0.9995


def test_the_recorded_activations(shared_data: Path) -> None:
    """The first sentence of each stream, which TensorFlow began with an empty state as the engine does."""
    parity = shared_data / "bilm_parity"
    bilm = read_hdf5(parity / "options.json", parity / "lm_weights.hdf5")
    streams = json.loads((parity / "sentences.json").read_text())
    vectors = Engine(bilm, precision="exact").embed([stream[0].split() for stream in streams])
    for index, layers in enumerate(vectors):
        with h5py.File(parity / f"lm_embeddings_{index}.hdf5", "r") as file:
            recorded = torch.from_numpy(file["0"][...])  # (2, T, P)
        torch.testing.assert_close(torch.stack(layers[-1].chunk(2, dim=1)), recorded, rtol=1e-5, atol=1e-5)


class Largest(TorchDispatchMode):
    """Remembers the most bytes that a result had."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, func: object, types: object, args: tuple = (), kwargs: dict | None = None) -> object:
        result = func(*args, **(kwargs or {}))  # type: ignore[operator]
        for tensor in result if isinstance(result, (list, tuple)) else [result]:
            if isinstance(tensor, Tensor):
                self.bytes = max(self.bytes, tensor.nbytes)
        return result


@pytest.mark.parametrize("sentences", [[["a", "b"] * 600], [["c"] * 400, *[["d", "e"]] * 40]], ids=["alone", "mixed"])
def test_memory_does_not_follow_the_longest_sentence(
    random_bilm: Callable[..., BiLM], sentences: Sentences, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All gates of 1,200 tokens would be 1.2 MB here, those of the padded batch 16 MB."""
    monkeypatch.setattr(layer, "_CHUNK_BYTES", 1 << 16)
    monkeypatch.setattr(layer, "_WORDS_BYTES", 1 << 17)
    options = replace(SMALL, cell_dim=64, projection_dim=8)
    engine = Engine(random_bilm(options), precision="exact", word_table=8)
    with Largest() as largest:
        vectors = engine.embed(sentences)
    whole = sum(some.nbytes for some in vectors)
    assert largest.bytes <= max(whole, 1 << 17)


def test_results_are_ordinary_tensors(random_bilm: Callable[..., BiLM]) -> None:
    (vectors,) = Engine(random_bilm(SMALL)).embed([["a", "b"]])
    weight = torch.ones(12, requires_grad=True)
    (vectors * weight).sum().backward()  # inference tensors could not be saved for this
    assert weight.grad is not None and vectors.dtype == torch.float32 and vectors.is_contiguous()
