"""The results of a trained run for a sentence: spans and tokens with their positions in the text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any, TypeAlias

from elmo_tasks.text.examples import Cluster, Document, LabelledSentence, SentencePair, TaggedSentence
from elmo_tasks.text.spans import to_spans
from elmo_tasks.text.tokeniser import Sentence, Token


@dataclass(frozen=True)
class Entity:
    """A named entity: `text` is the text from `start` up to, but not including, `end`, in characters.

    score: the probability of exactly this entity with this type, or None if it was not computed.
    """

    type: str
    text: str
    start: int
    end: int
    score: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON values; without `score` if there is none."""
        return _without_none({"type": self.type, **_place(self), "score": self.score})


@dataclass(frozen=True)
class Argument:
    """An argument of a predicate, with its role; the other fields are those of `Entity`."""

    role: str
    text: str
    start: int
    end: int
    score: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON values; without `score` if there is none."""
        return _without_none({"role": self.role, **_place(self), "score": self.score})


@dataclass(frozen=True)
class Frame:
    """A predicate with its arguments.

    predicate: the word; start, end: its position in the text, in characters.
    score: the probability that it is a predicate, or None if it was not computed.
    """

    predicate: str
    start: int
    end: int
    arguments: tuple[Argument, ...]
    score: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON values; without `score` if there is none."""
        values = {"predicate": self.predicate, "start": self.start, "end": self.end, "score": self.score}
        return _without_none({**values, "arguments": [argument.to_dict() for argument in self.arguments]})


@dataclass(frozen=True)
class Result:
    """The result of a run for one sentence.

    text: the sentence; start, end: its position in the input text, in characters.
    tokens: each with `text`, `start` and `end`, also relative to the beginning of the input text.
    """

    text: str
    start: int
    end: int
    tokens: tuple[Token, ...] = field(repr=False)

    def findings(self) -> dict[str, Any]:
        """The findings of the task, as JSON values."""
        return {}

    def to_dict(self) -> dict[str, Any]:
        """JSON values: `text`, `start`, `end`, `tokens` and the findings of the task."""
        tokens = [token._asdict() for token in self.tokens]
        return {"text": self.text, "start": self.start, "end": self.end, "tokens": tokens, **self.findings()}


@dataclass(frozen=True)
class EntityResult(Result):
    """The named entities of a sentence, in order."""

    entities: tuple[Entity, ...]

    def findings(self) -> dict[str, Any]:
        """`entities`."""
        return {"entities": [entity.to_dict() for entity in self.entities]}


@dataclass(frozen=True)
class FrameResult(Result):
    """The predicates of a sentence, in order, each with its arguments."""

    frames: tuple[Frame, ...]

    def findings(self) -> dict[str, Any]:
        """`frames`."""
        return {"frames": [frame.to_dict() for frame in self.frames]}


@dataclass(frozen=True)
class LabelResult(Result):
    """The label of a sentence, and the probability of every label."""

    label: str | None
    probabilities: Mapping[str, float]

    def findings(self) -> dict[str, Any]:
        """`label` and `probabilities`, rounded to six digits."""
        rounded = {name: round(share, 6) for name, share in self.probabilities.items()}
        return {"label": self.label, "probabilities": rounded}


@dataclass(frozen=True)
class PairResult(LabelResult):
    """The label of a pair of texts, and the probability of every label.

    `text` is the premise, a tab and the hypothesis, and `tokens` are those of both.

    premise, hypothesis: the two texts.
    """

    premise: str
    hypothesis: str

    def findings(self) -> dict[str, Any]:
        """`premise`, `hypothesis`, `label` and `probabilities`."""
        return {"premise": self.premise, "hypothesis": self.hypothesis, **super().findings()}


@dataclass(frozen=True)
class Tag:
    """The label of a token, such as its part of speech; the other fields are those of `Entity`."""

    tag: str
    text: str
    start: int
    end: int
    score: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON values; without `score` if there is none."""
        return _without_none({"tag": self.tag, **_place(self), "score": self.score})


@dataclass(frozen=True)
class TagResult(Result):
    """The label of each token of a sentence."""

    tags: tuple[Tag, ...]

    def findings(self) -> dict[str, Any]:
        """`tags`."""
        return {"tags": [tag.to_dict() for tag in self.tags]}


@dataclass(frozen=True)
class ClusterMention:
    """A mention of an entity: `text` is the text from `start` up to, but not including, `end`, in characters.

    score: the probability that it refers to one of the earlier mentions of its cluster, or, for the first mention, that
    it is a mention and refers to nothing before it; None if it was not computed.
    """

    text: str
    start: int
    end: int
    score: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON values; without `score` if there is none."""
        return _without_none({**_place(self), "score": self.score})


@dataclass(frozen=True)
class ClusterResult(Result):
    """The clusters of coreferent mentions in a document, in the order of their first mentions."""

    clusters: tuple[tuple[ClusterMention, ...], ...]

    def findings(self) -> dict[str, Any]:
        """`clusters`, a list of mentions each."""
        return {"clusters": [[mention.to_dict() for mention in cluster] for cluster in self.clusters]}


@dataclass(frozen=True)
class OtherResult(Result):
    """The findings of a task of your own: the value of its `describe`."""

    found: Mapping[str, Any]

    def findings(self) -> dict[str, Any]:
        """`found`."""
        return {"found": dict(self.found)}


Probabilities: TypeAlias = "Sequence[Sequence[float]] | None"
"""For each example one number per token: the probability of the span that contains it; for documents, one per mention.
None if not computed."""


def entity_result(
    sentence: Sentence,
    examples: Sequence[TaggedSentence],
    predicted: Sequence[Sequence[str]],
    probabilities: Probabilities,
) -> EntityResult:
    """The entities for the BIO tags of a sentence; `Task.result` of named entity taggers."""
    shares = None if probabilities is None else probabilities[0]
    entities = (
        Entity(label, *_stretch(sentence, first, stop), None if shares is None else shares[first])
        for label, first, stop in to_spans(predicted[0], "BIO")
    )
    return EntityResult(*sentence, tuple(entities))


def frame_result(
    sentence: Sentence,
    examples: Sequence[TaggedSentence],
    predicted: Sequence[Sequence[str]],
    probabilities: Probabilities,
) -> FrameResult:
    """The predicates of a sentence with their arguments; `Task.result` of role labellers.

    examples: the sentence itself, unless its predicates were given, then one example per predicate.
    """
    shares = [None] * len(examples) if probabilities is None else list(probabilities)
    finder = shares[0] if examples and examples[0].predicate is None else None
    frames: list[Frame] = []
    for example, tags, own in zip(examples, predicted, shares, strict=True):
        if example.predicate is not None:
            arguments = (
                Argument(label, *_stretch(sentence, first, stop), None if own is None else own[first])
                for label, first, stop in to_spans(tags, "BIO")
                if label != "V"
            )
            score = None if finder is None else finder[example.predicate]
            frames.append(Frame(*sentence.tokens[example.predicate], tuple(arguments), score))
    return FrameResult(*sentence, tuple(frames))


def tag_result(
    sentence: Sentence,
    examples: Sequence[TaggedSentence],
    predicted: Sequence[Sequence[str]],
    probabilities: Probabilities,
) -> TagResult:
    """The label of each token; `Task.result` of taggers."""
    scores = [None] * len(sentence.tokens) if probabilities is None else probabilities[0]
    pairs = zip(sentence.tokens, predicted[0], scores, strict=True)
    return TagResult(*sentence, tuple(Tag(tag, *token, score) for token, tag, score in pairs))


def label_result(
    sentence: Sentence,
    examples: Sequence[LabelledSentence],
    predicted: Sequence[Mapping[str, float]],
    probabilities: Probabilities,
) -> LabelResult:
    """The most probable label of a sentence, None without tokens; `Task.result` of classifiers."""
    return LabelResult(*sentence, max(predicted[0], key=predicted[0].__getitem__, default=None), predicted[0])


def pair_result(
    sentence: Sentence,
    examples: Sequence[SentencePair],
    predicted: Sequence[Mapping[str, float]],
    probabilities: Probabilities,
) -> PairResult:
    """The most probable label of a pair, None without tokens; `Task.result` of classifiers of pairs."""
    found, cut = label_result(sentence, [], predicted, probabilities), len(examples[0].premise)
    premise, hypothesis = (
        _stretch(sentence, first, stop)[0] if first < stop else ""
        for first, stop in ((0, cut), (cut, len(sentence.tokens)))
    )
    return PairResult(*sentence, found.label, found.probabilities, premise, hypothesis)


def cluster_result(
    sentence: Sentence,
    examples: Sequence[Document],
    predicted: Sequence[Sequence[Cluster]],
    probabilities: Probabilities,
) -> ClusterResult:
    """The clusters of a document, whose sentences are given as one; `Task.result` of coreference.

    predicted, probabilities: sorted clusters, and one number for each of their mentions in the same order.
    """
    scores = iter(repeat(None) if probabilities is None else probabilities[0])
    clusters = (
        tuple(ClusterMention(*_stretch(sentence, *mention), next(scores)) for mention in cluster)
        for cluster in predicted[0]
    )
    return ClusterResult(*sentence, tuple(clusters))


def joined(sentences: Sequence[Sentence], between: str) -> Sentence:
    """Several sentences or texts as one, with a character between them."""
    tokens: list[Token] = []
    start = 0
    for each in sentences:
        moved = start - each.start
        tokens += [token._replace(start=token.start + moved, end=token.end + moved) for token in each.tokens]
        start += len(each.text) + len(between)
    text = between.join(each.text for each in sentences)
    return Sentence(text, 0, len(text), tuple(tokens))


def sentence_of(tokens: Sequence[str]) -> Sentence:
    """A tokenised sentence as text: its tokens joined with spaces."""
    placed: list[Token] = []
    start = 0
    for token in tokens:
        placed.append(Token(token, start, start + len(token)))
        start += len(token) + 1
    text = " ".join(tokens)
    return Sentence(text, 0, len(text), tuple(placed))


def _stretch(sentence: Sentence, first: int, stop: int) -> tuple[str, int, int]:
    """The text of a range of tokens, and its position."""
    start, end = sentence.tokens[first].start, sentence.tokens[stop - 1].end
    return sentence.text[start - sentence.start : end - sentence.start], start, end


def _place(span: Entity | Argument | Tag | ClusterMention) -> dict[str, Any]:
    return {"text": span.text, "start": span.start, "end": span.end}


def _without_none(values: dict[str, Any]) -> dict[str, Any]:
    """Round scores to six digits, and leave out missing ones."""
    score = values.pop("score")
    return values if score is None else {**values, "score": round(score, 6)}
