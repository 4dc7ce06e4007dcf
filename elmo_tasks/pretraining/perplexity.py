"""How well a biLM predicts text: surprisal of each word in both directions, and perplexity, with the full softmax."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from elmo_tasks.core.progress import report_progress
from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.characters import batch_to_ids
from elmo_tasks.elmo.device import chosen_device
from elmo_tasks.pretraining.sampled_softmax import exact_losses
from elmo_tasks.pretraining.windows import BEGIN, END, UNKNOWN

_POOL = 16  # number of batches whose sentences are sorted by length together


@dataclass(frozen=True)
class LanguageModel:
    """A biLM with its softmax: weight (V, P), bias (V,), and the words of its V classes."""

    bilm: BiLM
    weight: Tensor
    bias: Tensor
    vocabulary: dict[str, int]

    def moved(self) -> LanguageModel:
        """The same model on the chosen device (see `elmo_tasks.elmo.device`), or unmoved if none was chosen."""
        device = chosen_device()
        if device is None:
            return self
        return replace(self, bilm=self.bilm.to(device), weight=self.weight.to(device), bias=self.bias.to(device))

    def classes(self, words: Iterable[str]) -> list[int]:
        """The class of each word; words outside the vocabulary are `<UNK>`."""
        return [self.vocabulary.get(word, UNKNOWN) for word in words]


@dataclass(frozen=True)
class Perplexity:
    """Perplexity of each direction and their mean; `unknown` is the fraction of words outside the vocabulary."""

    forward: float
    backward: float
    tokens: int
    unknown: float

    @property
    def mean(self) -> float:
        """Arithmetic mean of both directions, as Peters et al. 2018 average them (39.7)."""
        return (self.forward + self.backward) / 2


@torch.no_grad()
def surprisals(
    model: LanguageModel, sentences: Iterable[Sequence[str]], batch: int = 64, dtype: torch.dtype = torch.float32
) -> Iterator[Tensor]:
    """Surprisal of each prediction in nats. Yields (2, T + 1) per sentence: w1 .. wn `</S>` given the left context, and
    `<S>` w1 .. wn given the right context. Sentences are independent: no state is carried over.
    Computed on the device of the model, yielded on the CPU, in the order of the sentences.
    """
    coming, done = iter(sentences), 0
    while pool := [list(words) for words in itertools.islice(coming, _POOL * batch)]:
        # Sentences of similar length go together: a batch takes as many steps as its longest sentence has words.
        order = sorted(range(len(pool)), key=lambda place: len(pool[place]))
        found: dict[int, Tensor] = {}
        for start in range(0, len(order), batch):
            places = order[start : start + batch]
            found.update(zip(places, _batch(model, [pool[place] for place in places], dtype), strict=True))
            report_progress("scoring", done + len(found), None, "sentences")
        done += len(pool)
        yield from (found[place] for place in range(len(pool)))
    report_progress("scoring", done, done, "sentences")


def _batch(model: LanguageModel, sentences: list[list[str]], dtype: torch.dtype) -> Iterator[Tensor]:
    device = model.weight.device
    ids = batch_to_ids(sentences, model.bilm.options.max_characters).to(device)  # (B, T, C)
    top = model.bilm(ids, keep_sentence_boundaries=True).layers[:, -1]  # (B, T + 2, 2P)
    half = top.shape[-1] // 2
    hidden, targets = [], []
    for row, words in enumerate(sentences):
        numbers, steps = model.classes(words), len(words) + 1
        hidden += [top[row, :steps, :half], top[row, 1 : steps + 1, half:]]
        targets += [[*numbers, END], [BEGIN, *numbers]]
    losses = exact_losses(
        torch.cat(hidden),
        torch.tensor([number for part in targets for number in part], device=device),
        model.weight,
        model.bias,
        dtype,
    ).cpu()
    start = 0
    for words in sentences:
        steps = len(words) + 1
        yield losses[start : start + 2 * steps].view(2, steps)
        start += 2 * steps


def perplexity(
    model: LanguageModel, sentences: Iterable[Sequence[str]], dtype: torch.dtype = torch.float32
) -> Perplexity:
    """Perplexity over all sentences, including the predictions of boundaries."""
    totals, steps, tokens, unknown = [0.0, 0.0], 0, 0, 0

    def counted() -> Iterator[Sequence[str]]:
        nonlocal tokens, unknown
        for words in sentences:
            tokens += len(words)
            unknown += sum(number == UNKNOWN for number in model.classes(words))
            yield words

    for found in surprisals(model, counted(), dtype=dtype):
        for direction in (0, 1):
            totals[direction] += float(found[direction].sum())
        steps += found.shape[1]
    if not steps:
        return Perplexity(math.nan, math.nan, 0, 0.0)
    forward, backward = (_exponential(total / steps) for total in totals)
    return Perplexity(forward, backward, tokens, unknown / max(1, tokens))


def _exponential(nats: float) -> float:
    """e to the power of a mean loss; infinity on overflow, as with damaged weights."""
    return math.exp(nats) if nats < 700 else math.inf
