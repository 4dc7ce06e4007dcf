"""Turn examples into batches: the inputs of a split are prepared once, then read and batched by length."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Sampler

from elmo_tasks.embedders.inputs import FrozenInput
from elmo_tasks.embedders.protocol import Input, Prepared
from elmo_tasks.nn.batch import Batch, Item, collate, join_sentences
from elmo_tasks.runs.ahead import ahead
from elmo_tasks.task import AnyTask, nothing_given
from elmo_tasks.text.examples import Example, TaggedSentence, sentences_of
from elmo_tasks.text.labels import LabelSet


class Items(Sequence[Item]):
    """Examples ready for batching. Vectors are read when an item is requested, so that only one batch is in memory."""

    def __init__(
        self,
        examples: Sequence[Example],
        prepared: Sequence[Prepared],
        places: Sequence[Sequence[int]],
        golds: Sequence[Tensor | None],
        given: Callable[[Any], Mapping[str, Any]],
    ) -> None:
        """prepared: the prepared sentences of each input; places: the indices of each example's sentences in them;
        given: see `Task.given`.
        """
        self._examples, self._prepared, self._places, self._golds = examples, prepared, places, golds
        self._given = given
        self.lengths = [len(example.tokens) for example in examples]

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, index: Any) -> Any:
        return self.__getitems__(range(len(self))[index]) if isinstance(index, slice) else self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Item]:
        """The items of a batch; torch's loader requests all of them at once."""
        chosen = [range(len(self))[index] for index in indices]  # supports negative indices and raises IndexError
        places = [self._places[index] for index in chosen]
        inputs = zip(*(_joined(each, places) for each in self._prepared), strict=True)
        return [self._item(index, tensors) for index, tensors in zip(chosen, inputs, strict=True)]

    def _item(self, index: int, inputs: tuple[Tensor, ...]) -> Item:
        example = self._examples[index]
        predicate = example.predicate if isinstance(example, TaggedSentence) else None
        several = tuple(map(len, sentences_of(example))) if len(self._places[index]) > 1 else ()
        given = self._given(example)
        return Item(inputs, self.lengths[index], index, self._golds[index], predicate, several, given)


def _joined(prepared: Prepared, places: Sequence[Sequence[int]]) -> Iterator[Tensor]:
    """The tensor of each example: those of its sentences, one after the other."""
    tensors = iter(prepared.take([place for own in places for place in own]))
    return (join_sentences(list(islice(tensors, len(own)))) for own in places)


class PreparedSentences:
    """The distinct sentences of some examples with their prepared inputs; several examples may share a sentence."""

    def __init__(
        self,
        examples: Iterable[Example],
        inputs: Sequence[Input],
        given: Callable[[Any], Mapping[str, Any]] = nothing_given,
    ) -> None:
        """Prepare the sentences for the frozen inputs of a model, which computes vectors if no cache has them.

        The other inputs, which take little time, are prepared with the first items: by the thread that needs them.
        given: see `Task.given`.
        """
        sentences = chain.from_iterable(map(sentences_of, examples))
        self._place = {tokens: number for number, tokens in enumerate(dict.fromkeys(sentences))}
        self._inputs, self._given = inputs, given
        self._frozen = {
            place: each.prepare(list(self._place)) for place, each in enumerate(inputs) if isinstance(each, FrozenInput)
        }
        self._all: list[Prepared] = []

    def covers(self, examples: Iterable[Example]) -> bool:
        """Whether the sentences of all examples are among these."""
        return all(tokens in self._place for example in examples for tokens in sentences_of(example))

    def items(self, examples: Sequence[Example], golds: Sequence[Tensor | None] | None = None) -> Items:
        """The items of examples of these sentences. golds: one for each example, none by default."""
        if not self._all:
            sentences = list(self._place)
            self._all = [self._frozen.get(n) or each.prepare(sentences) for n, each in enumerate(self._inputs)]
        places = [[self._place[tokens] for tokens in sentences_of(example)] for example in examples]
        golds = [None] * len(examples) if golds is None else golds
        return Items(examples, self._all, places, golds, self._given)


def prepare(examples: Sequence[Example], inputs: Sequence[Input], task: AnyTask, labels: LabelSet | None) -> Items:
    """Prepare the items of a split, with gold if `labels` are given. Examples that have a sentence in common share its
    vectors.

    Raises:
        InputError: an example has a label that the training data lacks, with `file:line`.
    """
    encoded = [None if labels is None else task.encode(example, labels) for example in examples]
    golds = [None if gold is None else torch.tensor(gold) for gold in encoded]  # a lenient `encode` may return None
    return PreparedSentences(examples, inputs, task.given).items(examples, golds)


class LengthBatches(Sampler[list[int]]):
    """Batches of examples of similar length, in an order determined by the seed and the epoch."""

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int, shuffle: bool) -> None:
        self.lengths, self.batch_size, self.seed, self.shuffle = lengths, batch_size, seed, shuffle
        self.epoch = 0

    @property
    def sampler(self) -> LengthBatches:
        """The batch sampler itself: Lightning sets the epoch only on the `sampler` of a batch sampler."""
        return self

    def set_epoch(self, epoch: int) -> None:
        """Lightning calls this at the start of each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-len(self.lengths) // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        draw = random.Random(f"{self.seed}-{self.epoch}")
        noise = [draw.random() if self.shuffle else 0.0 for _ in self.lengths]
        # Sentences of the same length are shuffled; noise of up to 2 tokens also mixes those of similar length.
        order = sorted(range(len(self.lengths)), key=lambda index: self.lengths[index] + 2 * noise[index])
        batches = [order[start : start + self.batch_size] for start in range(0, len(order), self.batch_size)]
        if self.shuffle:
            draw.shuffle(batches)
        yield from batches


class _ReadAhead(DataLoader[Batch]):
    """Reads the next batch in a thread, which is one of PyTorch's, while the model learns from the current one."""

    def __iter__(self) -> Any:
        items: Any = self.dataset
        order: Any = self.batch_sampler
        read = ahead(order, lambda indices: self.collate_fn(items.__getitems__(indices)))
        return (batch for _, batch in read)


def loader(items: Items, batch_size: int, seed: int = 0, shuffle: bool = False) -> DataLoader[Batch]:
    """Load batches of `items` in this process: to send them from another one would take longer than to make them."""
    batches = LengthBatches(items.lengths, batch_size, seed, shuffle)
    kind = _ReadAhead if shuffle else DataLoader
    return kind(items, batch_sampler=batches, collate_fn=collate)  # type: ignore[arg-type]


def batches_by_tokens(items: Items, most: int) -> Iterator[Batch]:
    """Batches of sentences of similar length, the shortest first, each with at most `most` tokens including padding.

    A longer sentence is a batch of its own.
    """
    batch: list[int] = []
    for index in sorted(range(len(items)), key=items.lengths.__getitem__):
        if batch and (len(batch) + 1) * items.lengths[index] > most:
            yield collate(items.__getitems__(batch))
            batch = []
        batch.append(index)
    if batch:
        yield collate(items.__getitems__(batch))
