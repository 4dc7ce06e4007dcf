"""Runs with random weights: small, quick to make, and with every kind of model and input that can be exported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from elmo_tasks.core.files import write_text
from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.options import BilmOptions
from elmo_tasks.elmo.weights.safetensors import write_safetensors
from elmo_tasks.embedders.registry import build_inputs
from elmo_tasks.runs.experiment import load_experiment, to_yaml
from elmo_tasks.runs.store import Trained, build_model, save_trained
from elmo_tasks.task import load_task
from elmo_tasks.text.labels import LabelSet

LABELS = {
    "ner": LabelSet.of_types({"PER", "LOC"}, "BIOES"),
    "sentiment": LabelSet(("bad", "fair", "good")),
    "tagging": LabelSet(("ADJ", "NOUN", "VERB")),
    "nli": LabelSet(("contradiction", "entailment", "neutral")),
    "srl": LabelSet.of_types({"V", "ARG0", "ARG1"}, "BIO"),
}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELMO_TASKS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def make_bilm(tmp_path: Path) -> Callable[..., Path]:
    """A biLM with random weights, as a file."""

    def make(std: float = 0.5, **options: Any) -> Path:
        shape: dict[str, Any] = {"char_dim": 4, "filters": ((1, 8), (3, 16), (5, 8)), "cell_dim": 24, "n_highway": 1}
        bilm = BiLM(BilmOptions(**shape | {"projection_dim": 8, "max_characters": 20} | options))
        with torch.no_grad():
            for parameter in bilm.parameters():
                parameter.normal_(std=std)
        path = tmp_path / "bilm" / "weights.safetensors"
        path.parent.mkdir(exist_ok=True)
        write_safetensors(bilm, path)
        return path

    return make


@pytest.fixture
def make_run(tmp_path: Path, make_bilm: Callable[..., Path]) -> Callable[..., Trained]:
    """A run with random weights, in memory and in the folder `tmp_path / "run"`."""

    def make(
        task: str = "ner",
        embedders: tuple[str, ...] = ("elmo", "chars"),
        bilm: dict[str, Any] | None = None,
        std: float = 0.7,
        **own: Any,
    ) -> Trained:
        torch.manual_seed(1)
        glove = tmp_path / "glove.txt"
        words = ("the", "The", "ada", "lived", "in", ".")
        glove.write_text("".join(f"{word} {n / 3} {-n} 0.5\n" for n, word in enumerate(words)), "utf-8")
        settings: dict[str, Any] = {
            "embedders": list(embedders),
            "elmo": {"weights": str(make_bilm(**(bilm or {}))), "precision": "exact"} | own.pop("elmo", {}),
            "glove": {"path": str(glove), "trainable": True},
            "model": {"hidden": 6, **({"precision": "32", "finder_hidden": 4} if task == "srl" else {})} | own,
        }
        experiment = load_experiment(overrides={"task": task, **settings})
        inputs = build_inputs(embedders, experiment.embedder_settings, train_words=["Ada", "in", "novel"])
        recipe = load_task(task)
        model = build_model(recipe, experiment, LABELS[task], inputs).eval()
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if not name.endswith("embedding.weight"):  # its row of padding is 0
                    parameter.normal_(std=std)
        trained = Trained(recipe, experiment, LABELS[task], tuple(inputs), model)
        (tmp_path / "run").mkdir(exist_ok=True)
        save_trained(tmp_path / "run", trained)
        write_text(tmp_path / "run" / "config.yaml", to_yaml(experiment))
        return trained

    return make
