"""Examples: what a data set consists of, before any vector exists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
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


def by_sentence(examples: Sequence[Example]) -> list[list[int]]:
    """The examples' numbers, those of one sentence together: several predicates of a sentence stand in a row."""
    return [list(run) for _, run in groupby(range(len(examples)), key=lambda number: examples[number].tokens)]
