"""Which device computes frozen vectors."""

from __future__ import annotations

import pytest
import torch

from elmo_tasks.embedders.elmo import BilmEmbedder, frozen_device
from elmo_tasks.embedders.inputs import FrozenInput
from elmo_tasks.embedders.registry import build_inputs


@pytest.mark.parametrize(
    ("found", "precision", "device"),
    [(False, "auto", "cpu"), (True, "auto", "cuda:0"), (True, "exact", "cuda:0"), (True, "int8", "cpu")],
)
def test_a_gpu_is_taken_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, found: bool, precision: str, device: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: found)
    assert frozen_device(precision) == torch.device(device)


def test_a_named_embedder_is_on_that_device() -> None:
    (made,) = build_inputs(["elmo"])
    assert isinstance(made, FrozenInput) and isinstance(made.embedder, BilmEmbedder)
    assert made.embedder.engine.device == frozen_device()
    assert made.embedder.embed([["Rain"]])[0].device.type == "cpu"
