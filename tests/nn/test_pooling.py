"""Poolings against loops over each sentence's own tokens, and the maxout layers against the definition."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from elmo_tasks.nn.maxout import Maxout
from elmo_tasks.nn.pooling import AttentionPooling, masked_max, masked_mean, masked_min


@pytest.fixture
def batch() -> tuple[Tensor, Tensor]:
    """Sentences of 3, 1 and 5 tokens; what lies at padding would win every maximum and minimum."""
    torch.manual_seed(0)
    x = torch.randn(3, 5, 4)
    mask = torch.arange(5) < torch.tensor([3, 1, 5])[:, None]
    x[~mask] = torch.tensor([1e6, -1e6, 1e6, -1e6])
    return x, mask


def columns(x: Tensor, mask: Tensor, row: int) -> list[list[float]]:
    """A sentence's values at its real tokens, a list a dimension."""
    tokens = [x[row, t].tolist() for t in range(x.shape[1]) if mask[row, t]]
    return [list(values) for values in zip(*tokens, strict=True)]


def test_mean_max_and_min(batch: tuple[Tensor, Tensor]) -> None:
    x, mask = batch
    found = {masked_mean: lambda v: sum(v) / len(v), masked_max: max, masked_min: min}
    for pool, by_hand in found.items():
        pooled = pool(x, mask)
        assert pooled.shape == (3, 4)
        for row in range(3):
            assert pooled[row].tolist() == pytest.approx([by_hand(v) for v in columns(x, mask, row)], rel=1e-5)


def test_attention(batch: tuple[Tensor, Tensor]) -> None:
    x, mask = batch
    pool = AttentionPooling(4)
    pooled = pool(x, mask)
    weight, bias = pool.score.weight[0].tolist(), pool.score.bias.item()
    for row in range(3):
        values = columns(x, mask, row)
        scores = [bias + sum(w * v for w, v in zip(weight, token, strict=True)) for token in zip(*values, strict=True)]
        total = sum(math.exp(score) for score in scores)
        expected = [sum(math.exp(s) / total * v for s, v in zip(scores, column, strict=True)) for column in values]
        assert pooled[row].tolist() == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_padding_gets_no_gradient(batch: tuple[Tensor, Tensor]) -> None:
    x, mask = batch
    for pool in (masked_mean, masked_max, masked_min, AttentionPooling(4)):
        given = x.clone().requires_grad_()
        pool(given, mask).sum().backward()
        assert given.grad is not None and given.grad[~mask].abs().sum() == 0 and given.grad.isfinite().all()


@torch.no_grad()
def test_maxout_is_the_largest_piece() -> None:
    torch.manual_seed(0)
    network = Maxout(3, (2, 5), pieces=4, dropout=(0.5, 0.0)).eval()
    x = torch.randn(6, 3)
    hidden = x
    for layer, width in zip(network.layers, (2, 5), strict=True):
        pieces = [
            [layer.weight[4 * unit + k] @ row + layer.bias[4 * unit + k] for unit in range(width) for k in range(4)]
            for row in hidden
        ]
        hidden = torch.tensor([[max(row[4 * unit : 4 * unit + 4]) for unit in range(width)] for row in pieces])
    torch.testing.assert_close(network(x), hidden)
    assert network(x).shape == (6, 5)
