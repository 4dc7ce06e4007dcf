"""The core by hand, by state and by batch: the promise that a sentence's vectors are its own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from elmo_tasks.elmo.bilm import BiLM, add_sentence_boundaries
from elmo_tasks.elmo.characters import batch_to_ids, encode_word
from elmo_tasks.elmo.lstm import ProjectedLstm
from elmo_tasks.elmo.token_encoder import Highway

SENTENCES = [
    ["The", "naïve", "café", "👍", "", "closed", "."],
    ["No"],
    ["x" * 60, "東京", "is", "far"],
    [],
    ["He", "said", "no", ".", "He", "left"],
]


def test_a_sentence_does_not_depend_on_batch_order_or_neighbours(random_bilm: Callable[..., BiLM]) -> None:
    # In float64, where rounding cannot hide a dependence; test_parity.py has the float32 of a real biLM.
    bilm = random_bilm().double()
    together = bilm(batch_to_ids(SENTENCES)).layers
    reverse = bilm(batch_to_ids(SENTENCES[::-1])).layers.flip(0)
    assert torch.equal(together, bilm(batch_to_ids(SENTENCES)).layers)  # nothing is carried from call to call
    torch.testing.assert_close(together, reverse, rtol=0, atol=1e-12)
    for row, words in enumerate(SENTENCES):
        alone = bilm(batch_to_ids([words])).layers[0]
        torch.testing.assert_close(together[row, :, : len(words)], alone, rtol=0, atol=1e-12)


def test_state_carries_a_stream_over_batches(random_bilm: Callable[..., BiLM]) -> None:
    """The forward direction over two batches is one run over both sentences with all their boundaries."""
    bilm = random_bilm()
    first, second = bilm(batch_to_ids([["a", "b"]]), keep_sentence_boundaries=True), ["c", "d", "e"]
    carried = bilm(batch_to_ids([second]), state=first.state, keep_sentence_boundaries=True).layers
    joined = bilm(batch_to_ids([["a", "b", "</S>", "<S>", *second]]), keep_sentence_boundaries=True).layers
    p = bilm.options.projection_dim
    torch.testing.assert_close(carried[..., :p], joined[:, :, 4:, :p], rtol=0, atol=1e-6)
    assert not torch.allclose(carried[:, 1:], bilm(batch_to_ids([second]), keep_sentence_boundaries=True).layers[:, 1:])


def test_state_of_a_short_row_stops_at_its_own_end(random_bilm: Callable[..., BiLM]) -> None:
    bilm = random_bilm()
    padded = bilm(batch_to_ids([["a"], ["b", "c", "d"]])).state
    alone = bilm(batch_to_ids([["a"]])).state
    for padded_layer, alone_layer in zip(padded, alone, strict=True):
        for padded_direction, alone_direction in zip(padded_layer, alone_layer, strict=True):
            torch.testing.assert_close(padded_direction.hidden[:1], alone_direction.hidden, rtol=0, atol=1e-6)
            torch.testing.assert_close(padded_direction.cell[:1], alone_direction.cell, rtol=0, atol=5e-6)


def test_layer_0_is_the_token_vector_twice_and_padding_is_zero(random_bilm: Callable[..., BiLM]) -> None:
    bilm = random_bilm()
    out = bilm(batch_to_ids(SENTENCES))
    assert out.layers.shape == (5, 3, 7, 12)
    assert torch.equal(out.layers[:, 0, :, :6], out.layers[:, 0, :, 6:])
    assert out.mask.sum(dim=1).tolist() == [7, 1, 4, 0, 6]
    assert not out.layers.transpose(1, 2)[~out.mask].any()
    kept = bilm(batch_to_ids(SENTENCES), keep_sentence_boundaries=True)
    assert kept.mask.sum(dim=1).tolist() == [9, 3, 6, 2, 8]
    assert torch.equal(kept.layers[0, :, 1:-1], out.layers[0])


def test_sentence_boundaries_by_hand() -> None:
    ids = batch_to_ids([["a"], ["b", "c"]])
    begin, end = encode_word("<S>"), encode_word("</S>")
    framed, mask = add_sentence_boundaries(ids, (ids > 0).any(-1), begin, end)
    assert framed[0].tolist() == [begin, encode_word("a"), end, [0] * 50]
    assert framed[1].tolist() == [begin, encode_word("b"), encode_word("c"), end]
    assert mask.tolist() == [[True, True, True, False], [True] * 4]


def test_an_empty_batch(random_bilm: Callable[..., BiLM]) -> None:
    assert random_bilm()(batch_to_ids([[]])).layers.shape == (1, 3, 0, 12)


def test_highway_by_hand() -> None:
    highway = Highway(2)
    with torch.no_grad():
        highway.transform.weight.copy_(torch.tensor([[2.0, 0.0], [0.0, -1.0]]))
        highway.transform.bias.copy_(torch.tensor([1.0, 0.0]))
        highway.carry.weight.zero_()
        highway.carry.bias.copy_(torch.tensor([0.0, np.log(3.0)]))  # gates 1/2 and 3/4
    out = highway(torch.tensor([[3.0, 4.0]]))
    # 1/2 * relu(2 * 3 + 1) + 1/2 * 3 = 5;  3/4 * relu(-4) + 1/4 * 4 = 1
    torch.testing.assert_close(out, torch.tensor([[5.0, 1.0]]))


def test_lstm_in_two_halves_is_the_lstm_whole() -> None:
    torch.manual_seed(3)
    lstm = ProjectedLstm(input_dim=4, cell_dim=8, projection_dim=3, cell_clip=0.5, proj_clip=0.2)
    x, mask = torch.randn(2, 6, 4), torch.ones(2, 6, dtype=torch.bool)
    whole, end = lstm(x, mask)
    left, middle = lstm(x[:, :2], mask[:, :2])
    right, also_end = lstm(x[:, 2:], mask[:, 2:], middle)
    torch.testing.assert_close(whole, torch.cat([left, right], dim=1))
    torch.testing.assert_close(end.cell, also_end.cell)
    assert whole.abs().max() <= 0.2 and end.cell.abs().max() <= 0.5
