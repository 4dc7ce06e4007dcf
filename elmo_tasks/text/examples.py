"""Examples: the items of a data set, before they are embedded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from typing import Any, ClassVar, NamedTuple, Protocol, TypeAlias

from elmo_tasks.core.errors import InputError


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


Mention: TypeAlias = "tuple[int, int]"
"""A range of the tokens of a document, with an exclusive end."""

Cluster: TypeAlias = "tuple[Mention, ...]"
"""The mentions of one entity, in the order of the text."""


class PronounCase(NamedTuple):
    """An ambiguous pronoun of GAP, two names, and which of them it refers to."""

    pronoun: Mention
    names: tuple[Mention, Mention]
    refers: tuple[bool, bool]
    feminine: bool


@dataclass(frozen=True, slots=True)
class Document:
    """A document with its coreference clusters.

    annotated: whether the clusters are known; speakers: one name per token, "" if it is not known, or no names at all;
    genre: "" if it is not known; name, part: those of `#begin document`; case: the question that GAP asks about the
    document; source: `file:line` of the beginning.

    Raises:
        InputError: a mention is not a range of the tokens or occurs twice, or the number of speakers is another one.
    """

    sentences: tuple[tuple[str, ...], ...]
    clusters: tuple[Cluster, ...] = ()
    speakers: tuple[str, ...] = ()
    genre: str = ""
    name: str = ""
    part: int = 0
    case: PronounCase | None = None
    annotated: bool = True
    source: str = ""

    def __post_init__(self) -> None:
        """Check the mentions and the speakers, whoever made them."""
        count, where = len(self.tokens), self.source or f"document {self.name!r:.60}"
        seen: set[Mention] = set()
        for mention in chain.from_iterable(self.clusters):
            start, stop = mention
            if not 0 <= start < stop <= count:
                raise InputError(
                    f"{where}: the mention {mention} is not a range of its {count} tokens; give start and exclusive end"
                )
            if mention in seen:
                raise InputError(f"{where}: the mention {mention} occurs twice; leave it in one cluster only")
            seen.add(mention)
        if self.speakers and len(self.speakers) != count:
            raise InputError(
                f"{where}: there are {len(self.speakers)} speakers for {count} tokens; give one per token, or none"
            )

    @property
    def tokens(self) -> tuple[str, ...]:
        """The words of all sentences."""
        return tuple(chain.from_iterable(self.sentences))


def unannotated(sentences: tuple[tuple[str, ...], ...], source: str = "") -> Document:
    """A document to predict, without gold."""
    return Document(sentences, annotated=False, source=source)


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
    """Group the indices of consecutive examples with the same premise, or else the same tokens.

    These are the hypotheses of a premise, or the predicates of a sentence. They are drawn, held out and resampled
    together.
    """

    def shared(number: int) -> tuple[str, ...]:
        example = examples[number]
        return example.premise if isinstance(example, SentencePair) else example.tokens

    return [list(run) for _, run in groupby(range(len(examples)), key=shared)]
