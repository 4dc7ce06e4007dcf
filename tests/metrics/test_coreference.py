"""Scores of coreference against worked examples from the papers, and against definitions written differently."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence

import pytest

from elmo_tasks.metrics.coreference import b_cubed, ceaf_e, mentions, muc, score_clusters, score_gap
from elmo_tasks.metrics.counts import Ratio
from elmo_tasks.text.examples import Cluster, PronounCase


def clusters(*names: str) -> list[Cluster]:
    """Clusters of mentions with one letter each."""
    return [tuple((ord(letter), ord(letter) + 1) for letter in cluster) for cluster in names]


TWELVE = clusters("12345", "67", "89ABC")
BAGGA = {  # Bagga and Baldwin 1998, and Luo 2005, table 1, responses (a) to (d)
    "a": clusters("12345", "6789ABC"),
    "b": clusters("1234589ABC", "67"),
    "c": clusters("123456789ABC"),
    "d": clusters(*"123456789ABC"),
}


@pytest.mark.parametrize(
    ("gold", "predicted", "recall", "precision"),
    [
        (["ABCD"], ["AB", "CD"], 2 / 3, 1),
        (["AB", "CD"], ["ABCD"], 1, 2 / 3),
        (["ABCD"], ["ABCD"], 1, 1),
        (["ABCD"], ["AB"], 1 / 3, 1),
        (["ABC"], ["AC"], 1 / 2, 1),
        (["BCDEGHJ", "AFI"], ["AB", "CD", "FGHI"], 3 / 8, 3 / 5),
    ],
)
def test_muc_of_its_paper(gold: list[str], predicted: list[str], recall: float, precision: float) -> None:
    """The links of Vilain et al. 1995, section 4, and two of the same kind."""
    found = muc(clusters(*gold), clusters(*predicted))
    assert (found.recall, found.precision) == pytest.approx((recall, precision))


@pytest.mark.parametrize(("response", "precision"), [("a", 0.76), ("b", 0.58)])
def test_b_cubed_of_its_paper(response: str, precision: float) -> None:
    """Bagga and Baldwin 1998: MUC cannot tell the two responses apart, B3 can."""
    found = b_cubed(TWELVE, BAGGA[response])
    assert (round(found.precision, 2), found.recall) == (precision, 1.0)
    assert muc(TWELVE, BAGGA[response]).precision == pytest.approx(9 / 10)


@pytest.mark.parametrize(
    ("response", "expected"),
    [("a", (0.947, 0.865, 0.733)), ("b", (0.947, 0.737, 0.667)), ("c", (0.9, 0.545, 0.294)), ("d", (0.0, 0.4, 0.178))],
)
def test_table_of_luo(response: str, expected: tuple[float, float, float]) -> None:
    """Luo 2005, table 1: F1 of MUC, B3 and CEAF-phi4. MUC is undefined for (d); the official scorer gives 0."""
    found = [score(TWELVE, BAGGA[response]).f1 for score in (muc, b_cubed, ceaf_e)]
    assert [round(each, 3) for each in found] == list(expected)


def test_predicted_mentions_of_pradhan() -> None:
    """Pradhan et al. 2014, section 4: gold {a b c} {d e f g}, predicted {a b} {c d} {f g h i}, to two digits."""
    gold, predicted = clusters("abc", "defg"), clusters("ab", "cd", "fghi")
    found = {score.__name__: score(gold, predicted) for score in (muc, b_cubed, ceaf_e, mentions)}
    assert {name: (round(own.recall, 2), round(own.precision, 2)) for name, own in found.items()} == {
        "muc": (0.40, 0.40),
        "b_cubed": (0.42, 0.50),
        "ceaf_e": (0.65, 0.43),
        "mentions": (0.86, 0.75),
    }
    assert found["b_cubed"].f1 == pytest.approx(5 / 11)  # 0.46 in the paper, computed from the rounded values
    scores = score_clusters([gold], [predicted])
    assert scores.conll == pytest.approx((0.4 + b_cubed(gold, predicted).f1 + 0.52) / 3)
    assert f"CoNLL {100 * scores.conll:.2f}" in scores.report


def brute(gold: Sequence[Cluster], predicted: Sequence[Cluster]) -> dict[str, tuple[float, float]]:
    """Recall and precision, from the definitions: union-find for links, sums over mentions, all alignments."""

    def links(key: Sequence[Cluster], response: Sequence[Cluster]) -> tuple[int, int]:
        right = total = 0
        for cluster in key:
            root = {mention: mention for mention in cluster}
            for other in response:
                here = [mention for mention in other if mention in root]
                for mention in here[1:]:
                    joined, target = root[mention], root[here[0]]
                    root = {each: target if own == joined else own for each, own in root.items()}
            total += len(cluster) - 1
            right += len(cluster) - len(set(root.values()))
        return right, total

    def share(key: Sequence[Cluster], response: Sequence[Cluster]) -> tuple[float, int]:
        total = 0.0
        everything = [(mention, cluster) for cluster in key for mention in cluster]
        for mention, cluster in everything:
            for other in response:
                if mention in other:
                    total += len({*cluster} & {*other}) / len(cluster)
        return total, len(everything)

    def divide(pair: tuple[float, int]) -> float:
        return pair[0] / pair[1] if pair[1] else 0.0

    few, many = sorted((gold, predicted), key=len)
    best = max(
        sum(2 * len({*a} & {*b}) / (len(a) + len(b)) for a, b in zip(few, chosen, strict=True))
        for chosen in itertools.permutations(many, len(few))
    )
    return {
        "muc": (divide(links(gold, predicted)), divide(links(predicted, gold))),
        "b_cubed": (divide(share(gold, predicted)), divide(share(predicted, gold))),
        "ceaf_e": (divide((best, len(gold))), divide((best, len(predicted)))),
    }


def drawn(draw: random.Random) -> list[Cluster]:
    """Up to five clusters of some of nine mentions."""
    count, letters = draw.randint(0, 5), draw.sample("abcdefghi", draw.randint(0, 9))
    groups: list[list[str]] = [[] for _ in range(count)]
    for letter in letters:
        if groups:
            draw.choice(groups).append(letter)
    return clusters(*("".join(group) for group in groups if group))


def test_equal_to_the_definitions() -> None:
    draw = random.Random(0)
    for _ in range(400):
        gold, predicted = drawn(draw), drawn(draw)
        expected = brute(gold, predicted)
        for score in (muc, b_cubed, ceaf_e):
            found = score(gold, predicted)
            assert (found.recall, found.precision) == pytest.approx(expected[score.__name__]), (gold, predicted)


def test_documents_are_summed_before_dividing() -> None:
    gold, predicted = [clusters("abc"), clusters("defghi")], [clusters("ab"), clusters("defghi")]
    found = score_clusters(gold, predicted)
    assert found.muc == Ratio(6, 6, 6, 7)
    assert found.mentions == Ratio(8, 8, 8, 9)


def test_the_order_of_clusters_and_mentions_changes_nothing() -> None:
    gold, predicted = clusters("abc", "defg"), clusters("ab", "cd", "fghi")
    turned = [cluster[::-1] for cluster in reversed(predicted)]
    assert score_clusters([gold], [turned]) == score_clusters([gold], [predicted])


def test_gap() -> None:
    """Four cases: right, no answer, both names, and a longer mention that begins with the name."""
    pronoun, names = (0, 1), ((2, 4), (5, 6))
    cases = [
        PronounCase(pronoun, names, (True, False), feminine=True),
        PronounCase(pronoun, names, (True, False), feminine=True),
        PronounCase(pronoun, names, (False, True), feminine=False),
        PronounCase(pronoun, names, (True, False), feminine=False),
    ]
    predicted: list[list[Cluster]] = [
        [((0, 1), (2, 4))],
        [((2, 4), (5, 6))],
        [((0, 1), (2, 4), (5, 6))],
        [((0, 1), (2, 5)), ((5, 6), (8, 9))],
    ]
    found = score_gap(cases, predicted)
    assert found.feminine == Ratio(1, 1, 1, 2) and found.masculine == Ratio(2, 3, 2, 2)
    assert found.overall == Ratio(3, 4, 3, 4) and found.overall.f1 == 0.75
    assert found.bias == pytest.approx((2 / 3) / 0.8)
    scores = score_clusters([()] * 4, predicted, cases)
    assert scores.as_dict()["gap"]["f1"] == 0.75 and "bias 0.83" in scores.report
    assert score_clusters([()] * 4, predicted, [*cases[:3], None]).gap is None
