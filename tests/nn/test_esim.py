"""ESIM against a loop over the tokens, and that padding, batch mates and the order of sentences change nothing."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn

from elmo_tasks.nn.batch import Batch, Item, collate, join_sentences, split_sentences
from elmo_tasks.nn.embedding_mix import EmbeddingMix, FrozenLayers
from elmo_tasks.nn.esim import Esim, VariationalDropout
from elmo_tasks.text.labels import LabelSet

LABELS = LabelSet(("contradiction", "entailment", "neutral"))
PAIRS = [(3, 2), (1, 4), (5, 1)]


def esim(*, layers: int = 3, **settings: bool) -> Esim:
    torch.manual_seed(0)
    mix = EmbeddingMix(["elmo", "words"], [FrozenLayers(n_layers=layers, width=4), FrozenLayers(n_layers=1, width=2)])
    model = Esim(mix, LABELS, hidden=3, dropout=0.5, **settings)
    for parameter in model.parameters():  # also those that begin with zeros
        nn.init.normal_(parameter, std=0.5)
    return model.eval()


def items(pairs: Sequence[tuple[int, int]] = PAIRS, *, layers: int = 3) -> list[Item]:
    """Pairs of sentences of these lengths with random vectors."""
    torch.manual_seed(1)
    made = []
    for number, lengths in enumerate(pairs):
        parts = [[torch.randn(layers, n, 4) for n in lengths], [torch.randn(1, n, 2) for n in lengths]]
        inputs = tuple(join_sentences(part) for part in parts)
        made.append(Item(inputs, sum(lengths), number, torch.tensor(number % 3), sentences=lengths))
    return made


def test_sentences_of_an_example_get_rows_of_their_own() -> None:
    x = torch.arange(1.0, 13.0).view(2, 6, 1)
    found = split_sentences(x, torch.tensor([[2, 3, 1], [1, 4, 0]]))
    assert found.squeeze(-1).tolist() == [
        [[1, 2, 0, 0], [3, 4, 5, 0], [6, 0, 0, 0]],
        [[7, 0, 0, 0], [8, 9, 10, 11], [0, 0, 0, 0]],
    ]


def test_a_batch_knows_the_lengths_of_its_sentences() -> None:
    batch = collate([*items(), Item((torch.zeros(3, 2, 4), torch.zeros(1, 2, 2)), 2, 3)])
    assert batch.sentences is not None and batch.sentences.tolist() == [[3, 2], [1, 4], [5, 1], [2, 0]]
    assert batch.lengths.tolist() == [5, 5, 6, 2]
    assert collate([Item((torch.zeros(1, 2, 4),), 2, 0)]).sentences is None


def by_hand(model: Esim, item: Item) -> Tensor:
    """Equations 11 to 17 of Chen et al. 2017, one token at a time, with PyTorch's own LSTM."""
    mix = model.mix.sources[0].mix
    weights = mix.scalar_parameters.softmax(0)
    tokens = mix.gamma * sum(weight * layer for weight, layer in zip(weights, item.inputs[0], strict=True))
    tokens = torch.cat([tokens, item.inputs[1][0]], dim=1)  # (T, D)
    cut = item.sentences[0]
    premise, hypothesis = (model.encoder.lstm(part[None])[0][0] for part in (tokens[:cut], tokens[cut:]))
    if model.mix.again is not None:
        mix = model.mix.again.mix.sources[0].mix
        weights = mix.scalar_parameters.softmax(0)
        late = mix.gamma * sum(weight * layer for weight, layer in zip(weights, item.inputs[0], strict=True))
        premise, hypothesis = torch.cat([premise, late[:cut]], dim=1), torch.cat([hypothesis, late[cut:]], dim=1)
    pooled = []
    for own, other in ((premise, hypothesis), (hypothesis, premise)):
        rows = []
        for a in own:
            shares = torch.stack([(a * b).sum().exp() for b in other])
            aligned = sum(share / shares.sum() * b for share, b in zip(shares, other, strict=True))
            rows.append(torch.cat([a, aligned, a - aligned, a * aligned]))
        read = model.composition.lstm(torch.stack([model.projection(row) for row in rows])[None])[0][0]
        pooled += [read.sum(0) / len(read), torch.stack(list(read)).max(0).values]
    hidden = torch.tanh(model.hidden.weight @ torch.cat(pooled) + model.hidden.bias)
    return model.output.weight @ hidden + model.output.bias


@pytest.mark.parametrize("at_output", [False, True])
def test_scores_are_those_of_the_paper_s_equations(at_output: bool) -> None:
    model, given = esim(elmo_at_output=at_output), items()
    found = model.scores(collate(given))
    torch.testing.assert_close(found, torch.stack([by_hand(model, item) for item in given]))
    loss = model.loss(collate(given))
    torch.testing.assert_close(loss, -found.log_softmax(1)[range(3), range(3)].mean())
    decoded, again = model.decode_with_probabilities(collate(given))
    assert decoded == again == found.softmax(1).tolist()


@pytest.mark.parametrize("settings", [{}, {"elmo_at_output": True}, {"hypothesis_only": True}])
def test_batch_mates_and_padding_do_not_matter(settings: dict[str, bool]) -> None:
    model = esim(**settings)
    together = model.scores(collate(items()))
    for item, row in zip(items(), together, strict=True):
        torch.testing.assert_close(model.scores(collate([item]))[0], row)
    longer = collate([*items(), *items([(9, 8)])])  # both sentences are padded much further
    torch.testing.assert_close(model.scores(longer)[:3], together)


@pytest.mark.parametrize("at_output", [False, True])
def test_every_parameter_learns(at_output: bool) -> None:
    model = esim(elmo_at_output=at_output)
    model.loss(collate(items())).backward()
    still = [name for name, parameter in model.named_parameters() if parameter.grad.abs().max() < 1e-9]
    assert not still


def test_gradients_are_those_of_finite_differences() -> None:
    model, batch = esim(elmo_at_output=True).double(), collate(items([(2, 3), (1, 1)]))
    inputs = tuple(x.double().requires_grad_() for x in batch.inputs)

    def scores(*given: Tensor) -> Tensor:
        return model.scores(Batch(given, batch.mask, batch.lengths, batch.indices, sentences=batch.sentences))

    assert torch.autograd.gradcheck(scores, inputs)


def test_the_premise_is_read_and_can_be_blanked() -> None:
    full, control = esim(), esim(hypothesis_only=True)
    first = items([(3, 2)])[0]
    inputs = (torch.cat([torch.randn(3, 7, 4), first.inputs[0][:, 3:]], dim=1),)
    inputs = (*inputs, torch.cat([torch.randn(1, 7, 2), first.inputs[1][:, 3:]], dim=1))
    other = Item(inputs, 9, 0, sentences=(7, 2))  # another premise, also of another length
    assert not torch.allclose(full.scores(collate([first])), full.scores(collate([other])))
    torch.testing.assert_close(control.scores(collate([first])), control.scores(collate([other])))


def test_the_second_mix_has_weights_of_its_own() -> None:
    model = esim(elmo_at_output=True)
    assert list(model.mix.mix_weights()) == ["elmo", "elmo (again)"]
    first, second = model.mix.sources[0].mix, model.mix.again.mix.sources[0].mix
    expected = first.scalar_parameters.square().sum() + second.scalar_parameters.square().sum()
    torch.testing.assert_close(model.mix.mix_penalty(), expected)
    assert model.projection[0].in_features == 4 * (2 * 3 + 4)


def test_without_contextual_layers_there_is_no_second_mix() -> None:
    model = esim(layers=1, elmo_at_output=True)
    assert model.mix.again is None and model.projection[0].in_features == 4 * 2 * 3
    assert model.scores(collate(items(layers=1))).shape == (3, 3)


def test_a_channel_is_dropped_at_all_tokens_of_a_sentence() -> None:
    torch.manual_seed(0)
    dropout = VariationalDropout(0.5)
    found = dropout(torch.ones(20, 2, 7, 10))
    assert set(found.unique().tolist()) == {0.0, 2.0}
    assert torch.equal(found, found[:, :, :1].expand_as(found))
    assert 0.4 < (found == 0).float().mean() < 0.6 and not torch.equal(found[:, 0], found[:, 1])
    assert torch.equal(dropout.eval()(torch.ones(2, 3, 4)), torch.ones(2, 3, 4))


def test_single_sentences_are_not_pairs() -> None:
    with pytest.raises(ValueError, match="expected pairs of sentences"):
        esim().scores(collate([Item((torch.zeros(3, 2, 4), torch.zeros(1, 2, 2)), 2, 0)]))
