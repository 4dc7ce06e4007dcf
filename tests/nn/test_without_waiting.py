"""What a GPU runs at each step never waits for the GPU: it runs on the meta device, where no value can be fetched.

On the meta device `item`, `tolist`, `nonzero`, `unique` and boolean masks are errors, as is copying to the CPU: all of
what makes the CPU wait for a GPU. The computations that take the place of those on the CPU give the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.engine.packing import Packing
from elmo_tasks.elmo.engine.runner import Engine
from elmo_tasks.elmo.options import BilmOptions
from elmo_tasks.nn.batch import Item, collate
from elmo_tasks.nn.bilstm import BiLstm
from elmo_tasks.nn.char_cnn import CharCnn
from elmo_tasks.nn.classifier import Classifier
from elmo_tasks.nn.embedding_mix import EmbeddingMix, FrozenLayers, WordLookup
from elmo_tasks.nn.esim import Esim
from elmo_tasks.nn.role_labeller import RoleLabeller
from elmo_tasks.nn.tagger import Tagger
from elmo_tasks.nn.token_classifier import TokenClassifier
from elmo_tasks.pretraining.objective import Objective, Window
from elmo_tasks.text.labels import LabelSet

SMALL = BilmOptions(char_dim=4, filters=((1, 4), (2, 4), (3, 4)), n_highway=1, projection_dim=6, cell_dim=8, n_layers=2)
META = torch.device("meta")


@pytest.mark.parametrize(
    "fetch",
    [Tensor.item, Tensor.tolist, Tensor.nonzero, torch.unique, Tensor.cpu, lambda x: x[x > 0], lambda x: bool(x.sum())],
)
def test_the_meta_device_shows_every_fetch(fetch: Callable[[Tensor], object]) -> None:
    with pytest.raises((NotImplementedError, RuntimeError)):
        fetch(torch.zeros((), device=META) if fetch is Tensor.item else torch.zeros(3, device=META))


def test_inputs_of_a_model() -> None:
    characters = torch.zeros(2, 5, 9, dtype=torch.long, device=META)
    mask = torch.zeros(2, 5, dtype=torch.bool, device=META)
    assert CharCnn(n_characters=50).to(META)(characters, mask).shape == (2, 5, 128)
    assert FrozenLayers(n_layers=3, width=4).to(META)(torch.zeros(2, 3, 5, 4, device=META), mask).shape == (2, 5, 4)
    lookup = WordLookup(torch.randn(7, 3), [1, 2]).to(META)
    assert lookup(torch.zeros(2, 5, dtype=torch.long, device=META), mask).shape == (2, 5, 3)


def test_all_words_at_once_have_the_vectors_of_distinct_words() -> None:
    torch.manual_seed(0)
    cnn = CharCnn(n_characters=20)
    lengths = torch.tensor([[3, 1, 7], [9, 2, 1]])
    characters = torch.randint(1, 20, (2, 3, 9)) * (torch.arange(9) < lengths[..., None])
    mask = torch.tensor([[True, True, True], [True, True, False]])
    torch.testing.assert_close(cnn._encode_all(characters, mask), cnn(characters, mask))


def test_engine_steps() -> None:
    engine = Engine(BiLM(SMALL), precision="exact", device=META)
    packing = Packing.of([5, 3, 4, 2, 1], 2, META)
    words = torch.zeros(15, dtype=torch.long, device=META)
    half = torch.zeros(3, 15, SMALL.projection_dim, device=META)
    for side in (0, 1):
        engine._run(side, torch.zeros(9, SMALL.projection_dim, device=META), words, packing, half)


def test_a_whole_table_gives_the_vectors_of_the_words_of_a_few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine's way for a GPU, on the CPU."""
    from elmo_tasks.elmo.engine import cells, layer, precision, products, runner

    for module in (cells, layer, precision, products, runner):
        if hasattr(module, "has_kernels"):
            monkeypatch.setattr(module, "has_kernels", lambda: False)
    torch.manual_seed(0)
    engine = Engine(BiLM(SMALL), precision="exact")
    sentences = [["a", "b", "a"], ["c"], ["b", "d", "e", "a"]]
    expected = engine.embed(sentences)
    monkeypatch.setattr(layer.Direction, "_inputs", _as_on_a_gpu(layer.Direction._inputs))
    for one, other in zip(engine.embed(sentences), expected, strict=True):
        torch.testing.assert_close(one, other)


def _as_on_a_gpu(inputs: Callable[..., object]) -> Callable[..., object]:
    class Rows(Tensor):
        device = torch.device("cuda:0")

    def called(self: object, x: Tensor, sizes: list[int], words: Tensor | None) -> object:
        return inputs(self, x, sizes, None if words is None else words.as_subclass(Rows))

    return called


def test_the_lstm_of_a_gpu_is_pytorchs(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a GPU cuDNN computes all steps in one call; the hand-written gradient is for the CPU only."""
    lstm = BiLstm(input_dim=4, hidden=3, layers=2, dropout=0.0)
    called: list[str] = []

    def recorded(name: str) -> Callable[[Tensor, object], Tensor]:
        def run(x: Tensor, rest: object) -> Tensor:
            called.append(name)
            return x.new_zeros(len(x), 6)

        return run

    for name in ("by_torch", "by_steps"):
        monkeypatch.setattr(lstm, name, recorded(name))

    class OnGpu(Tensor):
        is_cuda = True

    x, lengths = torch.zeros(2, 5, 4), torch.tensor([5, 3])
    for given in (x, x.as_subclass(OnGpu)):
        lstm(given, lengths)
    assert called == ["by_steps", "by_torch"]


def model_of(name: str) -> nn.Module:
    mix = EmbeddingMix(["elmo"], [FrozenLayers(n_layers=2, width=6)])
    sizes: dict[str, Any] = {"hidden": 5, "layers": 2, "dropout": 0.1}
    match name:
        case "names":
            return Tagger(mix, LabelSet.of_types(["PER"], "BIOES"), **sizes)
        case "tags":
            return TokenClassifier(mix, 4, **sizes)
        case "roles":
            further = {"recurrent_dropout": 0.1, "indicator": 3, "finder_hidden": 4, "precision": "32"}
            return RoleLabeller(mix, LabelSet.of_types(["A0", "V"], "BIO"), **sizes, **further)
        case "pairs":
            return Esim(mix, LabelSet(("bad", "good")), hidden=5, dropout=0.1, elmo_at_output=True)
    return Classifier(mix, LabelSet(("bad", "good")), head=name, hidden=5, dropout=0.1)


@pytest.mark.parametrize("name", ["names", "tags", "roles", "pairs", "mean", "attention", "bcn"])
@pytest.mark.parametrize("predicates", [(None, None, None), (1, None, 0), (0, 2, 1)])
def test_a_step_of_training(name: str, predicates: tuple[int | None, ...]) -> None:
    """Forward and backward; the lengths and the predicates of a batch stay on the CPU."""
    torch.manual_seed(0)
    model = model_of(name).train()
    classifies, pairs = isinstance(model, (Classifier, Esim)), isinstance(model, Esim)
    golds = [torch.zeros((), dtype=torch.long) if classifies else torch.zeros(n, dtype=torch.long) for n in (4, 3, 2)]
    items = [
        Item((torch.randn(2, length, 6),), length, number, gold, predicate, (1, length - 1) if pairs else ())
        for number, (length, gold, predicate) in enumerate(zip((4, 3, 2), golds, predicates, strict=True))
    ]
    model.to(META)
    loss = model.loss(collate(items).to(META))
    loss.backward()
    assert loss.device.type == "meta" and any(each.grad is not None for each in model.parameters())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_window_of_pretraining(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forward and backward; the classes are drawn on the CPU."""
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())  # the meta device has none
    objective = Objective(BiLM(SMALL), vocabulary=30, samples=8, dtype=dtype).to(META)
    places = torch.zeros(2, 4, 3, dtype=torch.long, device=META)
    window = Window(torch.zeros(5, SMALL.max_characters, dtype=torch.long, device=META), places, places, places.bool())
    loss, _ = objective(window, objective.initial_state(3), torch.Generator())
    loss.backward()
    assert loss.device.type == "meta" and objective.bilm.token_encoder.embedding.weight.grad is not None


def test_words_of_a_window_have_the_same_vectors_on_both_paths() -> None:
    torch.manual_seed(0)
    objective = Objective(BiLM(SMALL), vocabulary=30, samples=8)
    encoder = objective.bilm.token_encoder
    from elmo_tasks.elmo.characters import encode_words

    characters = encode_words(["a", "rain", "extraordinary" * 4], SMALL.max_characters)
    torch.testing.assert_close(objective.encode(characters), encoder.transform(encoder.convolve(characters)))
