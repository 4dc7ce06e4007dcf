"""What a run says of one sentence, with the probability that its model gives to each part of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from elmo_tasks.nn.batch import Batch, collate
from elmo_tasks.nn.classifier import Classifier
from elmo_tasks.nn.role_labeller import RoleLabeller
from elmo_tasks.nn.tagger import Tagger
from elmo_tasks.runs.batches import prepare
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


@torch.no_grad()
def find_entities(trained: Trained, tokens: Sequence[str]) -> tuple[LikelySpan, ...]:
    """The entities of the likeliest tag sequence of a tagger.

    A probability is that of exactly this entity under the CRF: the share of all legal tag sequences, by their weight,
    that have its tags on its tokens. In BIOES these tags say where it begins and ends.
    """
    model = trained.model
    assert isinstance(model, Tagger)
    batch = _batch(trained, [_plain(tokens)])
    scores = model.emissions(batch)  # (1, T, K)
    best = model.crf.decode(scores, batch.mask)
    spans = to_spans(trained.task.decode(best[0], trained.labels), "BIO")
    if not spans:
        return ()
    held = torch.zeros(len(spans), len(tokens), dtype=torch.bool)  # (N, T)
    for row, span in enumerate(spans):
        held[row, span.start : span.end] = True
    tags, mask = torch.tensor(best).expand_as(held), batch.mask.expand_as(held)
    shares = model.crf.probability(scores.expand(len(spans), -1, -1), tags, mask, held).tolist()
    return tuple(LikelySpan(*span, share) for span, share in zip(spans, shares, strict=True))


@torch.no_grad()
def find_frames(trained: Trained, tokens: Sequence[str]) -> tuple[Frame, ...]:
    """The predicates of a sentence and their arguments.

    A predicate's probability is the finder's softmax. The labeller has a softmax a token, so an argument's probability
    is the product of those of its tokens' tags.
    """
    model = trained.model
    assert isinstance(model, RoleLabeller)
    batch = _batch(trained, [_plain(tokens)])
    found = model.predicate_scores(model.mix(batch.inputs, batch.mask), batch).softmax(dim=-1)[0, :, 1].tolist()
    places = [place for place, probability in enumerate(found) if probability > 0.5]
    if not places:
        return ()
    batch = _batch(trained, [_plain(tokens, place) for place in places])
    scores = model.scores(model.mix(batch.inputs, batch.mask), batch)  # (N, T, K)
    best = torch.tensor(model.viterbi(scores, batch.lengths))  # (N, T)
    chosen = scores.log_softmax(dim=-1).gather(2, best.unsqueeze(2)).squeeze(2)  # (N, T)
    return tuple(
        Frame(
            place,
            found[place],
            tuple(
                LikelySpan(*span, own[span.start : span.end].sum().exp().item())
                for span in to_spans(trained.labels.decode(numbers), "BIO")
                if span.label != "V"
            ),
        )
        for place, numbers, own in zip(places, best.tolist(), chosen, strict=True)
    )


@torch.no_grad()
def find_label(trained: Trained, tokens: Sequence[str]) -> dict[str, float]:
    """The softmax probability of each label of a classifier."""
    model = trained.model
    assert isinstance(model, Classifier)
    (output,) = model.decode(_batch(trained, [LabelledSentence(tuple(tokens), "")]))
    return dict(zip(trained.labels.names, output, strict=True))


def _plain(tokens: Sequence[str], predicate: int | None = None) -> TaggedSentence:
    return TaggedSentence(tuple(tokens), ("O",) * len(tokens), predicate)


def _batch(trained: Trained, examples: Sequence[Example]) -> Batch:
    return collate(list(prepare(examples, trained.inputs, trained.task, None)))
