"""The classifier on four sentences, with each of its heads."""

from __future__ import annotations

import pytest
import torch

from elmo_tasks.core.errors import InputError
from elmo_tasks.embedders.chars import CharsInput, CharsSettings
from elmo_tasks.embedders.inputs import FrozenInput
from elmo_tasks.embedders.random import RandomEmbedder
from elmo_tasks.nn.batch import Item, collate
from elmo_tasks.nn.classifier import HEADS, Classifier
from elmo_tasks.nn.embedding_mix import EmbeddingMix
from elmo_tasks.text.labels import LabelSet

SENTENCES = [["a", "fine", "film"], ["dull"], ["not", "so", "fine", "at", "all"], ["so", "so"]]
GOLD = [2, 0, 0, 1]


LABELS = LabelSet(("a", "b", "c"), (2, 1, 1))


def build(head: str, **settings: str) -> tuple[Classifier, list[Item]]:
    torch.manual_seed(0)
    inputs = [FrozenInput(RandomEmbedder(8)), CharsInput(CharsSettings(filters=8))]
    prepared = [source.prepare(SENTENCES).take(range(len(SENTENCES))) for source in inputs]
    items = [
        Item(tuple(part[index] for part in prepared), len(words), index, torch.tensor(GOLD[index]))
        for index, words in enumerate(SENTENCES)
    ]
    mix = EmbeddingMix([source.name for source in inputs], [source.build_module() for source in inputs])
    return Classifier(mix, LABELS, head=head, hidden=10, dropout=0.1, **settings), items


@pytest.mark.parametrize("head", HEADS)
def test_it_learns_by_heart(head: str) -> None:
    classifier, items = build(head)
    batch = collate(items)
    assert batch.gold is not None and batch.gold.shape == (4,)
    optimizer = torch.optim.Adam(classifier.parameters(), 0.02)
    for _ in range(80):
        optimizer.zero_grad()
        classifier.loss(batch).backward()
        optimizer.step()
    classifier.eval()
    probabilities = classifier.decode(batch)
    assert [max(range(3), key=row.__getitem__) for row in probabilities] == GOLD
    assert [sum(row) for row in probabilities] == pytest.approx([1.0] * 4)
    expected = -sum(torch.tensor(row[gold]).log() for row, gold in zip(probabilities, GOLD, strict=True)) / 4
    torch.testing.assert_close(classifier.loss(batch), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("head", HEADS)
def test_batch_mates_do_not_matter(head: str) -> None:
    classifier, items = build(head)
    classifier.eval()
    together = classifier.scores(collate(items))
    assert together.shape == (4, 3)
    for row, item in enumerate(items):
        torch.testing.assert_close(classifier.scores(collate([item]))[0], together[row])


def test_embeddings_are_normalised_token_by_token() -> None:
    classifier, items = build("mean")
    x = classifier.norm(classifier.mix(collate(items).inputs, collate(items).mask))
    torch.testing.assert_close(x.mean(-1), torch.zeros(4, 5), atol=1e-5, rtol=0)


def test_another_head_is_refused() -> None:
    with pytest.raises(InputError, match=r"model.head must be one of mean, max, attention, bcn, not 'sum'"):
        build("sum")


def test_balanced_weights_give_each_label_the_same_share() -> None:
    """Where the batch is all of the data, the loss is the mean over the labels of the mean loss of each."""
    classifier, items = build("mean", class_weights="balanced")
    classifier.eval()
    batch = collate(items)
    losses = -classifier.scores(batch).log_softmax(dim=1)[range(4), GOLD]
    by_label = [losses[[place for place, gold in enumerate(GOLD) if gold == label]].mean() for label in range(3)]
    assert [GOLD.count(label) for label in range(3)] == [2, 1, 1] == list(LABELS.counts)
    torch.testing.assert_close(classifier.loss(batch), sum(by_label) / 3)
    assert "weights" not in classifier.state_dict()


def test_labels_without_counts_have_no_weights() -> None:
    """A run that was loaded knows no counts; it only predicts."""
    loaded = LabelSet(LABELS.names)
    assert loaded == LABELS and LabelSet.of_classes("aabc").counts == LABELS.counts
    classifier, _ = build("mean")
    assert Classifier(
        classifier.mix, loaded, head="mean", hidden=10, dropout=0.1, class_weights="balanced"
    ).weights is None  # fmt: skip
