"""Perplexity where the model is."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

from elmo_tasks.training.perplexity import LanguageModel, surprisals


class OtherDevice:
    """Stands for a biLM that is on another device than the CPU: torch refuses to mix the two in a product."""

    options = SimpleNamespace(max_characters=50)

    def __call__(self, ids: Tensor, keep_sentence_boundaries: bool) -> Any:
        assert ids.device.type == "meta"
        return SimpleNamespace(layers=torch.empty(ids.shape[0], 3, ids.shape[1] + 2, 12, device=ids.device))


def test_a_model_on_another_device_is_given_its_words_there() -> None:
    with FakeTensorMode(allow_non_fake_inputs=True):
        weight, bias = torch.empty(5, 6, device="meta"), torch.empty(5, device="meta")
        vocabulary = {"<S>": 0, "</S>": 1, "<UNK>": 2, "a": 3, "b": 4}
        model = LanguageModel(OtherDevice(), weight, bias, vocabulary)  # type: ignore[arg-type]
        found = list(surprisals(model, [["a", "b"], ["a"]]))
    assert [(losses.device.type, tuple(losses.shape)) for losses in found] == [("cpu", (2, 3)), ("cpu", (2, 2))]
