"""Is one system better than another on this test split? Paired tests over sentences, for both F1 and accuracy.

Both tests only need the correct, predicted and gold items of each sentence (`Task.count`), because the score of a split
is 2 correct / (predicted + gold), summed over its sentences. If the score is a mean of F1 scores, they need the parts
of each precision and recall (`Task.ratios`).

Seeds: a system consists of its runs with several seeds, and its score is their mean. A sentence is swapped or left out
for all seeds at once, so that its results with several seeds, which are far from independent, count as one observation.
The tests ask whether the difference would also occur on other sentences; the standard deviation over seeds shows
whether it would occur with other seeds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

Counts: TypeAlias = np.ndarray[Any, Any]
"""(S, N, 3): correct, predicted and gold items of each sentence for each seed; or (S, N, 4 R): R ratios."""

_CHUNK = 500  # replicates at a time: 500 x 3,500 sentences are 14 MB


@dataclass(frozen=True)
class Comparison:
    """difference: difference of the scores, as a fraction; p: two-sided; low, high: its 95 % confidence interval."""

    difference: float
    p: float
    low: float
    high: float


def score(counts: Counts) -> float:
    """The mean over seeds of F1 (accuracy if predicted and gold are 1 per sentence), or of the mean of R F1 scores."""
    return float(_mean_score(counts.sum(axis=1)))


def compare(ours: Counts, theirs: Counts, *, replicates: int = 10_000, seed: int = 1) -> Comparison:
    """Run both tests on counts of the same N sentences and the same number of seeds.

    Raises:
        ValueError: the shapes differ.
    """
    if ours.ndim != 3 or ours.shape != theirs.shape or (ours.shape[2] != 3 and ours.shape[2] % 4):
        raise ValueError(
            f"the counts must both be (S, N, 3) or (S, N, 4 R) for the same sentences, not {ours.shape} and "
            f"{theirs.shape}"
        )
    difference = score(ours) - score(theirs)
    p = randomisation(ours, theirs, replicates=replicates, seed=seed)
    low, high = bootstrap(ours, theirs, replicates=max(100, replicates // 5), seed=seed)
    return Comparison(difference, p, low, high)


def randomisation(ours: Counts, theirs: Counts, *, replicates: int = 10_000, seed: int = 1) -> float:
    """Approximate randomisation (Noreen 1989; Yeh 2000): two-sided p-value of the difference of the two scores.

    Under the null hypothesis the two systems are exchangeable on each sentence. A replicate swaps their outputs on
    every sentence with probability 1/2; p = (1 + replicates with a difference at least as large) / (1 + replicates).
    """
    seeds, _, columns = ours.shape
    observed = abs(score(ours) - score(theirs))
    step = (theirs - ours).transpose(1, 0, 2).reshape(ours.shape[1], -1).astype(np.float64)  # (N, S * 3)
    start, other = ours.sum(axis=1), theirs.sum(axis=1)  # (S, 3)
    draw = np.random.default_rng(seed)
    extreme = 0
    for size in _chunks(replicates):
        swapped = draw.integers(0, 2, (size, len(step)), dtype=np.int8).astype(np.float64)  # (R, N)
        moved = (swapped @ step).reshape(size, seeds, columns)  # (R, S, 3)
        found = np.abs(_mean_score(start + moved) - _mean_score(other - moved))
        extreme += int((found >= observed - 1e-12).sum())
    return (1 + extreme) / (1 + replicates)


def bootstrap(
    ours: Counts, theirs: Counts, *, replicates: int = 2_000, seed: int = 1, level: float = 0.95
) -> tuple[float, float]:
    """Percentile interval of the difference over sentences drawn with replacement (Efron and Tibshirani 1993)."""
    _, sentences, columns = ours.shape
    flat = [c.transpose(1, 0, 2).reshape(sentences, -1).astype(np.float64) for c in (ours, theirs)]  # (N, S * 3)
    draw = np.random.default_rng(seed)
    found = []
    for size in _chunks(replicates):
        drawn = draw.integers(0, sentences, (size, sentences)) + sentences * np.arange(size)[:, None]
        times = np.bincount(drawn.ravel(), minlength=size * sentences).reshape(size, sentences).astype(np.float64)
        totals = [(times @ part).reshape(size, -1, columns) for part in flat]  # (R, S, 3)
        found.append(_mean_score(totals[0]) - _mean_score(totals[1]))
    low, high = np.quantile(np.concatenate(found), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def error_reduction(ours: float, theirs: float) -> float | None:
    """The error reduction relative to `theirs`, for scores as fractions: (ours - theirs) / (1 - theirs).

    None if `theirs` has no errors.
    """
    return (ours - theirs) / (1 - theirs) if theirs < 1 else None


def _mean_score(totals: Any) -> Any:
    """totals: (..., S, 3) sums over sentences -> (...), the mean over seeds of 2 correct / (predicted + gold).

    (..., S, 4 R) -> (...), the mean over seeds and ratios of F1.
    """
    if totals.shape[-1] != 3:
        right, predicted, found, gold = np.moveaxis(totals.reshape(*totals.shape[:-1], -1, 4), -1, 0)
        precision, recall = _divided(right, predicted), _divided(found, gold)
        return _divided(2 * precision * recall, precision + recall).mean(axis=(-1, -2))
    items = totals[..., 1] + totals[..., 2]
    return _divided(2 * totals[..., 0], items).mean(axis=-1)


def _divided(part: Any, whole: Any) -> Any:
    """0 where the whole is 0."""
    return np.divide(part, whole, out=np.zeros(whole.shape), where=whole > 0)


def _chunks(replicates: int) -> Iterator[int]:
    for start in range(0, replicates, _CHUNK):
        yield min(_CHUNK, replicates - start)
