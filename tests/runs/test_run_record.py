"""What every run keeps for comparisons: what it got right by sentence, what it costs, on how much data it trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.options import BilmOptions
from elmo_tasks.elmo.weights.safetensors import write_safetensors
from elmo_tasks.embedders.cache.cached import CachedEmbedder
from elmo_tasks.metrics import Counts
from elmo_tasks.runs.experiment import load_experiment
from elmo_tasks.runs.outcomes import count_outcomes, read_outcomes
from elmo_tasks.runs.predict import predict_examples
from elmo_tasks.runs.store import Trained, load_trained
from elmo_tasks.task import load_task
from elmo_tasks.text.examples import TaggedSentence
from elmo_tasks.training.costs import reading_speed
from elmo_tasks.training.train import train


def small(corpus: Path, *settings: str, embedders: tuple[str, ...] = ("random",)) -> Any:
    given = {"data": str(corpus), "embedders": list(embedders)}
    return load_experiment([], given, ["model.hidden=4", "training.epochs=3", "training.batch_size=4", *settings])


def test_outcomes_add_up_to_the_headline(corpus: Path, tmp_path: Path) -> None:
    outcome = train(small(corpus, "training.learning_rate=0.02"), tmp_path / "run", tell=lambda line: None)
    counts = read_outcomes(outcome.folder).counts
    assert counts.shape == (6, 3)
    right, predicted, gold = counts.sum(axis=0)
    assert gold == 12 and right > 0
    assert 2 * right / (predicted + gold) == pytest.approx(outcome.metrics["test"]["f1"])


def test_predicates_of_a_sentence_count_together() -> None:
    tokens = ("a", "b")
    examples = [
        TaggedSentence(tokens, ("O", "O"), 0),
        TaggedSentence(tokens, ("O", "O"), 1),
        TaggedSentence(("c",), ("O",)),
    ]
    task = replace(load_task("ner"), count=lambda example, predicted: Counts(gold=4, predicted=2, correct=predicted))
    found = count_outcomes(task, examples, [1, 2, 0])
    assert found.counts.tolist() == [[3, 4, 8], [0, 2, 4]]
    assert count_outcomes(task, examples[2:], [0]).digest != found.digest
    assert count_outcomes(task, [], []).counts.shape == (0, 3)


def test_costs(corpus: Path, tmp_path: Path) -> None:
    vectors = tmp_path / "v.txt"
    vectors.write_text("lives 1 2 3\nin 3 2 1\n")
    experiment = small(corpus, "glove.trainable=true", embedders=(f"glove:{vectors}", "random"))
    metrics = train(experiment, tmp_path / "run", tell=lambda line: None).metrics
    assert metrics["frozen_parameters"] == 6 and metrics["frozen_bytes"] == 24
    trained = load_trained(tmp_path / "run")
    assert metrics["trained_parameters"] == sum(parameter.numel() for parameter in trained.model.parameters())
    assert metrics["model_bytes"] == (tmp_path / "run" / "model.safetensors").stat().st_size
    assert metrics["tokens_per_second"] > 0 and metrics["tokens_measured"] == 33
    assert 0 < metrics["training_seconds"] < metrics["seconds"]
    assert metrics["train_examples"] == 24 and metrics["train_fraction"] == 100


def test_the_biLM_is_frozen_and_its_speed_is_without_the_cache(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    bilm = BiLM(BilmOptions(char_dim=4, filters=((1, 4),), n_highway=1, cell_dim=8, projection_dim=4, n_layers=2))
    write_safetensors(bilm, tmp_path / "bilm.safetensors")
    experiment = small(corpus, embedders=(f"elmo:{tmp_path / 'bilm.safetensors'}",))
    outcome = train(experiment, tmp_path / "run", tell=lambda line: None)
    assert outcome.metrics["frozen_parameters"] == sum(parameter.numel() for parameter in bilm.parameters())
    trained = load_trained(outcome.folder, tmp_path / "cache" / "vectors")
    read: list[int] = []

    def apply(given: Trained, examples: Any) -> Any:
        read.append(len(examples))
        return predict_examples(given, examples)

    def forbidden(*_: object) -> None:
        raise AssertionError("the cache was asked")

    monkeypatch.setattr(CachedEmbedder, "embed", forbidden)
    examples = [TaggedSentence((f"w{n}", "in"), ("O", "O")) for n in range(2_500)]
    assert reading_speed(trained, examples, apply)["tokens_measured"] == 2 * 834
    assert read == [834]  # every third


def test_a_fraction_trains_on_less_and_still_knows_every_label(corpus: Path, tmp_path: Path) -> None:
    text = (corpus / "train.txt").read_text()
    rare = "Ada B-PER\nlikes O\nOpus B-MISC\n"
    (corpus / "train.txt").write_text(f"{text}\n{rare}")
    (corpus / "dev.txt").write_text(rare)
    metrics = train(small(corpus, "training.fraction=20"), tmp_path / "run", tell=lambda line: None).metrics
    assert metrics["train_examples"] == 5 and metrics["train_fraction"] == 20
    assert set(metrics["dev"]["per_type"]) >= {"MISC", "PER"}
