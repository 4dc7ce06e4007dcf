"""Bracketed columns to BIO and back, and invalid ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elmo_tasks.core.errors import InputError
from elmo_tasks.text.brackets import from_brackets, to_brackets
from elmo_tasks.text.spans import Span, from_spans

PAIRS = [
    (["(A0*", "*)", "(V*)", "*", "(C-A0*)"], ("B-A0", "I-A0", "B-V", "O", "B-C-A0")),
    (["(A1*)", "(A1*)"], ("B-A1", "B-A1")),
    (["(R-ARG1*", "*", "*)"], ("B-R-ARG1", "I-R-ARG1", "I-R-ARG1")),
    (["*"], ("O",)),
    ([], ()),
]


@pytest.mark.parametrize(("cells", "tags"), PAIRS)
def test_by_hand(cells: list[str], tags: tuple[str, ...]) -> None:
    assert from_brackets(cells, [""] * len(cells)) == tags
    assert to_brackets(tags) == cells


@given(st.lists(st.tuples(st.sampled_from(["", "A0", "C-A1", "V"]), st.integers(1, 3)), max_size=6))
def test_there_and_back(pieces: list[tuple[str, int]]) -> None:
    spans, length = [], 0
    for label, size in pieces:
        if label:
            spans.append(Span(label, length, length + size))
        length += size
    tags = from_spans(spans, length, "BIO")
    assert from_brackets(to_brackets(tags), [""] * length) == tags


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["(A0*", "(V*)"], r"f:2: '\(V\*\)' opens a span inside A0"),
        (["(A0(V*)", "*)"], r"f:1: '\(A0\(V\*\)' opens a span inside A0"),
        (["*", "*)"], r"f:2: unbalanced brackets: '\*\)' closes a span that is not open"),
        (["(A0*))"], r"f:1: unbalanced brackets: '\(A0\*\)\)' closes a span that is not open"),
        (["*", "(A0*", "*"], r"f:2: unbalanced brackets: '\(A0\*' is not closed"),
        (["A0"], r"f:1: 'A0' is not brackets such as \(ARG0\*, \*, \*\) or \(V\*\)"),
        (["(*)"], r"f:1: '\(\*\)' is not brackets"),
    ],
)
def test_damaged_columns(cells: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        from_brackets(cells, [f"f:{line}" for line in range(1, len(cells) + 1)])
