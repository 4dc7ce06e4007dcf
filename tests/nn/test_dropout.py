"""Dropout against what it promises: how many, how much, independently of each other, and the gradient's mask."""

from __future__ import annotations

import pytest
import torch

from elmo_tasks.nn.dropout import dropout


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_as_many_are_zero_as_the_rate_says_and_the_mean_stays(rate: float) -> None:
    torch.manual_seed(1)
    found = dropout(torch.ones(400_001), rate)  # no multiple of the four that share a number
    share = float((found == 0).double().mean())
    assert share == pytest.approx(rate, abs=5 * (rate * (1 - rate) / 400_001) ** 0.5)
    assert torch.allclose(found[found != 0], torch.tensor(1 / (1 - rate)), rtol=1e-4)


def test_elements_that_share_a_number_fall_independently() -> None:
    torch.manual_seed(2)
    zero = (dropout(torch.ones(100_000, 4), 0.3) == 0).double()
    assert torch.allclose(torch.corrcoef(zero.T), torch.eye(4, dtype=torch.double), atol=5 / 100_000**0.5)


def test_the_gradient_has_the_mask_of_the_output() -> None:
    x = torch.randn(3, 5, 7, dtype=torch.bfloat16, requires_grad=True)
    found = dropout(x, 0.4)
    (grad,) = torch.autograd.grad(found.sum(), x)
    assert torch.equal(found, x * grad) and {0.0} < set(grad.flatten().tolist())


def test_a_seed_gives_one_mask() -> None:
    masks = [(torch.manual_seed(seed), dropout(torch.ones(1000), 0.5))[1] for seed in (7, 7, 8)]
    assert torch.equal(masks[0], masks[1]) and not torch.equal(masks[0], masks[2])


@pytest.mark.parametrize(("rate", "training"), [(0.0, True), (0.5, False)])
def test_nothing_is_dropped_at_rate_zero_or_in_use(rate: float, training: bool) -> None:
    x = torch.randn(5)
    assert dropout(x, rate, training) is x
