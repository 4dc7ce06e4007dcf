"""Named entity recognition as an estimator of scikit-learn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from sklearn.utils.validation import check_is_fitted

from elmo_tasks.core.errors import InputError
from elmo_tasks.integrations.sklearn.run_estimator import RunEstimator
from elmo_tasks.integrations.sklearn.token_lists import token_lists
from elmo_tasks.text.examples import Example, TaggedSentence
from elmo_tasks.text.spans import convert, detect_scheme


class ElmoTagger(RunEstimator):
    """The BiLSTM-CRF of `elmo-tasks train ner` with `fit`, `predict` and `score`.

    Examples:
        >>> X = [[name, "lives", "in", city] for name in ("Ada", "Bo", "Cy") for city in ("Rome", "Oslo")] * 3
        >>> y = [["B-PER", "O", "O", "B-LOC"]] * len(X)
        >>> tagger = ElmoTagger(embedders=["random", "chars"], settings={"model.hidden": 12, "training.epochs": 8,
        ...                                                              "training.learning_rate": 0.02})
        >>> tagger.fit(X, y).predict(["Bo lives in Rome"])
        [['B-PER', 'O', 'O', 'B-LOC']]

    `y` has one list of tags per sentence, in IOB1, BIO or BIOES; `predict` returns BIO. The arguments are
    `RunEstimator`'s.
    """

    task = "ner"

    def predict(self, X: Iterable[Any]) -> list[list[str]]:
        """BIO tags of each sentence. X: texts, which are split at white space, or lists of tokens."""
        check_is_fitted(self, "run_")
        return [list(cast("Sequence[str]", tags)) for tags in self._predictions(token_lists(X))]

    def _examples(self, sentences: Sequence[tuple[str, ...]], y: Sequence[Any], name: str) -> list[Example]:
        golds = [tuple(tags) for tags in y]
        for number, (sentence, tags) in enumerate(zip(sentences, golds, strict=True)):
            if len(sentence) != len(tags):
                raise InputError(
                    f"{name}[{number}]: expected a tag for each of {len(sentence)} tokens, got {len(tags)}"
                )
        scheme = detect_scheme(golds)
        return [
            TaggedSentence(sentence, convert(tags, scheme, "BIO", f"{name}[{number}]"), source=f"{name}[{number}]")
            for number, (sentence, tags) in enumerate(zip(sentences, golds, strict=True))
        ]

    def _without_gold(self, sentence: tuple[str, ...]) -> Example:
        return TaggedSentence(sentence, ("O",) * len(sentence))

    def _strata(self, y: Sequence[Any]) -> None:
        return None
