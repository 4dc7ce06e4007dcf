"""The biattentive network: its attention against loops, its shapes, and that padding changes nothing."""

from __future__ import annotations

import torch
from torch import Tensor

from elmo_tasks.nn.biattention import BiattentiveNetwork, self_attend


def sentences(*lengths: int, width: int = 4) -> tuple[Tensor, Tensor, Tensor]:
    """Vectors, mask and lengths; what lies at padding is large."""
    torch.manual_seed(0)
    x = torch.randn(len(lengths), max(lengths), width)
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    x[~mask] = 1e3
    return x, mask, torch.tensor(lengths)


def test_attention_is_that_of_the_definition() -> None:
    x, mask, lengths = sentences(3, 5, 1)
    found = self_attend(x, mask)
    for row, length in enumerate(lengths.tolist()):
        tokens = x[row, :length]
        for t in range(length):
            weights = torch.stack([(tokens[t] @ other).exp() for other in tokens])
            expected = sum(w * other for w, other in zip(weights / weights.sum(), tokens, strict=True))
            torch.testing.assert_close(found[row, t], expected)


def test_shapes_and_sizes() -> None:
    network = BiattentiveNetwork(input_dim=4, hidden=6, n_labels=5)
    x, mask, lengths = sentences(3, 5, 1)
    assert network(x, mask, lengths).shape == (3, 5)
    # AllenNLP's widths for a `hidden` of 300: the integrator reads 1800, the maxout layers are 2400 -> 1200 -> 600
    paper = BiattentiveNetwork(input_dim=7, hidden=300, n_labels=5)
    assert paper.integrator.lstm.input_size == 1800
    assert [(layer.in_features, layer.out_features // 4) for layer in paper.output.layers] == [
        (2400, 1200),
        (1200, 600),
        (600, 5),
    ]


def test_batch_mates_and_padding_do_not_matter() -> None:
    network = BiattentiveNetwork(input_dim=4, hidden=6, n_labels=3).eval()
    x, mask, lengths = sentences(3, 5, 1)
    together = network(x, mask, lengths)
    for row, length in enumerate(lengths.tolist()):
        alone = network(x[row : row + 1, :length], mask[row : row + 1, :length], lengths[row : row + 1])
        torch.testing.assert_close(alone[0], together[row])


def test_every_parameter_learns() -> None:
    network = BiattentiveNetwork(input_dim=4, hidden=6, n_labels=3)
    x, mask, lengths = sentences(3, 5, 2)
    network(x.masked_fill(~mask.unsqueeze(-1), 0.0), mask, lengths).logsumexp(1).sum().backward()
    still = [name for name, parameter in network.named_parameters() if parameter.grad.abs().max() < 1e-6]
    assert still == ["self_attention.score.bias"]  # a softmax does not see what all its scores share


def test_vectors_beside_the_output_of_the_integrator() -> None:
    """They are pooled with it, and the maxout layers are wider."""
    network = BiattentiveNetwork(input_dim=4, hidden=6, n_labels=3, output_dim=2).eval()
    assert network.output.layers[0].in_features == 4 * (2 * 6 + 2)
    x, mask, lengths = sentences(3, 5, 1)
    beside = torch.randn(3, 5, 2)
    beside[~mask] = 1e3
    found = network(x, mask, lengths, beside)
    changed = beside.clone()
    changed[0, 1] += 1.0
    other = network(x, mask, lengths, changed)
    torch.testing.assert_close(found[1:], other[1:])
    assert not torch.allclose(found[0], other[0])
    alone = network(x[:1, :3], mask[:1, :3], lengths[:1], beside[:1, :3])
    torch.testing.assert_close(alone[0], found[0])
