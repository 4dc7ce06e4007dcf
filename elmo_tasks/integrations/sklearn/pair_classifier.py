"""Natural language inference, or any other classification of pairs of texts, as a scikit-learn estimator."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from elmo_tasks.integrations.sklearn.classifier import ElmoClassifier
from elmo_tasks.integrations.sklearn.token_lists import pair_lists
from elmo_tasks.text.examples import Example, SentencePair


class ElmoPairClassifier(ElmoClassifier):
    """The classifier of `elmo-tasks train nli`, with the methods of `ElmoClassifier`.

    `X` has a pair of texts or token lists per row: a list of tuples, or an array or frame with two columns. As on the
    command line, texts are split by the package's tokeniser unless `tokenizer="whitespace"`.

    Examples:
        >>> X = [("A dog runs.", "An animal runs."), ("A dog runs.", "No dog runs.")] * 10
        >>> settings = {"training.epochs": 8, "training.learning_rate": 0.02, "model.hidden": 8, "model.dropout": 0}
        >>> classifier = ElmoPairClassifier(embedders=["random"], settings=settings).fit(X, ["yes", "no"] * 10)
        >>> classifier.predict([("A dog runs.", "An animal runs.")]).tolist()
        ['yes']
        >>> classifier.predict_proba([("A dog runs.", "An animal runs.")]).shape
        (1, 2)

    `y` has one label per pair. The other arguments are those of `RunEstimator`.
    """

    task = "nli"
    usual_tokenizer = "raw"

    def __init__(
        self,
        *,
        embedders: Sequence[str] | None = None,
        settings: Mapping[str, Any] | None = None,
        validation_fraction: float = 0.1,
        random_state: int | np.random.RandomState | None = 1,
        tokenizer: str = "raw",
    ) -> None:
        super().__init__(
            embedders=embedders,
            settings=settings,
            validation_fraction=validation_fraction,
            random_state=random_state,
            tokenizer=tokenizer,
        )

    def _documents(self, X: Iterable[Any], name: str) -> Sequence[Any]:
        return pair_lists(X, name, self.tokenizer)

    def _labelled(self, document: Any, label: str, source: str) -> Example:
        premise, hypothesis = document
        return SentencePair(premise, hypothesis, label, source)
