"""Shared by the tests of estimators: small data, and estimators that learn them in seconds."""

from __future__ import annotations

from typing import Any

from elmo_tasks.integrations.sklearn import ElmoClassifier, ElmoPairClassifier, ElmoTagger

TEXTS = ["warm and clever", "dull and cold", "a warm film", "a cold film", "so clever", "so dull"] * 5
LABELS = [1, 0, 1, 0, 1, 0] * 5
CLASSIFIER = {"model.hidden": 8, "training.epochs": 6, "training.learning_rate": 0.02}

PAIRS = [(f"A {who} runs.", f"{some} {who} runs.") for who in ("dog", "cat", "man", "boy") for some in ("A", "No")] * 3
RELATIONS = ["yes", "no"] * 12
PAIR_CLASSIFIER = {
    "model.hidden": 8,
    "model.dropout": 0.0,
    "training.epochs": 8,
    "training.learning_rate": 0.02,
    "training.batch_size": 8,
}

NAMES, CITIES = ("Ada", "Bo", "Cy", "Di", "Ed"), ("Rome", "Oslo", "Lima", "Bonn")
SENTENCES = [[name, "lives", "in", city, "."] for name in NAMES for city in CITIES]
TAGS = [["B-PER", "O", "O", "B-LOC", "O"]] * len(SENTENCES)
TAGGER = {"model.hidden": 12, "training.epochs": 10, "training.learning_rate": 0.02, "training.batch_size": 4}


def classifier(**changes: Any) -> ElmoClassifier:
    """One that learns TEXTS and LABELS."""
    return ElmoClassifier(embedders=["random"], settings=CLASSIFIER | changes)


def pair_classifier(**changes: Any) -> ElmoPairClassifier:
    """One that learns PAIRS and RELATIONS."""
    return ElmoPairClassifier(embedders=["random"], settings=PAIR_CLASSIFIER | changes)


def tagger(**changes: Any) -> ElmoTagger:
    """One that learns SENTENCES and TAGS."""
    return ElmoTagger(embedders=("random", "chars"), settings=TAGGER | changes)
