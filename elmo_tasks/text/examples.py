"""Examples: the items of a data set, before they are embedded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, ClassVar, Protocol


class Example(Protocol):
    """The interface of the examples of all tasks: frozen dataclasses with at least these two fields.

    An example of several sentences, which are embedded independently of each other, also has the attribute `sentences`,
    see `sentences_of`. Consecutive examples that begin with the same sentence belong together, see `by_sentence`.
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


@dataclass(frozen=True, slots=True)
class SentencePair:
    """Two sentences with one label, such as a premise, a hypothesis and `entailment`. `source` is their `file:line`."""

    premise: tuple[str, ...]
    hypothesis: tuple[str, ...]
    label: str = ""
    source: str = ""

    @property
    def tokens(self) -> tuple[str, ...]:
        """The words of the premise, then those of the hypothesis."""
        return self.premise + self.hypothesis

    @property
    def sentences(self) -> tuple[tuple[str, ...], ...]:
        """The premise and the hypothesis."""
        return self.premise, self.hypothesis


def sentences_of(example: Example) -> tuple[tuple[str, ...], ...]:
    """The sentences of an example: its `sentences`, which together are its tokens, or all of its tokens as one."""
    sentences: tuple[tuple[str, ...], ...] = getattr(example, "sentences", None) or (example.tokens,)
    return sentences


def untagged(tokens: tuple[str, ...], source: str = "") -> TaggedSentence:
    """A sentence to predict: `O` for each token, and no predicate."""
    return TaggedSentence(tokens, ("O",) * len(tokens), source=source)


def unlabelled(tokens: tuple[str, ...], source: str = "") -> LabelledSentence:
    """A sentence to predict, without a label."""
    return LabelledSentence(tokens, "", source)


def by_sentence(examples: Sequence[Example]) -> list[list[int]]:
    """Group the indices of consecutive examples that begin with the same sentence.

    These are the predicates of a sentence, or the hypotheses of a premise. They are drawn, held out and resampled
    together.
    """
    return [list(run) for _, run in groupby(range(len(examples)), key=lambda number: sentences_of(examples[number])[0])]
