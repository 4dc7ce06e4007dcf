"""Span scores against seqeval and against an independent implementation of conlleval's definition."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import classification_report, f1_score
from seqeval.scheme import IOB2

from elmo_tasks.metrics import conlleval_counts, score_spans

TAGS = ["O", "B-A", "I-A", "B-B", "I-B"]
PAIRS = st.lists(st.lists(st.tuples(st.sampled_from(TAGS), st.sampled_from(TAGS)), min_size=1, max_size=8), max_size=5)


def conlleval(gold: list[list[str]], predicted: list[list[str]]) -> tuple[int, int, int]:
    """The perl script's way: walk over tokens, notice where chunks start and end in either sequence."""

    def starts(before: str, now: str) -> bool:
        return now != "O" and (now[0] == "B" or before == "O" or before[2:] != now[2:])

    def ends(before: str, now: str) -> bool:
        return before != "O" and (now == "O" or now[0] == "B" or before[2:] != now[2:])

    in_gold = in_predicted = correct = 0
    for ours, theirs in zip(gold, predicted, strict=True):
        last, guess, inside = "O", "O", False
        for now, then in [*zip(ours, theirs, strict=True), ("O", "O")]:
            if inside:
                both_end = ends(last, now) and ends(guess, then)
                if both_end:
                    correct += 1
                    inside = False
                elif ends(last, now) != ends(guess, then) or now[2:] != then[2:]:
                    inside = False
            if starts(last, now) and starts(guess, then) and now[2:] == then[2:]:
                inside = True
            in_gold += starts(last, now)
            in_predicted += starts(guess, then)
            last, guess = now, then
    return in_gold, in_predicted, correct


@given(PAIRS)
def test_conlleval_counts(pairs: list[list[tuple[str, str]]]) -> None:
    gold, predicted = ([[pair[side] for pair in sentence] for sentence in pairs] for side in (0, 1))
    counts = conlleval_counts(gold, predicted)
    assert (counts.gold, counts.predicted, counts.correct) == conlleval(gold, predicted)


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")
@given(PAIRS)
def test_f1_is_seqevals_strict_one(pairs: list[list[tuple[str, str]]]) -> None:
    gold, predicted = ([[pair[side] for pair in sentence] for sentence in pairs] for side in (0, 1))
    there = any(tag.startswith("B-") for sentence in (*gold, *predicted) for tag in sentence)
    expected = f1_score(gold, predicted, mode="strict", scheme=IOB2, zero_division=0) if there else 0.0
    assert score_spans(gold, predicted).f1 == pytest.approx(expected)


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")
@given(PAIRS)
def test_the_report_is_seqevals_strict_one(pairs: list[list[tuple[str, str]]]) -> None:
    """Word by word; numbers may round differently in the last digit."""
    gold, predicted = ([[pair[side] for pair in sentence] for sentence in pairs] for side in (0, 1))
    found = score_spans(gold, predicted).report
    if not any(tag.startswith("B-") for sentence in (*gold, *predicted) for tag in sentence):
        assert found == "no span in gold or predicted tags\n"
        return
    expected = classification_report(gold, predicted, mode="strict", scheme=IOB2, zero_division=0, digits=4)
    for ours, theirs in zip(found.split("\n"), expected.split("\n"), strict=True):
        assert len(ours) == len(theirs)
        for word, other in zip(ours.split(), theirs.split(), strict=True):
            same = word == other
            assert same or float(word) == pytest.approx(float(other), abs=1.1e-4)


def test_by_hand() -> None:
    gold = [["B-PER", "I-PER", "O", "B-LOC"], ["B-ORG"]]
    predicted = [["B-PER", "I-PER", "O", "B-ORG"], ["O"]]
    scores = score_spans(gold, predicted)
    assert (scores.precision, scores.recall, scores.f1) == pytest.approx((1 / 2, 1 / 3, 2 / 5))
    assert scores.accuracy == pytest.approx(3 / 5)
    assert scores.per_type["PER"].f1 == 1.0
    assert scores.per_type["ORG"].predicted == 1 and scores.per_type["ORG"].correct == 0
    assert "PER" in scores.report
    assert scores.as_dict()["conlleval"]["correct"] == 1


def test_nothing_to_find() -> None:
    scores = score_spans([["O", "O"]], [["O", "O"]])
    assert (scores.f1, scores.accuracy) == (0.0, 1.0)


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="differ in length"):
        score_spans([["O"]], [["O", "O"]])
