"""A part of the training data: whole sentences, the smaller within the larger."""

from __future__ import annotations

import itertools

import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.text.examples import Example, TaggedSentence, by_sentence
from elmo_tasks.training.fraction import draw_fraction


def sentences(count: int, predicates: int) -> list[Example]:
    return [
        TaggedSentence((f"w{number}", "x"), ("O", "O"), predicate)
        for number in range(count)
        for predicate in range(predicates)
    ]


@pytest.mark.parametrize("predicates", [1, 2])
def test_parts_are_nested_whole_sentences_in_order(predicates: int) -> None:
    examples = sentences(200, predicates)
    parts = [draw_fraction(examples, per_cent, 1) for per_cent in (1, 3, 10, 30, 100)]
    assert [len(by_sentence(part)) for part in parts] == [2, 6, 20, 60, 200]
    assert [len(part) for part in parts] == [predicates * n for n in (2, 6, 20, 60, 200)]
    for smaller, larger in itertools.pairwise(parts):
        assert set(smaller) <= set(larger)
        assert list(larger) == [example for example in examples if example in larger]


def test_seeds_draw_other_sentences_and_the_same_seed_the_same() -> None:
    examples = sentences(200, 1)
    assert draw_fraction(examples, 10, 1) == draw_fraction(examples, 10, 1) != draw_fraction(examples, 10, 2)


def test_there_is_always_a_sentence() -> None:
    assert len(draw_fraction(sentences(20, 3), 0.1, 1)) == 3


@pytest.mark.parametrize("per_cent", [0, -1, 101])
def test_no_such_part(per_cent: float) -> None:
    with pytest.raises(
        InputError, match=f"training.fraction must be a percentage above 0 and up to 100, not {per_cent}"
    ):
        draw_fraction(sentences(2, 1), per_cent, 1)
