"""Scores over one label per example. No torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from elmo_tasks.metrics.counts import Counts, sum_counts
from elmo_tasks.metrics.score_table import score_table
from elmo_tasks.text.labels import sort_labels


@dataclass(frozen=True)
class ClassScores:
    """Accuracy and macro-averaged F1 as fractions.

    per_type: precision, recall, F1 and support of each label; macro F1 is the unweighted mean of the F1 scores.
    confusion: (K, K) counts, one row per gold label and one column per predicted label, in the order of `labels`.
    report: a text table.
    """

    accuracy: float
    macro_f1: float
    labels: tuple[str, ...]
    per_type: dict[str, dict[str, float | int]]
    confusion: tuple[tuple[int, ...], ...]
    report: str

    def as_dict(self) -> dict[str, Any]:
        """The scores as JSON values."""
        return {
            "accuracy": self.accuracy,
            "macro_f1": self.macro_f1,
            "per_type": self.per_type,
            "confusion": {"labels": list(self.labels), "counts": [list(row) for row in self.confusion]},
        }


def score_classes(gold: Sequence[str], predicted: Sequence[str]) -> ClassScores:
    """Score predicted labels against gold ones, over the labels that occur in either.

    Raises:
        ValueError: the numbers of gold and predicted labels differ.
    """
    if len(gold) != len(predicted):
        raise ValueError(f"gold and predicted labels differ in length: {len(gold)} and {len(predicted)}")
    labels = sort_labels((*gold, *predicted))
    if not labels:
        return ClassScores(0.0, 0.0, (), {}, (), "no example\n")
    pairs = Counter(zip(gold, predicted, strict=True))
    there, guessed = Counter(gold), Counter(predicted)
    counts = {label: Counts(there[label], guessed[label], pairs[label, label]) for label in labels}
    return ClassScores(
        accuracy=sum_counts(counts.values()).recall,
        macro_f1=sum(c.f1 for c in counts.values()) / len(counts),
        labels=labels,
        per_type={label: c.as_dict() for label, c in counts.items()},
        confusion=tuple(tuple(pairs[ours, theirs] for theirs in labels) for ours in labels),
        report=score_table(counts, "accuracy"),
    )
