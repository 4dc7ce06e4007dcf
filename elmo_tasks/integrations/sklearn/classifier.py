"""Sentiment, or any other text classification, as a scikit-learn estimator."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from elmo_tasks.core.errors import InputError, quoted
from elmo_tasks.integrations.sklearn.run_estimator import RunEstimator
from elmo_tasks.text.examples import Example, LabelledSentence

C = TypeVar("C", bound="ElmoClassifier")

CLASSES = "classes.json"
"""The file in a run with the labels of `y` in their original type: numbers, bytes and so on."""


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

    `y` has one label per document: strings, bytes, numbers or booleans. The arguments are those of `RunEstimator`.
    """

    task = "sentiment"

    def fit(
        self: C,
        X: Iterable[Any],
        y: Iterable[Any],
        X_dev: Iterable[Any] | None = None,
        y_dev: Iterable[Any] | None = None,
        *,
        verbose: bool = False,
    ) -> C:
        """Train, see `RunEstimator.fit`."""
        if y is not None:
            y = list(y)
        super().fit(X, y, X_dev, y_dev, verbose=verbose)
        classes = np.unique(np.asarray(y))
        names = [_name(label, "y") for label in classes]
        values = names if classes.dtype.kind == "S" else classes.tolist()
        self.run_[CLASSES] = json.dumps({"dtype": classes.dtype.str, "names": names, "values": values}).encode()
        return self

    @property
    def classes_(self) -> NDArray[Any]:
        """The labels (K,) in the order of the columns of `predict_proba`; strings if the command line made the run."""
        return self._classes()[1]

    def predict(self, X: Iterable[Any]) -> NDArray[Any]:
        """The most probable label of each document, (N,). Raises InputError for a document without tokens."""
        probabilities = self.predict_proba(X)
        found: NDArray[Any] = self.classes_[probabilities.argmax(axis=1)]
        return found

    def predict_proba(self, X: Iterable[Any]) -> NDArray[np.float64]:
        """The probability of each label, (N, K). Raises InputError for a document without tokens."""
        names, _ = self._classes()
        found = cast("list[dict[str, float]]", self._predictions(self._documents(X, "X")))
        return np.array([[each[name] for name in names] for each in found]).reshape(-1, len(names))  # (N, K)

    def _classes(self) -> tuple[list[str], NDArray[Any]]:
        """The names of the labels in the run, and the labels themselves."""
        check_is_fitted(self, "run_")
        if CLASSES not in self.run_:
            names = list(self._trained().labels.names)
            return names, np.array(names)
        stored = json.loads(self.run_[CLASSES])
        if isinstance(stored, list):  # a run fitted by an earlier version
            return [str(label) for label in stored], np.array(stored)
        values = [value.encode() for value in stored["values"]] if "S" in stored["dtype"] else stored["values"]
        return stored["names"], np.array(values, dtype=stored["dtype"])

    def _examples(self, documents: Sequence[Any], y: Sequence[Any], name: str) -> list[Example]:
        if len({isinstance(label, (str, bytes)) for label in y}) > 1:
            raise InputError(f"{name}: texts and numbers are mixed; give labels of one kind")
        return [
            self._labelled(document, _name(label, f"{name}[{number}]"), f"{name}[{number}]")
            for number, (document, label) in enumerate(zip(documents, y, strict=True))
        ]

    def _without_gold(self, document: Any) -> Example:
        return self._labelled(document, "", "")

    def _labelled(self, document: Any, label: str, source: str) -> Example:
        """An example with this label."""
        return LabelledSentence(document, label, source)

    def _strata(self, y: Sequence[Any]) -> Sequence[str]:
        return [_name(label, "y") for label in y]


def _name(label: Any, where: str) -> str:
    """The name of a label in a run. Raises InputError for anything but a string, number or boolean, and for NaN."""
    try:
        if isinstance(label, bytes):
            return label.decode()
        if isinstance(label, (str, bool, int, float, np.bool_, np.integer, np.floating)) and label == label:
            return str(label)
    except UnicodeDecodeError:
        pass
    raise InputError(f"{where}: the label must be text or a number, not {quoted(label)}")
