from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elmo_tasks.analysis.control_task import control_labels, majority_accuracy, most_frequent, most_frequent_by_word

TAGS = [0] * 70 + [3] * 25 + [7] * 5


@given(st.lists(st.text(max_size=3), min_size=1), st.lists(st.integers(0, 9), min_size=1), st.integers(0, 99))
def test_a_word_type_has_one_label_of_the_task(words: list[str], tags: list[int], seed: int) -> None:
    labels = control_labels(words, tags, seed)
    assert set(labels) == set(words)
    assert set(labels.values()) <= set(tags)
    assert labels == control_labels(reversed(words), tags, seed)  # neither the order nor the counts of words matter


def test_labels_follow_the_distribution_of_the_tags() -> None:
    drawn = Counter(control_labels([f"w{n}" for n in range(20_000)], TAGS, 1).values())
    assert set(drawn) == {0, 3, 7}
    for label, share in ((0, 0.70), (3, 0.25), (7, 0.05)):
        assert drawn[label] / 20_000 == pytest.approx(share, abs=0.015)


def test_another_seed_is_another_task() -> None:
    words = [f"w{n}" for n in range(200)]
    assert control_labels(words, TAGS, 1) != control_labels(words, TAGS, 2)


def test_labels_say_nothing_about_tags() -> None:
    """A word's label is independent of its tags: two words of one tag agree no more often than chance."""
    labels = control_labels([f"w{n}" for n in range(4000)], [0, 1], 3)
    agreeing = sum(labels[f"w{n}"] == labels[f"w{n + 1}"] for n in range(0, 4000, 2)) / 2000
    assert agreeing == pytest.approx(0.5, abs=0.04)


def test_majority_by_hand() -> None:
    words = ["the", "play", "play", "play", "dogs"]
    tags = [0, 2, 1, 2, 1]
    known = most_frequent_by_word(words, tags)
    assert known == {"the": 0, "play": 2, "dogs": 1}
    assert most_frequent(tags) == 1  # as frequent as 2, and lower
    # the: right; play: right, then wrong; cats is unknown and gets 1: right
    assert majority_accuracy(["the", "play", "play", "cats"], [0, 2, 1, 1], known, 1) == 0.75
