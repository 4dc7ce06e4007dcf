"""The alternating highway LSTM of He et al. 2017, over packed sequences, with hand-written gradients.

Automatic differentiation of a loop over tokens spends its time on thousands of small operations. Here all products with
the input are one product per layer, and a step is one product and one pass over memory. Two threads have one half of
the sequences each. No operation ever touches padding. `tests/nn/test_highway_lstm.py` compares it with a cell written
from the paper under autograd.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from elmo_tasks.elmo.engine.loops import are_compiled_for
from elmo_tasks.nn.cells import in_pair, stepper
from elmo_tasks.nn.packing import Packing, Step, Walk, whole_rows


class HighwayLayer(torch.autograd.Function):
    """x (N, I), weight_ih (6H, I), weight_hh (5H, H), bias (6H,), keep (B, H), walk, kind, compiled -> (N, H).

    Gates in the order carry (linear, only from the input), highway, output, input, forget (sigmoid), candidate (tanh).
    keep: a mask that multiplies the outputs of each sequence at all its steps (variational dropout); kind: the type to
    which the factors of products are rounded, that of the input or bfloat16. Everything else has the type of the input.
    compiled: see `stepper`.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight_ih: Tensor,
        weight_hh: Tensor,
        bias: Tensor,
        keep: Tensor,
        walk: Walk,
        kind: torch.dtype,
        compiled: bool,
    ) -> Tensor:
        count, size = len(x), weight_hh.shape[1]
        read, weight_ih, weight_hh = whole_rows(x, kind), weight_ih.to(kind), weight_hh.to(kind)
        inputs = read @ weight_ih.mT  # (M, 6H), M >= N
        recurrent = weight_hh.mT.contiguous()  # (H, 5H)
        gates, cells, out = (x.new_empty(count, width) for width in (6 * size, size, size))
        sent, product = read.new_empty(count + 1, size), read.new_empty(len(keep), 5 * size)
        sent[-1] = 0  # what a token without a previous one reads

        def run(steps: tuple[Step, ...], rank: int) -> None:
            own = product[rank:]
            tensors = (inputs, own, bias, keep[rank:], gates, cells, sent, out)
            run_step = stepper("highway_forward", *tensors, compiled=compiled)
            for step in steps:
                _, rows, first, known = step
                if known:
                    torch.mm(sent[first : first + known], recurrent, out=own[:known])
                if known < rows:
                    own[known:rows] = 0
                run_step(step)

        _in_halves(walk, run)
        ctx.save_for_backward(read, weight_ih, weight_hh, keep, gates, cells, sent)
        ctx.walk = walk
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        read, weight_ih, weight_hh, keep, gates, cells, sent = ctx.saved_tensors
        count, size = cells.shape
        grad = grad.contiguous()
        found = sent.new_empty(len(read), 6 * size)  # (M, 6H)
        found[count:] = 0
        carried, grad_cell, grad_bias = torch.empty_like(keep, dtype=sent.dtype), torch.empty_like(keep), []

        def run(steps: tuple[Step, ...], rank: int) -> None:
            own, own_cell, own_bias = carried[rank:], grad_cell[rank:], grad.new_zeros(6 * size)
            grad_bias.append(own_bias)
            run_step = stepper(
                "highway_backward", grad, own, own_cell, keep[rank:], gates, cells, found, own_bias
            )  # fmt: skip
            later = 0  # rows of the following step
            for step in reversed(steps):
                if later < step.rows:
                    own[later : step.rows] = 0
                    own_cell[later : step.rows] = 0
                run_step(step)
                later = step.known
                if later:
                    torch.mm(found[step.start : step.start + later, size:], weight_hh, out=own[:later])

        _in_halves(ctx.walk, run)
        earlier = whole_rows(sent.index_select(0, ctx.walk.past), sent.dtype)  # (M, H)
        return (
            (found @ weight_ih)[:count].to(grad.dtype) if ctx.needs_input_grad[0] else None,
            (found.mT @ read).to(grad.dtype),
            (found[:, size:].mT @ earlier).to(grad.dtype),
            torch.stack(grad_bias).sum(dim=0),
            None,
            None,
            None,
            None,
        )


def _in_halves(walk: Walk, run: Callable[[tuple[Step, ...], int], None]) -> None:
    """Run the steps, given with the rank of their first sequence: in two halves if there are two threads for them."""
    device = walk.past.device
    if torch.get_num_threads() < 2 or walk.most < 2 or device.type != "cpu":
        run(walk.steps, 0)
    else:
        left, right = walk.halves()
        in_pair(device, lambda: run(left, 0), lambda: run(right, -(-walk.most // 2)))


class HighwayLstm(nn.Module):
    """Stacked layers that read the sentence alternately forwards and backwards.

    He et al. 2017, sections 2.1 and 2.2: highway connections between layers, variational dropout (the same mask at all
    steps of a sentence) on the hidden states passed to the next step and to the layer above, and orthonormal initial
    matrices. The bias of the forget gate starts at 1, as in AllenNLP.
    """

    def __init__(self, *, input_dim: int, hidden: int, layers: int, dropout: float, bf16: bool = False) -> None:
        """bf16: round the factors of products to bfloat16; weights, sums and everything else are not rounded."""
        super().__init__()
        self.width, self.dropout, self.bf16 = hidden, dropout, bf16
        widths = [input_dim] + [hidden] * (layers - 1)
        self.weight_ih = nn.ParameterList(nn.Parameter(torch.empty(6 * hidden, width)) for width in widths)
        self.weight_hh = nn.ParameterList(nn.Parameter(torch.empty(5 * hidden, hidden)) for _ in widths)
        self.bias = nn.ParameterList(nn.Parameter(torch.zeros(6 * hidden)) for _ in widths)
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Initialise the matrix of each gate to be orthonormal."""
        for matrices in (self.weight_ih, self.weight_hh):
            for matrix in matrices:
                for gate in matrix.split(self.width):
                    nn.init.orthogonal_(gate)
        for bias in self.bias:
            bias.zero_()
            bias[4 * self.width : 5 * self.width] = 1.0

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """x: (B, T, D), lengths: (B,) on the CPU -> (B, T, H), zero beyond each length."""
        packing = Packing.of(lengths, x.shape[1], x.device)
        return packing.unpack(self.packed(packing.pack(x), packing))

    def packed(self, x: Tensor, packing: Packing) -> Tensor:
        """`forward` for a packed batch. x: (N, D) -> (N, H)."""
        kind = torch.bfloat16 if self.bf16 else x.dtype
        compiled = self.training or are_compiled_for(len(x))
        for number, weights in enumerate(zip(self.weight_ih, self.weight_hh, self.bias, strict=True)):
            keep = x.new_ones(packing.sizes[0], self.width)  # (B, H)
            if self.training and self.dropout:
                keep = nn.functional.dropout(keep, self.dropout)
            walk = packing.walks[number % 2]
            x = HighwayLayer.apply(x, *weights, keep, walk, kind, compiled)  # type: ignore[no-untyped-call]
        return x
