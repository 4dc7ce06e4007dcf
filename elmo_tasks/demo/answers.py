"""What a run says of one sentence, with the probability that its model gives to each part of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from elmo_tasks.nn.classifier import Classifier
from elmo_tasks.nn.role_labeller import RoleLabeller
from elmo_tasks.nn.tagger import Tagger
from elmo_tasks.runs.predict import Applied, apply_run
from elmo_tasks.runs.store import Trained
from elmo_tasks.text.examples import Example, LabelledSentence, TaggedSentence
from elmo_tasks.text.spans import to_spans


@dataclass(frozen=True)
class LikelySpan:
    """Tokens from `start` up to `end` with a label, and its probability."""

    label: str
    start: int
    end: int
    probability: float


@dataclass(frozen=True)
class Frame:
    """A predicate at the token `place`, the probability that the finder gives it, and its arguments."""

    place: int
    probability: float
    arguments: tuple[LikelySpan, ...]


def find_entities(trained: Trained, tokens: Sequence[str]) -> tuple[LikelySpan, ...]:
    """The entities of the likeliest tag sequence of a tagger, each with its probability under the CRF."""
    assert isinstance(trained.model, Tagger)
    found = _apply(trained, _plain(tokens))
    assert found.probabilities is not None
    return _likely(found.predicted[0], found.probabilities[0])


def find_frames(trained: Trained, tokens: Sequence[str]) -> tuple[Frame, ...]:
    """The predicates of a sentence and their arguments.

    A predicate's probability is the finder's softmax; an argument's is its share of all legal tag sequences.
    """
    assert isinstance(trained.model, RoleLabeller)
    found = _apply(trained, _plain(tokens))
    assert found.probabilities is not None
    frames = []
    for example, tags, shares in zip(found.examples[1:], found.predicted[1:], found.probabilities[1:], strict=True):
        assert isinstance(example, TaggedSentence) and example.predicate is not None
        arguments = tuple(span for span in _likely(tags, shares) if span.label != "V")
        frames.append(Frame(example.predicate, found.probabilities[0][example.predicate], arguments))
    return tuple(frames)


def find_label(trained: Trained, tokens: Sequence[str]) -> dict[str, float]:
    """The softmax probability of each label of a classifier."""
    assert isinstance(trained.model, Classifier)
    return cast("dict[str, float]", _apply(trained, LabelledSentence(tuple(tokens), "")).predicted[0])


def _likely(tags: object, shares: Sequence[float]) -> tuple[LikelySpan, ...]:
    """The spans of BIO tags with the probability that each of their tokens has."""
    return tuple(LikelySpan(*span, shares[span.start]) for span in to_spans(cast("Sequence[str]", tags), "BIO"))


def _plain(tokens: Sequence[str]) -> TaggedSentence:
    return TaggedSentence(tuple(tokens), ("O",) * len(tokens))


def _apply(trained: Trained, example: Example) -> Applied:
    (found,) = apply_run(trained, [[example]], probabilities=True)
    return found
