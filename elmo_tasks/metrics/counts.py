"""Counts of gold, predicted and correct items, from which precision, recall and F1 are computed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


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


def sum_counts(counts: Iterable[Counts]) -> Counts:
    """The sum of all counts."""
    parts = list(counts)
    return Counts(sum(c.gold for c in parts), sum(c.predicted for c in parts), sum(c.correct for c in parts))
