from __future__ import annotations

import numpy as np
import pytest
import torch

from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo.scalar_mix import ScalarMix


def test_by_hand() -> None:
    mix = ScalarMix(2, initial=[0.0, float(np.log(3.0))])  # weights 1/4 and 3/4
    mix.gamma.data.fill_(2.0)
    layers = torch.tensor([[[[4.0, 8.0]], [[0.0, 4.0]]]])  # (1, 2, 1, 2)
    out = mix(layers, torch.ones(1, 1, dtype=torch.bool))
    torch.testing.assert_close(out, torch.tensor([[[2.0, 10.0]]]))
    torch.testing.assert_close(mix.weights(), torch.tensor([0.25, 0.75]))


def test_starts_equal_and_learns_one_vector_and_gamma() -> None:
    mix = ScalarMix(3)
    assert {name: tuple(p.shape) for name, p in mix.named_parameters()} == {"scalar_parameters": (3,), "gamma": (1,)}
    torch.testing.assert_close(mix.weights(), torch.full((3,), 1 / 3))
    mix(torch.randn(1, 3, 2, 4), torch.ones(1, 2, dtype=torch.bool)).sum().backward()
    assert all(parameter.grad is not None for parameter in mix.parameters())
    assert not any(parameter.requires_grad for parameter in ScalarMix(3, trainable=False).parameters())


def test_layer_norm_over_the_batch_counts_real_positions_only() -> None:
    generator = np.random.default_rng(0)
    layers, mask = generator.normal(2, 3, (2, 2, 3, 4)), np.array([[True, True, True], [True, False, False]])
    layers[1, :, 1:] = 99.0  # padding must not count
    expected = np.zeros((2, 3, 4))
    for layer in range(2):
        real = np.concatenate([layers[b, layer, t] for b in range(2) for t in range(3) if mask[b, t]])
        expected += 0.5 * (layers[:, layer] - real.mean()) / real.std()
    mix = ScalarMix(2, layer_norm=True, layer_norm_over="batch")
    out = mix(torch.tensor(layers, dtype=torch.float32), torch.tensor(mask))
    np.testing.assert_allclose(out.detach().numpy(), expected, rtol=1e-5, atol=1e-5)


def test_layer_norm_over_tokens_is_torchs_and_knows_no_neighbours() -> None:
    layers = torch.randn(2, 3, 5, 8)
    mask = torch.ones(2, 5, dtype=torch.bool)
    mix = ScalarMix(3, layer_norm=True)
    expected = torch.nn.functional.layer_norm(layers, (8,), eps=1e-12).mean(dim=1)
    torch.testing.assert_close(mix(layers, mask), expected)
    torch.testing.assert_close(mix(layers[:1], mask[:1]), mix(layers, mask)[:1])


def test_wrong_number_of_initial_weights() -> None:
    with pytest.raises(InputError, match="there are 2 initial weights for 3 layers"):
        ScalarMix(3, initial=[1.0, 2.0])


def test_wrong_number_of_layers() -> None:
    with pytest.raises(ValueError, match=r"the layers must have shape \(B, 3, T, D\), not \(1, 2, 1, 4\)"):
        ScalarMix(3)(torch.zeros(1, 2, 1, 4), torch.ones(1, 1, dtype=torch.bool))
