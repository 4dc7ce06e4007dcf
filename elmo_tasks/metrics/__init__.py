"""Layer 1: scores. No torch."""

from elmo_tasks.metrics.classification import ClassScores, score_classes
from elmo_tasks.metrics.spans import Counts, SpanScores, conlleval_counts, score_spans, type_counts

__all__ = [
    "ClassScores",
    "Counts",
    "SpanScores",
    "conlleval_counts",
    "score_classes",
    "score_spans",
    "type_counts",
]
