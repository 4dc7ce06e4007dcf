"""Counts of gold, predicted and correct items, from which precision, recall and F1 are computed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class Counts:
    """The numbers of spans or labels in the gold data, of predicted ones, and of correct ones."""

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
        """The counts and scores as JSON values."""
        return {"precision": self.precision, "recall": self.recall, "f1": self.f1, "support": self.gold}


class Ratio(NamedTuple):
    """A precision and a recall as fractions, each with its own numerator, to be summed over documents."""

    right_predicted: float = 0.0
    predicted: float = 0.0
    right_gold: float = 0.0
    gold: float = 0.0

    def plus(self, other: Ratio) -> Ratio:
        """The sum of both."""
        return Ratio(*(ours + theirs for ours, theirs in zip(self, other, strict=True)))

    @property
    def precision(self) -> float:
        """0 without predictions."""
        return self.right_predicted / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """0 without gold."""
        return self.right_gold / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0

    def as_dict(self) -> dict[str, float]:
        """Precision, recall and F1."""
        return {"precision": self.precision, "recall": self.recall, "f1": self.f1}


def sum_counts(counts: Iterable[Counts]) -> Counts:
    """The sum of all counts."""
    parts = list(counts)
    return Counts(sum(c.gold for c in parts), sum(c.predicted for c in parts), sum(c.correct for c in parts))
