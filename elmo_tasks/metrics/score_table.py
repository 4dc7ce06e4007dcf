"""A table of scores by label, in the format of `classification_report` in scikit-learn and seqeval."""

from __future__ import annotations

from collections.abc import Mapping

from elmo_tasks.metrics.counts import Counts, sum_counts

_DIGITS = 4
_HEADS = ("precision", "recall", "f1-score", "support")


def score_table(counts: Mapping[str, Counts], overall: str) -> str:
    """One row per label, then the averages.

    Args:
        counts: the counts of each label, in the order of the rows; at least one.
        overall: name of the micro average: `micro avg`, or `accuracy` if each example has one label.
    """
    width = max(len("weighted avg"), *map(len, counts))
    total, support = sum_counts(counts.values()), [c.gold for c in counts.values()]
    lines = [f"{'':>{width}} " + "".join(f" {head:>9}" for head in _HEADS), ""]
    lines += [_row(name, width, c.precision, c.recall, c.f1, c.gold) for name, c in counts.items()]
    if overall == "accuracy":
        lines += ["", f"{overall:>{width}} " + f" {'':>9}" * 2 + f" {total.recall:>9.{_DIGITS}f} {total.gold:>9}"]
    else:
        lines += ["", _row(overall, width, total.precision, total.recall, total.f1, total.gold)]
    for name, weights in (("macro avg", [1] * len(counts)), ("weighted avg", support)):
        scores = [
            sum(weight * score for weight, score in zip(weights, column, strict=True)) / (sum(weights) or 1)
            for column in zip(*((c.precision, c.recall, c.f1) for c in counts.values()), strict=True)
        ]
        lines.append(_row(name, width, scores[0], scores[1], scores[2], total.gold))
    return "\n".join(lines) + "\n"


def _row(name: str, width: int, precision: float, recall: float, f1: float, support: int) -> str:
    return f"{name:>{width}} " + "".join(f" {x:>9.{_DIGITS}f}" for x in (precision, recall, f1)) + f" {support:>9}"
