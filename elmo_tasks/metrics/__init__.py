"""Layer 1: scores. No torch."""

from elmo_tasks.metrics.classification import ClassScores, score_classes
from elmo_tasks.metrics.counts import Counts
from elmo_tasks.metrics.spans import SpanScores, conlleval_counts, score_spans, type_counts
from elmo_tasks.metrics.srl import RoleScores, count_arguments, score_roles

__all__ = [
    "ClassScores",
    "Counts",
    "RoleScores",
    "SpanScores",
    "conlleval_counts",
    "count_arguments",
    "score_classes",
    "score_roles",
    "score_spans",
    "type_counts",
]
