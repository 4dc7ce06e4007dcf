"""Layer 1: scores. No torch."""

from elmo_tasks.metrics.classification import ClassScores, score_classes
from elmo_tasks.metrics.coreference import ClusterScores, ratios, score_clusters
from elmo_tasks.metrics.counts import Counts, Ratio
from elmo_tasks.metrics.spans import SpanScores, conlleval_counts, score_spans, type_counts
from elmo_tasks.metrics.srl import RoleScores, count_arguments, score_roles

__all__ = [
    "ClassScores",
    "ClusterScores",
    "Counts",
    "Ratio",
    "RoleScores",
    "SpanScores",
    "conlleval_counts",
    "count_arguments",
    "ratios",
    "score_classes",
    "score_clusters",
    "score_roles",
    "score_spans",
    "type_counts",
]
