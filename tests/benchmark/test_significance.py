"""The paired tests against enumeration, an exact test by formula, and what must come where nothing is to be found."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from elmo_tasks.benchmark.significance import bootstrap, compare, error_reduction, randomisation, score
from elmo_tasks.metrics import Counts, ratios, score_clusters


def spans(draw: np.random.Generator, seeds: int, sentences: int, skill: float) -> Any:
    """Counts (S, N, 3) of a system that finds a span with probability `skill` and invents some."""
    gold = np.tile(draw.integers(0, 4, sentences), (seeds, 1))
    right = draw.binomial(gold, skill)
    return np.stack([right, right + draw.integers(0, 2, gold.shape), gold], axis=2)


def labels(right: np.ndarray[Any, Any]) -> Any:
    """Counts of a classifier, right: (S, N) of 0 and 1."""
    return np.stack([right, np.ones_like(right), np.ones_like(right)], axis=2)


def exact_p(ours: Any, theirs: Any) -> float:
    """Every way to swap the two systems on whole sentences, in exact arithmetic."""
    seeds, sentences, _ = ours.shape

    def mean_f1(pick: tuple[Any, ...]) -> Fraction:
        total = Fraction(0)
        for seed in range(seeds):
            right, predicted, gold = (
                sum(int(pick[n][seed, n, column]) for n in range(sentences)) for column in range(3)
            )
            total += Fraction(2 * right, predicted + gold) if predicted + gold else 0
        return total / seeds

    def difference(swaps: tuple[int, ...]) -> Fraction:
        first = tuple(theirs if swap else ours for swap in swaps)
        second = tuple(ours if swap else theirs for swap in swaps)
        return abs(mean_f1(first) - mean_f1(second))

    observed = difference((0,) * sentences)
    every = [difference(swaps) for swaps in itertools.product((0, 1), repeat=sentences)]
    return sum(value >= observed for value in every) / len(every)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_randomisation_is_what_enumeration_says(seed: int) -> None:
    draw = np.random.default_rng(seed)
    ours, theirs = spans(draw, 2, 8, 0.9), spans(draw, 2, 8, 0.3)
    assert randomisation(ours, theirs, replicates=20_000) == pytest.approx(exact_p(ours, theirs), abs=0.015)


@pytest.mark.parametrize(("better", "worse"), [(9, 1), (12, 5), (3, 3), (20, 2)])
def test_on_one_seeds_accuracy_it_is_the_sign_test(better: int, worse: int) -> None:
    ours, theirs = np.ones((1, 60), int), np.ones((1, 60), int)
    theirs[0, :better] = 0
    ours[0, better : better + worse] = 0
    n = better + worse
    tail = sum(math.comb(n, k) for k in range(max(better, worse), n + 1)) / 2**n
    assert randomisation(labels(ours), labels(theirs), replicates=20_000) == pytest.approx(min(1, 2 * tail), abs=0.012)


def test_seeds_that_say_the_same_are_one_observation() -> None:
    draw = np.random.default_rng(5)
    ours, theirs = spans(draw, 1, 50, 0.7), spans(draw, 1, 50, 0.6)
    once = compare(ours, theirs, replicates=1_000)
    assert compare(np.repeat(ours, 5, 0), np.repeat(theirs, 5, 0), replicates=1_000) == once


def test_where_nothing_differs_few_p_are_small() -> None:
    draw = np.random.default_rng(7)
    found = []
    for _ in range(300):
        hard = draw.random(80)  # the seeds of both systems find the same sentences hard
        ours, theirs = (labels((draw.random((3, 80)) > hard).astype(int)) for _ in range(2))
        found.append(randomisation(ours, theirs, replicates=199))
    values = np.array(found)
    assert 0.02 <= (values <= 0.05).mean() <= 0.08
    assert 0.4 <= values.mean() <= 0.6


def test_a_system_against_itself() -> None:
    ours = spans(np.random.default_rng(1), 2, 30, 0.7)
    assert compare(ours, ours, replicates=200) == compare(ours, ours.copy(), replicates=200)
    assert compare(ours, ours, replicates=200).p == 1.0
    assert bootstrap(ours, ours, replicates=200) == (0.0, 0.0)


def test_the_interval_is_the_normal_one_for_many_sentences() -> None:
    draw = np.random.default_rng(3)
    ours, theirs = (draw.random((1, 2_000)) < 0.8).astype(int), (draw.random((1, 2_000)) < 0.7).astype(int)
    each = (ours - theirs)[0]
    half = 1.96 * each.std() / math.sqrt(2_000)
    low, high = bootstrap(labels(ours), labels(theirs), replicates=4_000)
    assert low == pytest.approx(each.mean() - half, abs=0.002)
    assert high == pytest.approx(each.mean() + half, abs=0.002)


def test_the_score_is_f1_of_the_sums_and_accuracy_of_labels() -> None:
    counts = spans(np.random.default_rng(2), 2, 30, 0.7)
    by_seed = [Counts(correct=right, predicted=guessed, gold=gold).f1 for right, guessed, gold in counts.sum(1)]
    assert score(counts) == pytest.approx(np.mean(by_seed))
    assert score(labels(np.array([[1, 0, 1, 1]]))) == 0.75
    assert score(np.zeros((1, 4, 3), int)) == 0.0


@pytest.mark.parametrize(("before", "after", "per_cent"), [(90.15, 92.22, 21.0), (81.4, 84.6, 17.2), (51.4, 54.7, 6.8)])
def test_error_reduction_is_the_papers(before: float, after: float, per_cent: float) -> None:
    """Peters et al. 2018, Table 1."""
    assert 100 * error_reduction(after / 100, before / 100) == pytest.approx(per_cent, abs=0.05)


def test_other_sentences_cannot_be_paired() -> None:
    ours = spans(np.random.default_rng(1), 2, 30, 0.7)
    with pytest.raises(
        ValueError, match=r"the counts must both be \(S, N, 3\) or \(S, N, 4 R\) for the same sentences"
    ):
        compare(ours, ours[:, :20])


def as_ratios(counts: Any) -> Any:
    """The same counts as one ratio, whose precision and recall have the same numerator."""
    return counts[:, :, [0, 1, 0, 2]].astype(float)


def test_one_ratio_with_one_numerator_is_the_same_score() -> None:
    draw = np.random.default_rng(3)
    ours, theirs = spans(draw, 2, 40, 0.8), spans(draw, 2, 40, 0.6)
    theirs[:, :, 2] = ours[:, :, 2]
    assert score(as_ratios(ours)) == pytest.approx(score(ours), abs=1e-12)
    found = compare(as_ratios(ours), as_ratios(theirs), replicates=500)
    expected = compare(ours, theirs, replicates=500)
    assert found.p == expected.p
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_the_score_of_coreference_is_tested_with_its_ratios() -> None:
    """Two seeds of three documents: the mean over seeds of the score of CoNLL-2012."""
    gold = [clusters("abc", "de"), clusters("abcd"), clusters("ab", "cd", "efg")]
    systems = [
        [clusters("ab", "de"), clusters("ac", "bd"), clusters("ab", "cdefg")],
        [clusters("abc", "dx"), clusters("abcd"), clusters()],
    ]
    counts = np.array(
        [
            [[value for ratio in ratios(ours, own) for value in ratio] for ours, own in zip(gold, system, strict=True)]
            for system in systems
        ]
    )
    assert counts.shape == (2, 3, 12)
    expected = sum(score_clusters(gold, system).conll for system in systems) / 2
    assert score(counts) == pytest.approx(expected, abs=1e-12)
    assert compare(counts, counts, replicates=50).p == 1.0


def clusters(*names: str) -> list[tuple[tuple[int, int], ...]]:
    return [tuple((ord(letter), ord(letter) + 1) for letter in cluster) for cluster in names]
