"""What recipes share that give each example one label. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from elmo_tasks.core.errors import InputError
from elmo_tasks.metrics.classification import ClassScores, score_classes
from elmo_tasks.metrics.counts import Counts
from elmo_tasks.text.described import likeliest
from elmo_tasks.text.labels import LabelSet


class Labelled(Protocol):
    """An example with one label."""

    @property
    def label(self) -> str:
        """The gold label."""

    @property
    def source(self) -> str:
        """Its `file:line`."""


Probabilities = dict[str, float]
"""The probability of each label; none for an example without tokens."""


def class_labels(train: Sequence[Labelled]) -> LabelSet:
    """The labels of the training data. Raises InputError if there is only one."""
    own = LabelSet.of_classes(example.label for example in train)
    if len(own) < 2:
        raise InputError(
            f"{train[0].source}: the training data has only one label, {own.names[0]!r}; at least two are needed"
        )
    return own


def encode_label(example: Labelled, known: LabelSet) -> int:
    """The gold label as a number."""
    return known.index(example.label, example.source)


def decode_label(output: Sequence[float], known: LabelSet) -> Probabilities:
    """The probability of each label, from the output of a classifier."""
    return dict(zip(known.names, output, strict=True)) if output else {}


def score_labels(examples: Sequence[Labelled], predicted: Sequence[Mapping[str, float]]) -> ClassScores:
    """Accuracy, macro F1, each label's scores and the confusion matrix."""
    return score_classes([example.label for example in examples], [str(likeliest(found)) for found in predicted])


def count_label(example: Labelled, predicted: Mapping[str, float]) -> Counts:
    """Count the label, right or wrong."""
    return Counts(gold=1, predicted=1, correct=int(example.label == likeliest(predicted)))
