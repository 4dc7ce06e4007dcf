"""Embedding mix, word lookup, character CNN and BiLSTM."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from elmo_tasks.elmo.engine import loops
from elmo_tasks.nn.bilstm import BiLstm
from elmo_tasks.nn.char_cnn import CharCnn, distinct_rows
from elmo_tasks.nn.embedding_mix import EmbeddingMix, FrozenLayers, WordLookup


def test_a_tuned_lookup_learns_as_a_tuned_embedding_does() -> None:
    torch.manual_seed(0)
    matrix = torch.randn(6, 3)
    ours, theirs = WordLookup(matrix, [1, 4]), nn.Embedding.from_pretrained(matrix.clone(), freeze=False)
    optimizers = [torch.optim.Adam(module.parameters(), 0.1) for module in (ours, theirs)]
    rows, target = torch.tensor([[1, 4, 1]]), torch.randn(1, 3, 3)
    mask = torch.ones(1, 3, dtype=torch.bool)
    for _ in range(5):
        for optimizer, found in zip(optimizers, (ours(rows, mask), theirs(rows)), strict=True):
            optimizer.zero_grad()
            (found - target).square().sum().backward()
            optimizer.step()
    torch.testing.assert_close(ours(rows, mask), theirs(rows))
    torch.testing.assert_close(ours(torch.tensor([[0, 5]]), mask[:, :2])[0], matrix[[0, 5]])


def test_a_lookup_does_not_copy_its_matrix() -> None:
    """A table of two million words takes 2 GB; it stays as it was while the model learns."""
    matrix = torch.randn(4, 3)
    lookup, before = WordLookup(matrix, [2]), matrix.clone()
    assert lookup.matrix.data_ptr() == matrix.data_ptr()
    mask = torch.tensor([[True, True, True, False]])
    lookup(torch.tensor([[4, 2, 3, 4]]), mask).sum().backward()
    torch.optim.SGD(lookup.parameters(), 1.0).step()
    assert torch.equal(matrix, before) and lookup.unknown.grad is not None
    torch.testing.assert_close(lookup.unknown.grad, torch.ones(3))  # padding adds nothing
    torch.testing.assert_close(lookup(torch.tensor([[2, 3, 4, 4]]), mask)[0, 1], matrix[3])


def test_unknown_words_share_a_vector_and_padding_has_none() -> None:
    lookup = WordLookup(torch.randn(4, 3))
    found = lookup(torch.tensor([[4, 0, 4]]), torch.tensor([[True, True, False]]))
    torch.testing.assert_close(found[0, 0], lookup.unknown)
    assert "matrix" not in lookup.state_dict()
    assert found[0, 2].abs().sum() == 0


def test_layers_fixed_or_mixed() -> None:
    layers, mask = torch.randn(2, 3, 4, 5), torch.ones(2, 4, dtype=torch.bool)
    torch.testing.assert_close(FrozenLayers(n_layers=3, width=5, layers="2")(layers, mask), layers[:, 2])
    torch.testing.assert_close(FrozenLayers(n_layers=3, width=5)(layers, mask), layers.mean(dim=1))
    normal = FrozenLayers(n_layers=3, width=5, layer_norm=True)(layers, mask)
    torch.testing.assert_close(normal.mean(-1), torch.zeros(2, 4), atol=1e-5, rtol=0)


def test_concatenation_and_penalty() -> None:
    mix = EmbeddingMix(["a", "b"], [FrozenLayers(n_layers=3, width=5), FrozenLayers(n_layers=1, width=2)])
    mask = torch.ones(2, 4, dtype=torch.bool)
    found = mix([torch.randn(2, 3, 4, 5), torch.randn(2, 1, 4, 2)], mask)
    assert found.shape == (2, 4, mix.width) == (2, 4, 7)
    assert list(mix.mix_weights()) == ["a"]
    with torch.no_grad():
        mix.sources[0].mix.scalar_parameters.copy_(torch.tensor([1.0, 2.0, 0.0]))
    assert mix.mix_penalty().item() == 5.0


def test_characters_do_not_see_padding() -> None:
    torch.manual_seed(0)
    cnn = CharCnn(n_characters=10, dim=4, filters=6, width=3)
    short, long = torch.tensor([[[1, 2, 0]]]), torch.tensor([[[1, 2, 0], [3, 4, 5]]])
    mask = torch.ones(1, 2, dtype=torch.bool)
    alone, beside = cnn(short, mask[:, :1]), cnn(long, mask)
    assert beside.shape == (1, 2, 6)
    torch.testing.assert_close(alone[0, 0], beside[0, 0])
    by_hand = cnn.convolution(cnn.embedding(torch.tensor([[1, 2]])).transpose(1, 2)).amax(2).relu()
    torch.testing.assert_close(alone[0, 0], by_hand[0])
    with torch.no_grad():  # a bias over every response: the windows of padding alone must not win
        cnn.convolution.bias.fill_(5.0)
        cnn.convolution.weight.mul_(-10.0)
    torch.testing.assert_close(cnn(short, mask[:, :1])[0, 0], cnn(long, mask)[0, 0])


def test_the_char_cnn_gives_each_of_many_words_its_own_vector() -> None:
    torch.manual_seed(0)
    cnn = CharCnn(n_characters=10, dim=4, filters=6, width=3)
    characters = torch.randint(1, 10, (3, 200, 9))
    characters[torch.arange(9) >= torch.randint(1, 10, (3, 200, 1))] = 0
    mask = torch.arange(200) < torch.tensor([200, 150, 199])[:, None]
    found = cnn(characters, mask)
    assert found[1, 150:].abs().sum() == 0
    for row, column in [(0, 0), (0, 199), (1, 149), (2, 7), (2, 198)]:
        word = characters[row, column]
        by_hand = cnn.convolution(cnn.embedding(word[word > 0]).T[None]).amax(2).relu()
        torch.testing.assert_close(found[row, column], by_hand[0])


@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_the_char_cnn_learns_as_a_convolution_does(width: int) -> None:
    """In training it looks up what each character contributes; in float64 it is a convolution of PyTorch."""
    torch.manual_seed(0)
    quick = CharCnn(n_characters=10, dim=4, filters=6, width=width)
    plain = copy.deepcopy(quick).double()
    characters = torch.randint(1, 10, (3, 40, 9))
    characters[torch.arange(9) >= torch.randint(1, 10, (3, 40, 1))] = 0
    mask = torch.arange(40) < torch.tensor([40, 15, 39])[:, None]
    weights = torch.randn(3, 40, 6)
    for cnn in (quick, plain):
        (cnn(characters, mask) * weights).sum().backward()
    torch.testing.assert_close(quick(characters, mask), plain(characters, mask).float())
    for ours, theirs in zip(quick.parameters(), plain.parameters(), strict=True):
        assert ours.grad is not None and theirs.grad is not None
        torch.testing.assert_close(ours.grad, theirs.grad.float(), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(quick.eval()(characters, mask), plain(characters, mask).float())


def test_words_of_a_large_batch_are_looked_up_as_in_training(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    cnn = CharCnn(n_characters=10, dim=4, filters=6, width=3).eval()
    characters = torch.randint(1, 10, (40, 40, 9))
    characters[torch.arange(9) >= torch.randint(1, 10, (40, 40, 1))] = 0
    mask, called, look_up = torch.ones(40, 40, dtype=torch.bool), [], CharCnn._look_up
    monkeypatch.setattr(CharCnn, "_look_up", lambda self, *words: called.append(len(words)) or look_up(self, *words))
    monkeypatch.setattr(loops, "_tokens_left", 1)
    expected = cnn(characters, mask)
    assert not called
    monkeypatch.setattr(loops, "_tokens_left", 0)
    torch.testing.assert_close(cnn(characters, mask), expected)
    assert called
    cnn(characters[:1], mask[:1])
    assert len(called) == 1  # not for a few words


def test_the_bilstm_does_not_see_padding() -> None:
    torch.manual_seed(0)
    lstm = BiLstm(input_dim=3, hidden=4, layers=2, dropout=0.5).eval()
    x = torch.randn(2, 5, 3)
    together = lstm(x, torch.tensor([2, 5]))
    torch.testing.assert_close(together[0, :2], lstm(x[:1, :2], torch.tensor([2]))[0])
    assert together[0, 2:].abs().sum() == 0


@pytest.mark.parametrize("hash_of_all", [False, True])
def test_distinct_rows(hash_of_all: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if different rows have the same hash."""
    if hash_of_all:
        monkeypatch.setattr("elmo_tasks.nn.char_cnn._ODD", 0)
    rows = torch.tensor([[3, 1, 0], [1, 3, 0], [3, 1, 0], [0, 0, 0], [1, 3, 0]])
    distinct, place = distinct_rows(rows)
    assert len(distinct) == 3 and torch.equal(distinct[place], rows)
    assert [part.numel() for part in distinct_rows(rows[:0])] == [0, 0]
