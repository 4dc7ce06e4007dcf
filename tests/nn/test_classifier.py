"""The classifier on four sentences, with each of its heads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch

from elmo_tasks.core.errors import InputError
from elmo_tasks.embedders.chars import CharsInput, CharsSettings
from elmo_tasks.embedders.inputs import FrozenInput
from elmo_tasks.embedders.random import RandomEmbedder
from elmo_tasks.nn.batch import Batch, Item, collate
from elmo_tasks.nn.biattention import BiattentiveNetwork
from elmo_tasks.nn.classifier import HEADS, Classifier
from elmo_tasks.nn.embedding_mix import EmbeddingMix
from elmo_tasks.text.labels import LabelSet

SENTENCES = [["a", "fine", "film"], ["dull"], ["not", "so", "fine", "at", "all"], ["so", "so"]]
GOLD = [2, 0, 0, 1]


LABELS = LabelSet(("a", "b", "c"), (2, 1, 1))


def build(head: str, **settings: Any) -> tuple[Classifier, list[Item]]:
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


class Layers:
    """An embedder of three layers, each with a value of its own."""

    name, n_layers, width, fingerprint, parameters = "layers", 3, 4, "layers", 0

    def embed(self, sentences: Sequence[Sequence[str]]) -> list[torch.Tensor]:
        draw = torch.Generator().manual_seed(0)
        return [torch.randn(3, len(words), 4, generator=draw) for words in sentences]


def build_with_layers(elmo_at_output: bool, head: str = "bcn") -> tuple[Classifier, Batch]:
    torch.manual_seed(0)
    inputs = [FrozenInput(Layers()), FrozenInput(RandomEmbedder(8))]
    prepared = [source.prepare(SENTENCES).take(range(len(SENTENCES))) for source in inputs]
    items = [
        Item(tuple(part[index] for part in prepared), len(words), index, torch.tensor(GOLD[index]))
        for index, words in enumerate(SENTENCES)
    ]
    mix = EmbeddingMix([source.name for source in inputs], [source.build_module() for source in inputs])
    model = Classifier(mix, LABELS, head=head, hidden=10, dropout=0.1, elmo_at_output=elmo_at_output)
    return model, collate(items)


@pytest.mark.parametrize(
    ("elmo_at_output", "width", "names"), [(False, 20, ["layers"]), (True, 24, ["layers", "layers (again)"])]
)
def test_layers_at_the_output(elmo_at_output: bool, width: int, names: list[str]) -> None:
    """Every mix has weights of its own, which learn, and is reported."""
    classifier, batch = build_with_layers(elmo_at_output)
    assert classifier.norm.normalized_shape == (12,)
    head = classifier.head
    assert isinstance(head, BiattentiveNetwork)
    assert head.output.layers[0].in_features == 4 * width
    classifier.loss(batch).backward()
    again = classifier.mix.again
    sources = [classifier.mix.sources[0], *([] if again is None else [again.mix.sources[0]])]
    assert len(sources) == len(names) and list(classifier.mix.mix_weights()) == names
    assert all(source.mix.scalar_parameters.grad.abs().sum() > 0 for source in sources)


def test_only_the_biattentive_network_has_such_an_output() -> None:
    with pytest.raises(InputError, match="model.elmo_at_output needs the head bcn, not mean"):
        build_with_layers(True, head="mean")
    model, _ = build("bcn", elmo_at_output=True)  # a single layer
    assert model.mix.again is None
