from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.engine import loops, runner
from elmo_tasks.elmo.options import BilmOptions

TINY = BilmOptions(
    char_dim=3,
    filters=((1, 4), (2, 5), (3, 6)),
    n_highway=2,
    cell_dim=12,
    projection_dim=6,
    n_layers=2,
)


@pytest.fixture(autouse=True)
def compiled_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that kernels compute, and a single sentence is computed by its own, whichever test comes first."""
    monkeypatch.setattr(loops, "_tokens_left", 0)
    monkeypatch.setattr(runner, "WORTH_COMPILING", 0)


@pytest.fixture
def tiny_options() -> BilmOptions:
    return TINY


@pytest.fixture
def random_bilm() -> Callable[..., BiLM]:
    """Build a biLM with weights large enough that clips, gates and highways all do something."""

    def build(options: BilmOptions = TINY, seed: int = 0) -> BiLM:
        generator = torch.Generator().manual_seed(seed)
        bilm = BiLM(options)
        for parameter in bilm.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator) * 0.7
        bilm.token_encoder.embedding.weight.data[0] = 0
        return bilm.requires_grad_(False).eval()

    return build


@pytest.fixture
def pair(random_bilm: Callable[..., BiLM], tmp_path: Path) -> tuple[Path, Path]:
    """options.json and weights.hdf5 of a tiny random biLM, in a separate folder."""
    from elmo_tasks.elmo.weights.hdf5 import write_hdf5

    options, weights = tmp_path / "pair" / "tiny_options.json", tmp_path / "pair" / "tiny_weights.hdf5"
    write_hdf5(random_bilm(), options, weights)
    return options, weights
