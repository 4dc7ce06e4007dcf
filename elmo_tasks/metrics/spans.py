"""Span scores from tags, counted like seqeval (strict) and like the conlleval script. No torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from elmo_tasks.metrics.counts import Counts, sum_counts
from elmo_tasks.metrics.score_table import score_table
from elmo_tasks.text.spans import Span, repair

Tags = Sequence[str]


@dataclass(frozen=True)
class SpanScores:
    """Micro-averaged span scores as fractions.

    `f1`, `precision`, `recall`, `per_type` and `report` are those of seqeval in strict mode; `conlleval` has the counts
    of the CoNLL-2000/2003 script, which interprets an illegal I- as the start of a span. They agree on legal output.
    """

    f1: float
    precision: float
    recall: float
    accuracy: float
    per_type: dict[str, Counts]
    conlleval: Counts
    report: str

    def as_dict(self) -> dict[str, Any]:
        """The scores as JSON values."""
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
        ValueError: gold and predicted tags differ in the number of sentences or in the length of a sentence.
    """
    if len(gold) != len(predicted) or any(len(a) != len(b) for a, b in zip(gold, predicted, strict=True)):
        raise ValueError("gold and predicted tags differ in length")
    tokens = sum(map(len, gold))
    equal = sum(a == b for ours, theirs in zip(gold, predicted, strict=True) for a, b in zip(ours, theirs, strict=True))
    strict = _strict_counts(gold, predicted)
    total = sum_counts(strict.values())
    return SpanScores(
        f1=total.f1,
        precision=total.precision,
        recall=total.recall,
        accuracy=equal / tokens if tokens else 0.0,
        per_type=type_counts(gold, predicted),
        conlleval=conlleval_counts(gold, predicted),
        report=score_table(strict, "micro avg") if strict else "no span in gold or predicted tags\n",
    )


def _strict_counts(gold: Sequence[Tags], predicted: Sequence[Tags]) -> dict[str, Counts]:
    """Counts by span type, for the spans that seqeval reads from legal BIO tags.

    seqeval itself is not used, because it imports scikit-learn and pandas, which takes a second and a half.
    """
    from seqeval.scheme import IOB2, Entities

    there, guessed = (
        {span for spans in Entities([list(tags) for tags in part], IOB2).entities for span in spans}
        for part in (gold, predicted)
    )
    names = sorted({span.tag for span in there | guessed})
    parts = [Counter(span.tag for span in part) for part in (there, guessed, there & guessed)]
    return {name: Counts(*(part[name] for part in parts)) for name in names}


def conlleval_counts(gold: Sequence[Tags], predicted: Sequence[Tags]) -> Counts:
    """Count spans of all types by the definition of `conlleval.pl`: start, end and type must agree."""
    return sum_counts(type_counts(gold, predicted).values())


def type_counts(gold: Sequence[Tags], predicted: Sequence[Tags]) -> dict[str, Counts]:
    """Counts by span type, sorted by type."""
    there, guessed, right = Counter[str](), Counter[str](), Counter[str]()
    for ours, theirs in zip(gold, predicted, strict=True):
        spans: set[Span] = set(repair(ours, "BIO"))
        proposed = set(repair(theirs, "BIO"))
        there.update(span.label for span in spans)
        guessed.update(span.label for span in proposed)
        right.update(span.label for span in spans & proposed)
    return {name: Counts(there[name], guessed[name], right[name]) for name in sorted(there | guessed)}
