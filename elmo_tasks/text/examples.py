"""Examples: what a data set consists of, before any vector exists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class TaggedSentence:
    """A sentence with one tag a token (NER, or SRL with its predicate's position).

    `source` is `file:line` of the first token, so that every later error can point at it.
    """

    tokens: tuple[str, ...]
    tags: tuple[str, ...]
    predicate: int | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class LabelledSentence:
    """A sentence with one label (sentiment). `source` is its `file:line`."""

    tokens: tuple[str, ...]
    label: str
    source: str = ""


Example: TypeAlias = TaggedSentence | LabelledSentence
