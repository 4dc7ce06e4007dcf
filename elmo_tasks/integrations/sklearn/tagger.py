"""Named entity recognition as a scikit-learn estimator."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import numpy as np
from sklearn.utils.validation import check_is_fitted

from elmo_tasks.core.errors import InputError
from elmo_tasks.data.object_rows import class_names, plain
from elmo_tasks.data.objects import name_tags, sequence_of
from elmo_tasks.integrations.sklearn.run_estimator import RunEstimator
from elmo_tasks.integrations.sklearn.token_lists import token_lists
from elmo_tasks.runs.predict import predict_marginals
from elmo_tasks.text.examples import Example, TaggedSentence, untagged
from elmo_tasks.text.spans import convert, detect_scheme

_TO_BIO = {"S": "B", "E": "I"}


class ElmoTagger(RunEstimator):
    """The BiLSTM-CRF of `elmo-tasks train ner` with `fit`, `predict`, `predict_marginals` and `score`.

    Examples:
        >>> X = [[name, "lives", "in", city] for name in ("Ada", "Bo", "Cy") for city in ("Rome", "Oslo")] * 3
        >>> y = [["B-PER", "O", "O", "B-LOC"]] * len(X)
        >>> tagger = ElmoTagger(embedders=["random", "chars"], settings={"model.hidden": 12, "training.epochs": 8,
        ...                                                              "training.learning_rate": 0.02})
        >>> tagger.fit(X, y).predict(["Bo lives in Rome"])
        [['B-PER', 'O', 'O', 'B-LOC']]

    `y` has one list of tags per sentence, in IOB1, BIO or BIOES; `predict` returns BIO. The other arguments are those
    of `RunEstimator`.

    Args:
        tag_names: the tags that integers in `y` stand for, such as `["O", "B-PER", "I-PER"]`. Not needed for a column
            of a Hugging Face data set, which has them. `predict` returns names, not numbers.
    """

    task = "ner"

    def __init__(
        self,
        *,
        embedders: Sequence[str] | None = None,
        settings: Mapping[str, Any] | None = None,
        validation_fraction: float = 0.1,
        random_state: int | np.random.RandomState | None = 1,
        tokenizer: str = "whitespace",
        tag_names: Sequence[str] | None = None,
    ) -> None:
        super().__init__(
            embedders=embedders,
            settings=settings,
            validation_fraction=validation_fraction,
            random_state=random_state,
            tokenizer=tokenizer,
        )
        self.tag_names = tag_names

    def predict(self, X: Iterable[Any]) -> list[list[str]]:
        """BIO tags of each sentence. X: texts, which `tokenizer` splits, or lists of tokens."""
        check_is_fitted(self, "run_")
        found = self._predictions(token_lists(X, tokenizer=self.tokenizer))
        return [list(cast("Sequence[str]", tags)) for tags in found]

    def predict_marginals(self, X: Iterable[Any]) -> list[list[dict[str, float]]]:
        """For each token of each sentence, the probability of each BIO tag under the CRF; they sum to 1.

        Name and format are those of sklearn-crfsuite.
        """
        trained = self._trained()
        examples = [untagged(tokens) for tokens in token_lists(X, tokenizer=self.tokenizer)]
        names = [_TO_BIO.get(name[0], name[0]) + name[1:] for name in trained.labels.names]
        found = []
        for sentence in predict_marginals(trained, examples):
            tokens = []
            for shares in sentence:
                summed: dict[str, float] = defaultdict(float)
                for name, share in zip(names, shares, strict=True):
                    summed[name] += share
                tokens.append(dict(summed))
            found.append(tokens)
        return found

    def _gold(self, y: Iterable[Any], name: str) -> list[Any]:
        """The tags of each sentence as strings."""
        names = self.tag_names if self.tag_names is not None else class_names(getattr(y, "features", None))
        found = []
        for number, tags in enumerate(y):
            source = f"{name}[{number}]"
            own = [plain(tag) for tag in sequence_of(tags, "tags", source)]
            if names is None and own and isinstance(own[0], int):
                raise InputError(
                    f"{source}: the tags are numbers without names (the first is {own[0]}); name them with "
                    "ElmoTagger(tag_names=['O', 'B-PER', ...])"
                )
            found.append(name_tags(own, names, source))
        return found

    def _examples(self, sentences: Sequence[tuple[str, ...]], y: Sequence[Any], name: str) -> list[Example]:
        for number, (sentence, tags) in enumerate(zip(sentences, y, strict=True)):
            if len(sentence) != len(tags):
                raise InputError(
                    f"{name}[{number}]: there are {len(tags)} tags for {len(sentence)} tokens; give one tag per token"
                )
        scheme = detect_scheme(y)
        return [
            TaggedSentence(sentence, convert(tags, scheme, "BIO", f"{name}[{number}]"), source=f"{name}[{number}]")
            for number, (sentence, tags) in enumerate(zip(sentences, y, strict=True))
        ]

    def _without_gold(self, sentence: tuple[str, ...]) -> Example:
        return untagged(sentence)

    def _strata(self, y: Sequence[Any]) -> None:
        return None
