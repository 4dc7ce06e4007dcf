"""Scores over one label an example, by scikit-learn. No torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from elmo_tasks.text.labels import sort_labels


@dataclass(frozen=True)
class ClassScores:
    """Accuracy and macro-averaged F1 as fractions.

    per_type: precision, recall, F1 and support of each label; macro F1 is the plain mean of these F1. confusion: (K, K)
    counts, a row a gold label and a column a predicted one, both in the order of `labels`. report: a text table.
    """

    accuracy: float
    macro_f1: float
    labels: tuple[str, ...]
    per_type: dict[str, dict[str, float | int]]
    confusion: tuple[tuple[int, ...], ...]
    report: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "accuracy": self.accuracy,
            "macro_f1": self.macro_f1,
            "per_type": self.per_type,
            "confusion": {"labels": list(self.labels), "counts": [list(row) for row in self.confusion]},
        }


def score_classes(gold: Sequence[str], predicted: Sequence[str]) -> ClassScores:
    """Score predicted labels against gold ones, over the labels that occur in either.

    Raises:
        ValueError: the two differ in length.
    """
    from sklearn.metrics import classification_report, precision_recall_fscore_support

    if len(gold) != len(predicted):
        raise ValueError(f"gold and predicted labels differ in length: {len(gold)} and {len(predicted)}")
    labels = sort_labels((*gold, *predicted))
    if not labels:
        return ClassScores(0.0, 0.0, (), {}, (), "no example\n")
    options: dict[str, Any] = {"labels": labels, "zero_division": 0}
    columns = precision_recall_fscore_support(gold, predicted, **options)
    pairs = Counter(zip(gold, predicted, strict=True))  # sklearn's matrix warns where all is of one label
    return ClassScores(
        accuracy=sum(pairs[label, label] for label in labels) / len(gold),
        macro_f1=float(columns[2].mean()),
        labels=labels,
        per_type={
            label: {"precision": float(p), "recall": float(r), "f1": float(f), "support": int(n)}
            for label, p, r, f, n in zip(labels, *columns, strict=True)
        },
        confusion=tuple(tuple(pairs[ours, theirs] for theirs in labels) for ours in labels),
        report=classification_report(gold, predicted, digits=4, **options),
    )
