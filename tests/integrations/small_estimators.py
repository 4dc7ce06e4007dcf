"""Shared by the tests of estimators: small data, and estimators that learn them in seconds."""

from __future__ import annotations

from typing import Any

from elmo_tasks.integrations.sklearn import ElmoClassifier, ElmoTagger

TEXTS = ["warm and clever", "dull and cold", "a warm film", "a cold film", "so clever", "so dull"] * 5
LABELS = [1, 0, 1, 0, 1, 0] * 5
CLASSIFIER = {"model.hidden": 8, "training.epochs": 6, "training.learning_rate": 0.02}

NAMES, CITIES = ("Ada", "Bo", "Cy", "Di", "Ed"), ("Rome", "Oslo", "Lima", "Bonn")
SENTENCES = [[name, "lives", "in", city, "."] for name in NAMES for city in CITIES]
TAGS = [["B-PER", "O", "O", "B-LOC", "O"]] * len(SENTENCES)
TAGGER = {"model.hidden": 12, "training.epochs": 10, "training.learning_rate": 0.02, "training.batch_size": 4}


def classifier(**changes: Any) -> ElmoClassifier:
    """One that learns TEXTS and LABELS."""
    return ElmoClassifier(embedders=["random"], settings=CLASSIFIER | changes)


def tagger(**changes: Any) -> ElmoTagger:
    """One that learns SENTENCES and TAGS."""
    return ElmoTagger(embedders=("random", "chars"), settings=TAGGER | changes)
