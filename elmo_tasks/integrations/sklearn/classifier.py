"""Sentiment, or any labelling of texts, as an estimator of scikit-learn."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin

from elmo_tasks.integrations.sklearn.run_estimator import RunEstimator
from elmo_tasks.integrations.sklearn.token_lists import full_token_lists
from elmo_tasks.text.examples import Example, LabelledSentence

C = TypeVar("C", bound="ElmoClassifier")

CLASSES = "classes.json"
"""The run's file that keeps what `y` held: numbers stay numbers."""


class ElmoClassifier(ClassifierMixin, RunEstimator):  # type: ignore[misc]
    """The classifier of `elmo-tasks train sentiment` with `fit`, `predict`, `predict_proba` and `score` (accuracy).

    Examples:
        >>> X, y = ["warm and clever", "dull and cold", "a warm film", "a cold film"] * 10, [1, 0, 1, 0] * 10
        >>> settings = {"training.epochs": 5, "training.learning_rate": 0.02}
        >>> classifier = ElmoClassifier(embedders=["random"], settings=settings).fit(X, y)
        >>> classifier.predict(["warm", "cold"]).tolist()
        [1, 0]
        >>> classifier.predict_proba(["warm"]).shape
        (1, 2)

    `y` has a text or a number a document. The arguments are `RunEstimator`'s.
    """

    task = "sentiment"

    def fit(
        self: C,
        X: Iterable[Any],
        y: Iterable[Any],
        X_dev: Iterable[Any] | None = None,
        y_dev: Iterable[Any] | None = None,
    ) -> C:
        """Train, see `RunEstimator.fit`."""
        super().fit(X, y := list(y), X_dev, y_dev)
        self.run_[CLASSES] = json.dumps(np.unique(y).tolist()).encode()
        return self

    @property
    def classes_(self) -> NDArray[Any]:
        """(K,) the labels, in the order of `predict_proba`'s columns; texts if the run was made by the command line."""
        stored = self.run_.get(CLASSES)
        return np.array(json.loads(stored) if stored else self._trained().labels.names)

    def predict(self, X: Iterable[Any]) -> NDArray[Any]:
        """(N,) the likeliest label of each document. Raises InputError for one without tokens."""
        found: NDArray[Any] = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return found

    def predict_proba(self, X: Iterable[Any]) -> NDArray[np.float64]:
        """(N, K) the probability of each label. Raises InputError for a document without tokens."""
        classes = self.classes_
        found = cast("list[dict[str, float]]", self._predictions(full_token_lists(X, "X")))
        return np.array([[each[str(label)] for label in classes] for each in found]).reshape(-1, len(classes))  # (N, K)

    def _examples(self, sentences: Sequence[tuple[str, ...]], y: Sequence[Any], name: str) -> list[Example]:
        return [
            LabelledSentence(sentence, str(label), f"{name}[{number}]")
            for number, (sentence, label) in enumerate(zip(sentences, y, strict=True))
        ]

    def _without_gold(self, sentence: tuple[str, ...]) -> Example:
        return LabelledSentence(sentence, "")

    def _strata(self, y: Sequence[Any]) -> Sequence[Any]:
        return y
