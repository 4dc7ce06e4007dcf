"""Input lines with and without marked predicates."""

from __future__ import annotations

import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.data.marked import MarkedLine, read_marked


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Ada left .", MarkedLine(("Ada", "left", "."))),
        ("", MarkedLine(())),
        ("10\u00a0000 boats\tfell", MarkedLine(("10\u00a0000", "boats", "fell"))),
        ("{ laughs } he said", MarkedLine(("{", "laughs", "}", "he", "said"))),
        ('{"tokens": ["Ada", "left"], "predicates": [1]}', MarkedLine(("Ada", "left"), (1,))),
        ('{"tokens": ["Ada", "left"], "predicates": []}', MarkedLine(("Ada", "left"), ())),
        ('{"tokens": ["Ada", "left"]}', MarkedLine(("Ada", "left"))),
        ('{"tokens": [], "predicates": []}', MarkedLine((), ())),
    ],
)
def test_lines(line: str, expected: MarkedLine) -> None:
    assert read_marked(line, "f:1") == expected


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"tokens": ["Ada"', r"f:3: invalid JSON .*; expected \{.tokens"),
        ('{"tokens": "Ada left"}', r"f:3: 'Ada left' is not a list of words"),
        ('{"tokens": ["Ada", ""]}', r"f:3: \['Ada', ''\] is not a list of words"),
        ('{"words": ["Ada"]}', r"f:3: unknown key 'words'"),
        ('{"tokens": ["Ada", "left"], "predicate": [1]}', r"f:3: unknown key 'predicate'"),
        ('{"predicates": []}', r"f:3: None is not a list of words"),
        ('{"tokens": ["Ada"], "predicates": [1]}', r"f:3: \[1\] are not positions of predicates in 1 tokens"),
        ('{"tokens": ["Ada"], "predicates": [true]}', r"f:3: \[True\] are not positions"),
        ('{"tokens": ["Ada"], "predicates": 0}', r"f:3: 0 are not positions"),
    ],
)
def test_damaged_lines(line: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_marked(line, "f:3")
