"""Examples: the items of a data set, before they are embedded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, ClassVar, Protocol


class Example(Protocol):
    """The interface of the examples of all tasks: frozen dataclasses with at least these two fields.

    Consecutive examples with the same tokens belong to one sentence; only SRL has such examples.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def tokens(self) -> tuple[str, ...]:
        """The words of the sentence."""

    @property
    def source(self) -> str:
        """`file:line` of the first token, for error messages."""


@dataclass(frozen=True, slots=True)
class TaggedSentence:
    """A sentence with one tag per token (NER, or SRL with the position of its predicate).

    `source` is `file:line` of the first token, for later error messages.
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


def untagged(tokens: tuple[str, ...], source: str = "") -> TaggedSentence:
    """A sentence to predict: `O` for each token, and no predicate."""
    return TaggedSentence(tokens, ("O",) * len(tokens), source=source)


def unlabelled(tokens: tuple[str, ...], source: str = "") -> LabelledSentence:
    """A sentence to predict, without a label."""
    return LabelledSentence(tokens, "", source)


def by_sentence(examples: Sequence[Example]) -> list[list[int]]:
    """Group the indices of examples by sentence; the predicates of a sentence are consecutive examples."""
    return [list(run) for _, run in groupby(range(len(examples)), key=lambda number: examples[number].tokens)]
