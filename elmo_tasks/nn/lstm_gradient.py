"""One direction of an LSTM over packed sequences, with a hand-written gradient.

PyTorch's packed LSTM slices its input step by step, and the gradient of every slice is a tensor as large as the whole
input: an epoch of NER spent a quarter of its time filling these with zeros and adding them up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


class PackedLstm(torch.autograd.Function):
    """Gate contributions from the input (N, 4H), recurrent weights (4H, H), sizes per step -> hidden states (N, H).

    Rows are packed: the first tokens of all sequences, the longest sequence first, then their second tokens, and so on.
    Gates are in PyTorch's order: input, forget, cell, output. The state before the first token is zero.
    """

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, weight: Tensor, sizes: Sequence[int]) -> Tensor:
        """inputs: (N, 4H), weight: (4H, H); sizes: rows per step, decreasing, with sum N."""
        size = weight.shape[1]
        gates = inputs.detach().clone()  # (N, 4H), replaced by the gates
        cells, squashed, hidden = (gates.new_empty(len(gates), size) for _ in range(3))  # (N, H)
        before, start = 0, 0
        for count in sizes:
            g, c = gates[start : start + count], cells[start : start + count]
            if start:
                g.addmm_(hidden[before : before + count], weight.t())
            enter_keep, new, leave = (
                g[:, : 2 * size].sigmoid_(),
                g[:, 2 * size : 3 * size].tanh_(),
                g[:, 3 * size :].sigmoid_(),
            )
            torch.mul(enter_keep[:, :size], new, out=c)
            if start:
                c.addcmul_(enter_keep[:, size:], cells[before : before + count])
            torch.tanh(c, out=squashed[start : start + count])
            torch.mul(leave, squashed[start : start + count], out=hidden[start : start + count])
            before, start = start, start + count
        ctx.sizes = tuple(sizes)
        ctx.save_for_backward(gates, cells, squashed, hidden, weight)
        return hidden

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        """grad: (N, H) -> the gradients of inputs and weight."""
        gates, cells, squashed, hidden, weight = ctx.saved_tensors
        size, sizes = weight.shape[1], ctx.sizes
        starts = [sum(sizes[:step]) for step in range(len(sizes))]
        found = torch.empty_like(gates)  # (N, 4H)
        later_hidden, later_cell = grad.new_zeros(0, size), grad.new_zeros(0, size)  # (count of the next step, H)
        for step in reversed(range(len(sizes))):
            start, count, later = starts[step], sizes[step], len(later_hidden)
            enter, keep, new, leave = gates[start : start + count].chunk(4, dim=1)  # (n, H) each
            out, tanh = grad[start : start + count].clone(), squashed[start : start + count]
            out[:later] += later_hidden
            cell = out * leave * (1 - tanh * tanh)  # (n, H)
            cell[:later] += later_cell
            d_enter, d_keep, d_new, d_leave = found[start : start + count].chunk(4, dim=1)
            torch.mul(cell * new, enter - enter * enter, out=d_enter)
            torch.mul(cell * enter, 1 - new * new, out=d_new)
            torch.mul(out * tanh, leave - leave * leave, out=d_leave)
            if step:
                earlier = cells[starts[step - 1] : starts[step - 1] + count]
                torch.mul(cell * earlier, keep - keep * keep, out=d_keep)
                later_hidden, later_cell = found[start : start + count] @ weight, cell * keep  # (n, H)
            else:
                d_keep.zero_()
        before = [torch.arange(starts[step - 1], starts[step - 1] + sizes[step]) for step in range(1, len(sizes))]
        if not before:
            return found, torch.zeros_like(weight), None
        rows = torch.cat(before).to(hidden.device)  # (N - B,), the row of the token before each one
        return found, found[sizes[0] :].t() @ hidden[rows], None
