"""The order of labels."""

from __future__ import annotations

import pytest

from elmo_tasks.text.labels import LabelSet, sort_labels


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["10", "2", "2", "-1"], ("-1", "2", "10")),
        (["1", "01", "0"], ("0", "01", "1")),
        (["2", "10", "x"], ("10", "2", "x")),
        (["neg", "Pos"], ("Pos", "neg")),
        ([], ()),
    ],
)
def test_by_value_where_all_are_integers(given: list[str], expected: tuple[str, ...]) -> None:
    assert sort_labels(given) == expected == LabelSet.of_classes(given).names
