"""Argument scores against cases worked by hand and an independent implementation of the script's procedure."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elmo_tasks.metrics import Counts, count_arguments, score_roles
from elmo_tasks.metrics.srl import Argument, arguments
from elmo_tasks.text.brackets import to_brackets
from elmo_tasks.text.spans import Span, from_spans


def tags(text: str) -> list[str]:
    """`"0 A0. V A1 A1+"`: `.` after a role ends its span there, `+` goes on; `0` is O."""
    found: list[str] = []
    for word in text.split():
        role = word.rstrip("+")
        found.append("O" if role == "0" else f"{'I' if word.endswith('+') else 'B'}-{role}")
    return found


CASES = [  # gold, predicted, (gold, predicted, right)
    ("A0 V A1 A1+", "A0 V A1 A1+", (2, 2, 2)),
    ("A0 V A1 A1+", "A0 V A1 0", (2, 2, 1)),  # a boundary is wrong
    ("A0 V A1", "A1 V A0", (2, 2, 0)),  # roles are swapped
    ("A0 V A1", "0 0 V", (2, 0, 0)),  # V is left out, wrong or right
    ("A1 V C-A1", "A1 V C-A1", (1, 1, 1)),  # one discontinuous argument
    ("A1 V C-A1", "A1 V A1", (1, 2, 0)),  # two arguments are not the one
    ("A1 V C-A1", "A1 V 0", (1, 1, 0)),  # a part is not the whole
    ("A1 V A1", "A1 V C-A1", (2, 1, 0)),
    ("A1 A0 V C-A1 C-A1", "A1 A0 V C-A1 C-A1", (2, 2, 2)),  # three parts of one
    ("0 V A1", "0 V C-A1", (1, 1, 1)),  # a continuation of nothing is an argument of its role
    ("A1 A1 V C-A1", "A1 A1 V C-A1", (2, 2, 2)),  # the last A1 is continued
    ("A0 R-A0 V", "A0 A0 V", (2, 2, 1)),  # R-X stands for itself
    ("A1 R-A1 V C-R-A1", "A1 R-A1 V 0", (2, 2, 1)),
    ("A0 V C-V A1", "A0 V C-V A1", (2, 2, 2)),  # C-V belongs to V
    ("A0 V C-V A1", "A0 V 0 A1", (2, 2, 2)),
    ("0 V 0", "C-V V 0", (0, 0, 0)),
    ("0 V 0", "0 V AM-TMP", (0, 1, 0)),
]


@pytest.mark.parametrize(("gold", "predicted", "expected"), CASES)
def test_by_hand(gold: str, predicted: str, expected: tuple[int, int, int]) -> None:
    assert count_arguments(tags(gold), tags(predicted)) == Counts(*expected)


def test_parts_of_an_argument() -> None:
    assert arguments(tags("A1 A1+ A0 V C-A1 C-A1+")) == [
        Argument("A1", ((0, 2), (4, 6))),
        Argument("A0", ((2, 3),)),
        Argument("V", ((3, 4),)),
    ]


def test_scores_and_table() -> None:
    framed = [(tags(gold), tags(predicted)) for gold, predicted, _ in CASES[:3]]
    found = score_roles(framed, [(tags("0 V 0 V"), tags("0 V V 0"))])
    assert (found.precision, found.recall, found.f1) == (0.5, 0.5, 0.5)
    assert found.per_type == {"A0": Counts(3, 3, 2), "A1": Counts(3, 3, 1)}
    assert found.perfect == pytest.approx(1 / 3)
    assert found.predicates == Counts(2, 2, 1)
    assert re.search(r"^Overall +3 +3 +3 +50\.00 +50\.00 +50\.00$", found.report, re.MULTILINE)
    assert re.search(r"^A1 +1 +2 +2 +33\.33 ", found.report, re.MULTILINE)
    assert re.search(r"^V +3 +0 +0 +100\.00 ", found.report, re.MULTILINE)
    assert found.as_dict()["per_type"]["A1"]["support"] == 3
    assert score_roles([]).f1 == 0.0


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="differ in length"):
        score_roles([(["O"], ["O", "O"])])


def script(gold: list[str], predicted: list[str]) -> tuple[int, int, int]:
    """(right, superfluous, missed) as the script finds them: it reads brackets, opens and closes phrases from left to
    right, keeps the argument that each role was last seen in, and looks predicted arguments up by their outer ends."""

    def read(cells: list[str]) -> list[dict[str, object]]:
        made: list[dict[str, object]] = []
        latest: dict[str, dict[str, object]] = {}
        opened: list[tuple[str, int]] = []
        for place, cell in enumerate(cells):
            if cell.startswith("("):
                opened.append((cell[1 : cell.index("*")], place))
            if cell.endswith(")"):
                kind, start = opened.pop()
                role = kind[2:] if kind.startswith("C-") else kind
                if kind.startswith("C-") and role in latest:
                    argument = latest[role]
                    argument["phrases"] = f"{argument['phrases']} {start}..{place}"
                    argument["end"] = place
                else:
                    latest[role] = {"type": role, "start": start, "end": place, "phrases": f"{start}..{place}"}
                    made.append(latest[role])
        return made

    waiting = {(argument["start"], argument["end"]): argument for argument in read(to_brackets(gold))}
    right = superfluous = 0
    for argument in read(to_brackets(predicted)):
        ends = (argument["start"], argument["end"])
        if waiting.get(ends) == argument:
            del waiting[ends]
            right += argument["type"] != "V"
        else:
            superfluous += argument["type"] != "V"
    return right, superfluous, sum(argument["type"] != "V" for argument in waiting.values())


ROLES = st.sampled_from(["A0", "A1", "C-A0", "C-A1", "R-A0", "C-R-A0", "V", "C-V", "C-C-A1"])


@st.composite
def frames(draw: st.DrawFn, length: int = 9) -> list[str]:
    cuts = sorted(draw(st.sets(st.integers(0, length), max_size=8)))
    spans = [
        Span(draw(ROLES), start, end) for start, end in itertools.pairwise(cuts) if end > start and draw(st.booleans())
    ]
    return list(from_spans(spans, length, "BIO"))


@given(st.lists(st.tuples(frames(), frames()), max_size=4), st.booleans())
def test_as_the_script_counts(pairs: list[tuple[list[str], list[str]]], alike: bool) -> None:
    if alike:  # halves of the gold frame, so that something is right
        mixed = [(gold, [*gold[:4], *("O" if tag[0] == "I" else tag for tag in other[4:])]) for gold, other in pairs]
        pairs = [(gold, other) for gold, other in mixed if all(_legal(other))]
    found = score_roles(pairs)
    counted = [script(*pair) for pair in pairs]
    right, superfluous, missed = (sum(column) for column in zip(*counted, strict=True)) if counted else (0, 0, 0)
    total = [sum(c.correct for c in found.per_type.values())]
    total += [sum(c.predicted - c.correct for c in found.per_type.values())]
    total += [sum(c.gold - c.correct for c in found.per_type.values())]
    assert total == [right, superfluous, missed]
    perfect = sum(wrong == lost == 0 for _, wrong, lost in counted)
    assert found.perfect == (perfect / len(pairs) if pairs else 0.0)


def _legal(sequence: list[str]) -> list[bool]:
    return [tag[0] != "I" or before[2:] == tag[2:] for before, tag in zip(["O", *sequence], sequence, strict=False)]
