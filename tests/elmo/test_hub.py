"""`elmo_tasks.elmo.tfhub`, against TF-Hub's documentation of `google/elmo/3`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo import batch_to_ids
from elmo_tasks.elmo import tfhub as hub
from elmo_tasks.elmo.weights.hdf5 import read_hdf5

Pair = tuple[Path, Path]
TEXTS = ["the cat is on the mat", "dogs are in  the fog"]
TOKENS = [["the", "cat", "is", "on", "the", "mat"], ["dogs", "are", "in", "the", "fog", ""]]


@pytest.fixture
def module(pair: Pair) -> hub.Module:
    return hub.load(f"{pair[0]},{pair[1]}")


def test_outputs_of_the_default_signature(module: hub.Module, pair: Pair) -> None:
    outputs = module(TEXTS, signature="default", as_dict=True)
    layers = read_hdf5(*pair)(batch_to_ids([text.split() for text in TEXTS])).layers.numpy()
    np.testing.assert_allclose(outputs["word_emb"], layers[:, 0, :, :6], atol=1e-6)
    np.testing.assert_array_equal(layers[:, 0, :, :6], layers[:, 0, :, 6:])
    np.testing.assert_allclose(outputs["lstm_outputs1"], layers[:, 1], atol=1e-6)
    np.testing.assert_allclose(outputs["lstm_outputs2"], layers[:, 2], atol=1e-6)
    mixed = outputs["elmo"].detach().numpy()
    np.testing.assert_allclose(mixed, layers.mean(axis=1), atol=1e-6)
    means = [mixed[0].mean(axis=0), mixed[1, :5].mean(axis=0)]
    np.testing.assert_allclose(outputs["default"].detach(), means, atol=1e-6)


def test_tokens_are_the_same_words(module: hub.Module) -> None:
    texts = module(TEXTS, as_dict=True)
    tokens = module(inputs={"tokens": TOKENS, "sequence_len": [6, 5]}, signature="tokens", as_dict=True)
    assert list(tokens) == ["word_emb", "lstm_outputs1", "lstm_outputs2", "elmo", "default"]
    assert all(torch.equal(texts[name], tokens[name]) for name in texts)


def test_padding_keeps_its_width_and_holds_nothing(module: hub.Module) -> None:
    rows = np.array([["dogs", "bark", "", ""], ["", "", "", ""]])
    outputs = module({"tokens": rows, "sequence_len": torch.tensor([2, 0])}, signature="tokens", as_dict=True)
    assert outputs["elmo"].shape == (2, 4, 12)
    assert not outputs["elmo"][0, 2:].any() and not outputs["default"][1].any()
    torch.testing.assert_close(outputs["default"][0], module(["dogs bark"])[0])


def test_default_is_what_comes_without_as_dict(module: hub.Module) -> None:
    assert torch.equal(module(TEXTS), module(TEXTS, as_dict=True)["default"])
    assert torch.equal(module(TEXTS), module.signatures["default"](TEXTS)["default"])
    assert torch.equal(module(TEXTS), module.signatures["tokens"](tokens=TOKENS, sequence_len=[6, 5])["default"])


def test_four_scalars_learn(module: hub.Module, pair: Pair) -> None:
    learning = {name: p for name, p in module.named_parameters() if p.requires_grad}
    assert set(learning) == {"mix.scalar_parameters", "mix.gamma"}
    module(TEXTS).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in learning.values())
    assert not any(p.requires_grad for p in hub.Module(f"{pair[0]},{pair[1]}").parameters())


def test_nothing_at_all(module: hub.Module) -> None:
    assert module([]).shape == (0, 12)
    assert module(["", " "], as_dict=True)["elmo"].shape == (2, 0, 12)
    assert not module(["", " "]).any()


@pytest.mark.parametrize(
    ("inputs", "signature", "message"),
    [
        (TEXTS, "sentences", "signature must be one of default, tokens, not 'sentences'"),
        ("one text", "default", "the input must be a list of texts, not a single text"),
        ([b"bytes"], "default", "signature default: the inputs must be texts, not bytes"),
        ({"tokens": TOKENS}, "tokens", "the inputs must be a dictionary with the keys tokens and sequence_len"),
        ({"tokens": [["a"], ["a", "b"]], "sequence_len": [1, 2]}, "tokens", "rows must have the same length, padded"),
        ({"tokens": TOKENS, "sequence_len": [6]}, "tokens", "and 1 lengths for 2 rows"),
        ({"tokens": TOKENS, "sequence_len": [6, 7]}, "tokens", r"lengths must be from 0 to 6, not \[6, 7\]"),
    ],
)
def test_faults(module: hub.Module, inputs: Any, signature: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        module(inputs, signature=signature)


def test_an_address_of_tf_hub_is_explained() -> None:
    with pytest.raises(InputError, match="weights of TF-Hub cannot be read"):
        hub.Module("https://tfhub.dev/google/elmo/3", trainable=True)
