"""Truncated back-propagation through one biLM layer, both directions at once, with hand-written gradients.

Automatic differentiation of a 20-step loop launches some thousand small operations and makes 20 small products of every
weight gradient. Here the recurrent products of the two directions run as one batched product a step, the element-wise
part of a step is one function (fused by `torch.compile` where there is a compiler), and each weight gradient is one
product over all steps. `tests/elmo/test_training_kernels.py` compares it with `ProjectedLstm` under autograd.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Compiler = Callable[[Callable[..., Any]], Callable[..., Any]]


def cell_forward(
    from_input: Tensor, from_hidden: Tensor, cell: Tensor, keep: Tensor, clip: float
) -> tuple[Tensor, Tensor, Tensor]:
    """One step's element-wise part.

    from_input, from_hidden: (2, B, 4H), cell: (2, B, H) float32, keep: (2, B, 1), 0 where the state starts anew.
    Returns: output before projection (2, B, H), cell (2, B, H) float32, the activated gates (2, B, 4H).
    """
    gates = from_input.float() + from_hidden.float()
    i, f, g, o = gates.chunk(4, dim=-1)  # (2, B, H) each
    i, f, g, o = torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)
    cell = (f * (cell * keep) + i * g).clamp(-clip, clip)
    return (o * torch.tanh(cell)).to(from_input.dtype), cell, torch.cat([i, f, g, o], -1).to(from_input.dtype)


def cell_backward(
    grad_output: Tensor, grad_cell: Tensor, gates: Tensor, cell: Tensor, before: Tensor, keep: Tensor, clip: float
) -> tuple[Tensor, Tensor]:
    """Gradients of `cell_forward` with respect to the summed gates (2, B, 4H) and the former cell (2, B, H).

    The clip passes no gradient where it cut, as TensorFlow's `clip_by_value`.
    """
    i, f, g, o = gates.float().chunk(4, dim=-1)  # (2, B, H) each
    grad_output = grad_output.float()
    squashed = torch.tanh(cell)
    grad_cell = (grad_cell + grad_output * o * (1 - squashed * squashed)) * (cell.abs() < clip)
    grad_gates = torch.cat(
        [
            grad_cell * g * i * (1 - i),
            grad_cell * (before * keep) * f * (1 - f),
            grad_cell * i * (1 - g * g),
            grad_output * squashed * o * (1 - o),
        ],
        -1,
    )
    return grad_gates.to(gates.dtype), grad_cell * f * keep


class Kernels:
    """The two element-wise functions, compiled or as they are."""

    def __init__(self, compiler: Compiler | None = None) -> None:
        self.forward = compiler(cell_forward) if compiler else cell_forward
        self.backward = compiler(cell_backward) if compiler else cell_backward


class BidirectionalLayer(torch.autograd.Function):
    """One layer over a window: (x, weights, state) -> (outputs, hidden, cell). No gradient flows into the state.

    `keep` is 0 at the steps before which a stream's state is set to zero.
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
        _, steps, batch, _ = x.shape
        size = weight_proj.shape[2]
        from_input = torch.baddbmm(bias.unsqueeze(1), x.flatten(1, 2), weight_ih.mT)  # (2, T * B, 4H)
        from_input = from_input.view(2, steps, batch, 4 * size)
        recurrent, projection = weight_hh.mT.contiguous(), weight_proj.mT.contiguous()  # (2, P, 4H), (2, H, P)
        outputs = x.new_empty(2, steps, batch, projection.shape[2])
        raw = x.new_empty(2, steps, batch, size)  # outputs before the projection
        cells, gates = [cell], []
        before = hidden
        for t in range(steps):
            from_hidden = torch.bmm(hidden * keep[:, t], recurrent)
            unprojected, cell, gate = kernels.forward(from_input[:, t], from_hidden, cell, keep[:, t], cell_clip)
            hidden = torch.bmm(unprojected, projection).clamp_(-proj_clip, proj_clip)  # (2, B, P)
            outputs[:, t], raw[:, t] = hidden, unprojected
            cells.append(cell)
            gates.append(gate)
        ctx.save_for_backward(x, weight_ih, weight_hh, weight_proj, before, keep, outputs, raw, *cells, *gates)
        ctx.clips, ctx.kernels = (cell_clip, proj_clip), kernels
        ctx.mark_non_differentiable(hidden, cell)
        return outputs, hidden, cell

    @staticmethod
    def backward(ctx: Any, grad_outputs: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        x, weight_ih, weight_hh, weight_proj, before, keep, outputs, raw, *rest = ctx.saved_tensors
        steps, batch = x.shape[1], x.shape[2]
        cells, gates = rest[: steps + 1], rest[steps + 1 :]
        cell_clip, proj_clip = ctx.clips
        grad_hidden = torch.zeros_like(before)
        grad_cell = torch.zeros_like(cells[0])
        grad_gates = x.new_empty(2, steps, batch, weight_ih.shape[1])
        grad_projected = torch.empty_like(outputs)
        for t in reversed(range(steps)):
            grad = (grad_outputs[:, t] + grad_hidden) * (outputs[:, t].abs() < proj_clip)  # (2, B, P)
            grad_projected[:, t] = grad
            step_gates, grad_cell = ctx.kernels.backward(
                torch.bmm(grad, weight_proj), grad_cell, gates[t], cells[t + 1], cells[t], keep[:, t], cell_clip
            )
            grad_gates[:, t] = step_gates
            grad_hidden = torch.bmm(step_gates, weight_hh) * keep[:, t]  # (2, B, P)
        flat = grad_gates.flatten(1, 2)  # (2, T * B, 4H)
        shifted = (torch.cat([before.unsqueeze(1), outputs[:, :-1]], dim=1) * keep).flatten(1, 2)  # (2, T * B, P)
        # One product for the gates' three gradients. The narrow factor is the transposed one: a product copies what is
        # transposed, and a copy of `flat` would take longer than the product itself.
        narrow = torch.cat([x.flatten(1, 2), shifted, flat.new_ones(2, steps * batch, 1)], dim=2)
        grad_weights = torch.bmm(narrow.mT, flat)  # (2, I + P + 1, 4H)
        inputs = x.shape[3]
        return (
            torch.bmm(flat, weight_ih).view_as(x),
            grad_weights[:, :inputs].mT,
            grad_weights[:, inputs:-1].mT,
            grad_weights[:, -1],
            torch.bmm(grad_projected.flatten(1, 2).mT, raw.flatten(1, 2)),
            None,
            None,
            None,
            None,
            None,
            None,
        )
