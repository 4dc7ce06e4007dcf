"""Scores over tags: spans as seqeval (strict) and as the conlleval script count them. No torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from elmo_tasks.text.spans import Span, repair

Tags = Sequence[str]


@dataclass(frozen=True)
class Counts:
    """How many spans are in the gold, how many were predicted, and how many of those are right."""

    gold: int
    predicted: int
    correct: int

    @property
    def precision(self) -> float:
        """correct / predicted; 0 without predictions."""
        return self.correct / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """correct / gold; 0 without gold."""
        return self.correct / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return 2 * self.correct / (self.gold + self.predicted) if self.gold + self.predicted else 0.0

    def as_dict(self) -> dict[str, float | int]:
        """For JSON."""
        return {"precision": self.precision, "recall": self.recall, "f1": self.f1, "support": self.gold}


@dataclass(frozen=True)
class SpanScores:
    """Micro-averaged span scores as fractions.

    `f1`, `precision`, `recall`, `per_type` and `report` are seqeval's in strict mode; `conlleval` holds the counts of
    the CoNLL-2000/2003 script, which reads an illegal I- as the start of a span. On legal output the two agree.
    """

    f1: float
    precision: float
    recall: float
    accuracy: float
    per_type: dict[str, Counts]
    conlleval: Counts
    report: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "f1": self.f1,
            "precision": self.precision,
            "recall": self.recall,
            "accuracy": self.accuracy,
            "per_type": {name: counts.as_dict() for name, counts in self.per_type.items()},
            "conlleval": self.conlleval.as_dict()
            | {"correct": self.conlleval.correct, "guessed": self.conlleval.predicted},
        }


def score_spans(gold: Sequence[Tags], predicted: Sequence[Tags]) -> SpanScores:
    """Score predicted BIO tags against gold ones, sentence by sentence.

    Raises:
        ValueError: the two differ in the number of sentences or in a sentence's length.
    """
    from seqeval.metrics import classification_report
    from seqeval.scheme import IOB2

    if len(gold) != len(predicted) or any(len(a) != len(b) for a, b in zip(gold, predicted, strict=True)):
        raise ValueError("gold and predicted tags differ in length")
    given, guessed = [list(tags) for tags in gold], [list(tags) for tags in predicted]
    tokens = sum(map(len, given))
    equal = sum(a == b for ours, theirs in zip(given, guessed, strict=True) for a, b in zip(ours, theirs, strict=True))
    accuracy = equal / tokens if tokens else 0.0
    found = conlleval_counts(gold, predicted)
    if not any(tag.startswith("B-") for tags in (*given, *guessed) for tag in tags):  # seqeval fails on no span
        return SpanScores(
            0.0, 0.0, 0.0, accuracy, type_counts(gold, predicted), found, "no span in gold or predicted tags\n"
        )
    options: dict[str, Any] = {"mode": "strict", "scheme": IOB2, "zero_division": 0}
    table = classification_report(given, guessed, output_dict=True, **options)
    overall = table["micro avg"]
    report = classification_report(given, guessed, digits=4, **options)
    per_type = type_counts(gold, predicted)
    return SpanScores(
        f1=float(overall["f1-score"]),
        precision=float(overall["precision"]),
        recall=float(overall["recall"]),
        accuracy=accuracy,
        per_type=per_type,
        conlleval=found,
        report=report,
    )


def conlleval_counts(gold: Sequence[Tags], predicted: Sequence[Tags]) -> Counts:
    """Spans of all types by the definition of `conlleval.pl`: start, end and type must agree."""
    return _total(type_counts(gold, predicted).values())


def type_counts(gold: Sequence[Tags], predicted: Sequence[Tags]) -> dict[str, Counts]:
    """Counts by span type, the types sorted."""
    there, guessed, right = Counter[str](), Counter[str](), Counter[str]()
    for ours, theirs in zip(gold, predicted, strict=True):
        spans: set[Span] = set(repair(ours, "BIO"))
        proposed = set(repair(theirs, "BIO"))
        there.update(span.label for span in spans)
        guessed.update(span.label for span in proposed)
        right.update(span.label for span in spans & proposed)
    return {name: Counts(there[name], guessed[name], right[name]) for name in sorted(there | guessed)}


def _total(counts: Any) -> Counts:
    parts = list(counts)
    return Counts(sum(c.gold for c in parts), sum(c.predicted for c in parts), sum(c.correct for c in parts))
