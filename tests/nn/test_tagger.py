"""Batches, and the tagger on four sentences."""

from __future__ import annotations

import torch

from elmo_tasks.embedders.chars import CharsInput, CharsSettings
from elmo_tasks.embedders.inputs import FrozenInput
from elmo_tasks.embedders.random import RandomEmbedder
from elmo_tasks.embedders.registry import build_inputs
from elmo_tasks.nn.batch import Item, collate
from elmo_tasks.nn.embedding_mix import EmbeddingMix
from elmo_tasks.nn.tagger import Tagger
from elmo_tasks.text.labels import LabelSet

LABELS = LabelSet.of_types(["P"], "BIOES")
SENTENCES = [["Ada", "left"], ["So", "did", "Bo", "Lee", "."], ["No"], ["Ada", "Bo", "met"]]
TAGS = [["S-P", "O"], ["O", "O", "B-P", "E-P", "O"], ["O"], ["B-P", "E-P", "O"]]


def build() -> tuple[Tagger, list[Item]]:
    torch.manual_seed(0)
    inputs = [FrozenInput(RandomEmbedder(8)), CharsInput(CharsSettings(filters=8))]
    prepared = [source.prepare(SENTENCES).take(range(len(SENTENCES))) for source in inputs]
    items = [
        Item(tuple(part[index] for part in prepared), len(words), index, torch.tensor(LABELS.encode(TAGS[index])))
        for index, words in enumerate(SENTENCES)
    ]
    mix = EmbeddingMix([source.name for source in inputs], [source.build_module() for source in inputs])
    return Tagger(mix, LABELS, hidden=10, layers=1, dropout=0.1), items


def test_shapes_of_a_batch() -> None:
    _, items = build()
    batch = collate(items)
    assert [tuple(x.shape) for x in batch.inputs] == [(4, 1, 5, 8), (4, 5, 32)]
    assert batch.mask.sum(1).tolist() == batch.lengths.tolist() == [2, 5, 1, 3]
    assert batch.indices == (0, 1, 2, 3)
    assert batch.gold is not None and batch.gold.shape == (4, 5)


def test_it_learns_by_heart() -> None:
    tagger, items = build()
    batch = collate(items)
    optimizer = torch.optim.Adam(tagger.parameters(), 0.02)
    for _ in range(80):
        optimizer.zero_grad()
        loss = tagger.loss(batch)
        loss.backward()
        optimizer.step()
    tagger.eval()
    assert tagger.loss(batch).item() < 0.05
    assert [list(LABELS.decode(numbers)) for numbers in tagger.decode(batch)] == TAGS


def test_batch_mates_do_not_matter() -> None:
    tagger, items = build()
    tagger.eval()
    together = tagger.emissions(collate(items))
    for row, item in enumerate(items):
        torch.testing.assert_close(tagger.emissions(collate([item]))[0], together[row, : item.length])


def test_sentences_without_tokens_prepare() -> None:
    for source in build_inputs(["random", "chars"]):
        prepared = source.prepare([[], ["a"]]).take([0, 1])
        assert len(prepared) == 2
