"""Truncated back-propagation through one biLM layer, in both directions at once, with hand-written gradients.

Automatic differentiation of a 20-step loop launches some thousand small operations and makes 20 small products of every
weight gradient. Here a step of the two directions is one batched product of its input and last output side by side, the
element-wise part of a step is one function (fused by `torch.compile` where there is a compiler), and the gates' weight
gradient is one product over all steps. `tests/elmo/test_training_kernels.py` compares it with
`ProjectedLstm` under autograd.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Compiler = Callable[[Callable[..., Any]], Callable[..., Any]]


def cell_forward(
    product: Tensor, bias: Tensor, cell: Tensor, keep: Tensor, clip: float
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The element-wise part of one step.

    product: (2, B, 4H), of the step's inputs with their weights; bias: (2, 1, 4H) float32; cell: (2, B, H) float32;
    keep: (2, B, 1), 0 where the state is reset.
    Returns: output before projection (2, B, H), cell (2, B, H) float32, the four activated gates (2, B, H) each: the
    compiler makes one loop of this, but three of a concatenation.
    """
    i, f, g, o = (product.float() + bias).chunk(4, dim=-1)  # (2, B, H) each
    i, f, g, o = torch.sigmoid(i), torch.sigmoid(f), _tanh(g), torch.sigmoid(o)
    cell = (f * (cell * keep) + i * g).clamp(-clip, clip)
    dtype = product.dtype
    return (o * _tanh(cell)).to(dtype), cell, i.to(dtype), f.to(dtype), g.to(dtype), o.to(dtype)


def cell_backward(
    grad_output: Tensor,
    grad_cell: Tensor,
    gates: tuple[Tensor, Tensor, Tensor, Tensor],
    cell: Tensor,
    before: Tensor,
    keep: Tensor,
    clip: float,
) -> tuple[Tensor, Tensor]:
    """Gradients of `cell_forward` with respect to the summed gates (2, B, 4H) and the previous cell (2, B, H).

    No gradient passes through clipped values, as with TensorFlow's `clip_by_value`.
    """
    dtype = grad_output.dtype
    i, f, g, o = (gate.float() for gate in gates)  # (2, B, H) each
    grad_output = grad_output.float()
    squashed = _tanh(cell)
    grad_cell = (grad_cell + grad_output * o * (1 - squashed * squashed)) * (cell.abs() < clip)
    grad_gates = [
        grad_cell * g * i * (1 - i),
        grad_cell * (before * keep) * f * (1 - f),
        grad_cell * i * (1 - g * g),
        grad_output * squashed * o * (1 - o),
    ]
    return torch.cat([grad.to(dtype) for grad in grad_gates], -1), grad_cell * f * keep


def _tanh(x: Tensor) -> Tensor:
    """tanh computed from a sigmoid: twice as fast as the compiler's tanh, and within 1e-7 of it."""
    return 2 * torch.sigmoid(2 * x) - 1


class Kernels:
    """The two element-wise functions, compiled or not."""

    def __init__(self, compiler: Compiler | None = None) -> None:
        self.forward = compiler(cell_forward) if compiler else cell_forward
        self.backward = compiler(cell_backward) if compiler else cell_backward


class BidirectionalLayer(torch.autograd.Function):
    """One layer over a window: (x, weights, state) -> (outputs, hidden, cell). No gradient flows into the state.

    `keep` is 0 at the steps before which the state of a stream is reset to zero.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,  # (2, T, B, I)
        weight_ih: Tensor,  # (2, 4H, I)
        weight_hh: Tensor,  # (2, 4H, P)
        bias: Tensor,  # (2, 4H)
        weight_proj: Tensor,  # (2, P, H)
        hidden: Tensor,  # (2, B, P)
        cell: Tensor,  # (2, B, H) float32
        keep: Tensor,  # (2, T, B, 1)
        cell_clip: float,
        proj_clip: float,
        kernels: Kernels,
    ) -> tuple[Tensor, Tensor, Tensor]:
        _, steps, batch, inputs = x.shape
        size = weight_proj.shape[2]
        weights = torch.cat([weight_ih, weight_hh], dim=2).mT.contiguous()  # (2, I + P, 4H)
        projection = weight_proj.mT.contiguous()  # (2, H, P)
        bias = bias.float().unsqueeze(1)  # (2, 1, 4H)
        joint = x.new_empty(2, steps, batch, weights.shape[1])  # what the gates read: the input and the last output
        joint[..., :inputs] = x
        outputs = x.new_empty(2, steps, batch, projection.shape[2])
        raw = x.new_empty(2, steps, batch, size)  # outputs before the projection
        cells: list[Tensor] = [cell]
        gates: list[Tensor] = []  # four per step
        for t in range(steps):
            torch.mul(hidden, keep[:, t], out=joint[:, t, :, inputs:])
            product = torch.bmm(joint[:, t], weights)  # (2, B, 4H)
            unprojected, cell, *gate = kernels.forward(product, bias, cell, keep[:, t], cell_clip)
            hidden = torch.bmm(unprojected, projection).clamp_(-proj_clip, proj_clip)  # (2, B, P)
            outputs[:, t], raw[:, t] = hidden, unprojected
            cells.append(cell)
            gates += gate
        ctx.save_for_backward(joint, weight_ih, weight_hh, weight_proj, keep, outputs, raw, *cells, *gates)
        ctx.clips, ctx.kernels = (cell_clip, proj_clip), kernels
        ctx.mark_non_differentiable(hidden, cell)
        return outputs, hidden, cell

    @staticmethod
    def backward(ctx: Any, grad_outputs: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        joint, weight_ih, weight_hh, weight_proj, keep, outputs, raw, *rest = ctx.saved_tensors
        _, steps, batch, _ = joint.shape
        inputs = weight_ih.shape[2]
        cells, gates = rest[: steps + 1], rest[steps + 1 :]
        cell_clip, proj_clip = ctx.clips
        weights = torch.cat([weight_ih, weight_hh], dim=2)  # (2, 4H, I + P)
        grad_hidden = torch.zeros_like(outputs[:, 0])
        grad_cell = torch.zeros_like(cells[0])
        grad_bias = cells[0].new_zeros(2, weights.shape[1])
        grad_gates = joint.new_empty(2, steps, batch, weights.shape[1])
        inside = outputs.abs() < proj_clip  # (2, T, B, P)
        grad_projected = torch.empty_like(outputs)
        grad_x = joint.new_empty(2, steps, batch, inputs)
        for t in reversed(range(steps)):
            grad = (grad_outputs[:, t] + grad_hidden) * inside[:, t]  # (2, B, P)
            grad_projected[:, t] = grad
            gate = tuple(gates[4 * t : 4 * t + 4])
            grad_raw = torch.bmm(grad, weight_proj)  # (2, B, H)
            step_gates, grad_cell = ctx.kernels.backward(
                grad_raw, grad_cell, gate, cells[t + 1], cells[t], keep[:, t], cell_clip
            )
            grad_gates[:, t] = step_gates
            grad_bias += step_gates.sum(dim=1)  # now, while it is in the processor cache
            grad_joint = torch.bmm(step_gates, weights)  # (2, B, I + P)
            grad_x[:, t] = grad_joint[..., :inputs]
            grad_hidden = grad_joint[..., inputs:] * keep[:, t]
        flat = grad_gates.flatten(1, 2)  # (2, T * B, 4H)
        # The narrow factor is the transposed one: a product copies what is transposed, and a copy of `flat` would take
        # longer than the product itself.
        grad_weights = torch.bmm(joint.flatten(1, 2).mT, flat)  # (2, I + P, 4H)
        return (
            grad_x,
            grad_weights[:, :inputs].mT,
            grad_weights[:, inputs:].mT,
            grad_bias.to(flat.dtype),
            torch.bmm(grad_projected.flatten(1, 2).mT, raw.flatten(1, 2)),
            None,
            None,
            None,
            None,
            None,
            None,
        )
