"""Estimators and a transformer for scikit-learn. Importing this package imports neither torch nor scikit-learn."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from elmo_tasks.integrations.sklearn.classifier import ElmoClassifier
    from elmo_tasks.integrations.sklearn.pair_classifier import ElmoPairClassifier
    from elmo_tasks.integrations.sklearn.tagger import ElmoTagger
    from elmo_tasks.integrations.sklearn.vectorizer import ElmoVectorizer

__all__ = ["ElmoClassifier", "ElmoPairClassifier", "ElmoTagger", "ElmoVectorizer"]

_HOMES = {
    "ElmoClassifier": "classifier",
    "ElmoPairClassifier": "pair_classifier",
    "ElmoTagger": "tagger",
    "ElmoVectorizer": "vectorizer",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
