"""Classification scores against counts by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import classification_report

from elmo_tasks.metrics import score_classes

PAIRS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1, max_size=30)


@given(PAIRS)
def test_scores_are_those_of_the_definitions(pairs: list[tuple[str, str]]) -> None:
    gold, predicted = zip(*pairs, strict=True)
    scores = score_classes(gold, predicted)
    f1 = []
    for label in sorted({*gold, *predicted}):
        right = pairs.count((label, label))
        there, guessed = gold.count(label), predicted.count(label)
        f1.append(2 * right / (there + guessed))
        found = scores.per_type[label]
        assert found["precision"] == pytest.approx(right / guessed if guessed else 0)
        assert found["recall"] == pytest.approx(right / there if there else 0)
        assert (found["f1"], found["support"]) == (pytest.approx(f1[-1]), there)
    assert scores.macro_f1 == pytest.approx(sum(f1) / len(f1))
    assert scores.accuracy == pytest.approx(sum(a == b for a, b in pairs) / len(pairs))
    for row, ours in enumerate(scores.labels):
        assert scores.confusion[row] == tuple(pairs.count((ours, theirs)) for theirs in scores.labels)


@given(PAIRS)
def test_the_report_is_scikit_learns(pairs: list[tuple[str, str]]) -> None:
    """Word by word; numbers may round differently in the last digit."""
    gold, predicted = zip(*pairs, strict=True)
    found = score_classes(gold, predicted).report
    expected = classification_report(gold, predicted, digits=4, zero_division=0)
    for ours, theirs in zip(found.split("\n"), expected.split("\n"), strict=True):
        assert len(ours) == len(theirs)
        for word, other in zip(ours.split(), theirs.split(), strict=True):
            same = word == other
            assert same or float(word) == pytest.approx(float(other), abs=1.1e-4)


def test_by_hand() -> None:
    scores = score_classes(["10", "2", "2", "1"], ["10", "2", "1", "2"])
    assert scores.labels == ("1", "2", "10")
    assert (scores.accuracy, scores.macro_f1) == (0.5, pytest.approx((0 + 1 / 2 + 1) / 3))
    assert scores.as_dict()["confusion"] == {"labels": ["1", "2", "10"], "counts": [[0, 1, 0], [1, 1, 0], [0, 0, 1]]}
    assert "macro avg" in scores.report and "0.5000" in scores.report


def test_nothing_to_score() -> None:
    assert score_classes([], []).as_dict()["accuracy"] == 0.0


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="differ in length: 1 and 2"):
        score_classes(["a"], ["a", "b"])


def test_a_label_may_have_the_name_of_a_line_of_the_report() -> None:
    scores = score_classes(["accuracy", "b"], ["accuracy", "accuracy"])
    assert scores.per_type["accuracy"] == {"precision": 0.5, "recall": 1.0, "f1": pytest.approx(2 / 3), "support": 1}
