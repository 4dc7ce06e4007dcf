"""Phrases of an older, unnatural style that must not come back into the pages, the examples and the messages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fenced_blocks import DOCUMENTS, ROOT, name_of

PHRASES = re.compile(
    r"\b(?:row|line|token|label|list|frame|record|number|vector|dataset|one) a "
    r"(?:sentence|token|line|word|predicate|layer|seed|label|second time)\b"
    r"|\banew\b|\bexpected no such\b|\btest split is read once\b|\bis looked for\b|\bare looked for\b|\bbeside it\b"
    r"|\bfound none in it\b|\bgot no word at all\b"
)
OLD_MESSAGE = re.compile(r"expected [^\n]*\bgot \{")  # a message says first what is wrong: "x must be 1 or more, not 0"
SOURCES = [
    path for room in ("elmo_tasks", "tasks", "benchmarks", "tools") for path in sorted((ROOT / room).rglob("*.py"))
]
TASKS = sorted((ROOT / "tasks").rglob("*.md"))
PAGES = DOCUMENTS
TEXTS = [*PAGES, *TASKS, ROOT / "results" / "README.md", *sorted((ROOT / "examples").glob("*.py"))]


@pytest.mark.parametrize("path", TEXTS, ids=name_of)
def test_no_phrase_of_the_old_style(path: Path) -> None:
    text = re.sub(r"\s+", " ", path.read_text(encoding="utf-8"))
    assert not PHRASES.findall(text)


def test_messages_say_first_what_is_wrong() -> None:
    old = [
        path for path in SOURCES if OLD_MESSAGE.search(re.sub(r'"\s*\n\s*f?"', "", path.read_text(encoding="utf-8")))
    ]
    assert [name_of(path) for path in old] == []


def test_the_phrases_are_recognised() -> None:
    for phrase in ("A row a token", "starts anew", "the test split is read once", "`x` is looked for in"):
        assert PHRASES.search(phrase), phrase
    assert OLD_MESSAGE.search('f"{path}: expected 3 columns, got {found}"')
    assert not PHRASES.search("one row per token; start again; a line and a word")
