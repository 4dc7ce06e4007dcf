"""Schemes into each other and back, legality by enumeration, repair as conlleval reads."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elmo_tasks.core.errors import InputError
from elmo_tasks.text.labels import LabelSet, span_types
from elmo_tasks.text.spans import SCHEMES, Span, convert, detect_scheme, from_spans, legal_transitions, repair, to_spans


@st.composite
def spans(draw: st.DrawFn) -> tuple[list[Span], int]:
    """Spans that do not overlap, some of them adjacent and of one label, and the number of tokens."""
    found, position = [], 0
    for _ in range(draw(st.integers(0, 5))):
        start = position + draw(st.integers(0, 2))
        position = start + draw(st.integers(1, 3))
        found.append(Span(draw(st.sampled_from(["PER", "LOC"])), start, position))
    return found, position + draw(st.integers(0, 2))


@given(spans(), st.sampled_from(SCHEMES), st.sampled_from(SCHEMES))
def test_every_scheme_spells_the_same_spans(case: tuple[list[Span], int], first: str, second: str) -> None:
    found, length = case
    tags = from_spans(found, length, first)
    assert to_spans(tags, first) == found
    assert to_spans(convert(tags, first, second), second) == found
    assert repair(from_spans(found, length, "BIO"), "BIO") == found


@pytest.mark.parametrize("scheme", ["BIO", "BIOES"])
def test_legal_transitions_are_those_of_the_strict_reader(scheme: str) -> None:
    names = LabelSet.of_types(["A", "B"], scheme).names
    start, end, step = legal_transitions(names, scheme)
    for length in (1, 2, 3):
        for numbers in itertools.product(range(len(names)), repeat=length):
            legal = start[numbers[0]] and end[numbers[-1]] and all(step[a][b] for a, b in itertools.pairwise(numbers))
            try:
                to_spans([names[number] for number in numbers], scheme)
                readable = True
            except InputError:
                readable = False
            assert legal == readable, [names[number] for number in numbers]


def test_iob1_of_conll_2003() -> None:
    tags = ["I-ORG", "O", "I-PER", "B-PER", "I-PER", "I-LOC"]
    assert detect_scheme([tags]) == "IOB1"
    assert to_spans(tags, "IOB1") == [("ORG", 0, 1), ("PER", 2, 3), ("PER", 3, 5), ("LOC", 5, 6)]


def test_labels_may_end_like_one_another() -> None:
    found = [Span("LOC", 0, 1), Span("X-LOC", 1, 2), Span("LOC", 2, 3)]
    assert from_spans(found, 3, "IOB1") == ("I-LOC", "I-X-LOC", "I-LOC")
    assert from_spans([Span("X-LOC", 0, 1), Span("LOC", 1, 2)], 2, "IOB1") == ("I-X-LOC", "I-LOC")


def test_bilou_is_bioes() -> None:
    tags = ["U-PER", "B-LOC", "I-LOC", "L-LOC"]
    assert detect_scheme([tags]) == "BIOES"
    assert convert(tags, "BIOES", "BIOES") == ("S-PER", "B-LOC", "I-LOC", "E-LOC")


@pytest.mark.parametrize(
    ("tags", "scheme", "message"),
    [
        (["O", "I-A"], "BIO", r"f:7: 'I-A' after 'O' at token 2 is not legal in the scheme BIO"),
        (["B-A", "I-B"], "BIO", "'I-B' after 'B-A'"),
        (["B-A", "O"], "BIOES", "'O' after 'B-A'"),
        (["B-A"], "BIOES", "'B-A' after the start"),
        (["S-A"], "BIO", "'S-A' after the start"),
        (["B"], "BIO", "'B' is not a tag such as O, B-PER or I-PER"),
        (["X-A"], "BIO", "'X-A' is not a tag"),
    ],
)
def test_illegal_tags(tags: list[str], scheme: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        to_spans(tags, scheme, "f:7")


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (["I-A", "I-A", "O"], [("A", 0, 2)]),
        (["B-A", "I-B"], [("A", 0, 1), ("B", 1, 2)]),
        (["O", "I-A", "B-A"], [("A", 1, 2), ("A", 2, 3)]),
    ],
)
def test_repair(tags: list[str], expected: list[tuple[str, int, int]]) -> None:
    assert repair(tags, "BIO") == expected


def test_labels() -> None:
    labels = LabelSet.of_types(span_types([["B-X", "O", "I-Y"]]), "BIO")
    assert labels.names == ("O", "B-X", "I-X", "B-Y", "I-Y")
    assert labels.decode(labels.encode(["I-Y", "O"])) == ("I-Y", "O")
    with pytest.raises(InputError, match=r"f:3: 'B-Z' is not a label of the training data \(O, B-X"):
        labels.index("B-Z", "f:3")
