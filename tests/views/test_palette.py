"""Each choice of embedders has one colour in every picture."""

from __future__ import annotations

from elmo_tasks.views.palette import styles

USUAL = [("glove",), ("glove", "chars"), ("elmo",), ("elmo", "glove", "chars"), ("minilm",)]


def test_a_choice_has_its_style_whatever_stands_next_to_it() -> None:
    whole = styles(USUAL)
    assert len({style.color for style in whole.values()}) == len({style.marker for style in whole.values()}) == 5
    for names in USUAL:
        assert styles([names]) == {names: whole[names]}
    assert styles([("chars", "glove")])["chars", "glove"] == whole["glove", "chars"]


def test_choices_without_a_style_of_their_own_get_different_ones() -> None:
    unusual = [("elmo:a",), ("elmo:b",), ("elmo:a", "chars")]
    found = styles([*USUAL, *unusual])
    assert len(set(found.values())) == len(USUAL) + len(unusual)
