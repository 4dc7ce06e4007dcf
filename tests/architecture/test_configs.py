"""Every configuration resolves with the real loader, says how it is launched, and builds its model.

Models are built on the meta device, which has shapes and no values: a width that does not fit shows at once, and no
weights need to be there.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from elmo_tasks.embedders.registry import build_inputs
from elmo_tasks.embedders.words.vectors import WordVectors
from elmo_tasks.runs.experiment import load_experiment
from elmo_tasks.runs.store import build_model
from elmo_tasks.task import load_task
from elmo_tasks.text.labels import LabelSet

ROOT = Path(__file__).resolve().parents[2]
PRETRAINING = ROOT / "configs" / "pretrain"
CONFIGS = [path for path in sorted((ROOT / "configs").rglob("*.yaml")) if PRETRAINING not in path.parents]


class ShapesOfElmo:
    """A biLM of the official sizes without its weights."""

    n_layers, width, fingerprint = 3, 1024, "shapes"

    def __init__(self, weights: str, name: str, precision: str, device: torch.device) -> None:
        self.name = name


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: str(path.relative_to(ROOT)))
def test_builds(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elmo_tasks.embedders.elmo.BilmEmbedder", ShapesOfElmo)
    monkeypatch.setattr(
        "elmo_tasks.embedders.words.load.load_word_vectors",
        lambda _: WordVectors(["a", "b"], torch.empty(2, 50, device="meta"), "nowhere"),
    )
    experiment = load_experiment([path])
    task = load_task(experiment.task)
    labels = LabelSet(("O", "B-V", "I-V", "B-X", "I-X", "E-X", "S-X"))
    with torch.device("meta"):
        inputs = build_inputs(experiment.embedders, experiment.embedder_settings, train_words=["a"])
        model = build_model(task, experiment, labels, inputs)
    assert any(parameter.requires_grad for parameter in model.parameters())
    assert {parameter.device.type for parameter in model.parameters()} == {"meta"}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: str(path.relative_to(ROOT)))
def test_says_how_it_is_launched(path: Path) -> None:
    assert "elmo-tasks train" in path.read_text(encoding="utf-8")


def test_there_are_configurations() -> None:
    assert CONFIGS
