"""How many there are, how many were predicted, how many are right; precision, recall and F1 follow from these."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Counts:
    """How many spans or labels are in the gold data, how many were predicted, and how many of those are right."""

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


def sum_counts(counts: Iterable[Counts]) -> Counts:
    """All of them together."""
    parts = list(counts)
    return Counts(sum(c.gold for c in parts), sum(c.predicted for c in parts), sum(c.correct for c in parts))
