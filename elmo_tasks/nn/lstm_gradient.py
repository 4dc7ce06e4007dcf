"""A bidirectional LSTM layer over packed sequences, with a hand-written gradient.

PyTorch's packed LSTM slices its input step by step, and the gradient of every slice is a tensor as large as the whole
input. Here a step is one product and one pass over memory, all other products are one product per layer, and the two
directions have a thread each.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from elmo_tasks.nn.cells import in_pair, stepper
from elmo_tasks.nn.packing import Walk, whole_rows

Walks = tuple[Walk, Walk]


class LstmLayer(torch.autograd.Function):
    """x (N, I), walks, kind, compiled, and weight_ih (4H, I), weight_hh (4H, H), bias (4H,) per direction -> (N, 2H).

    Rows are packed, see `Packing`. Gates are in PyTorch's order: input, forget, cell, output. The state before the
    first token is zero. kind: the type to which the factors of products are rounded, that of the input or bfloat16;
    everything else has the type of the input; compiled: see `stepper`.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, walks: Walks, kind: torch.dtype, compiled: bool, *weights: Tensor) -> Tensor:
        out = x.new_empty(len(x), 2 * weights[1].shape[1])
        read = whole_rows(x, kind)  # (M, I), M >= N
        kept: list[tuple[Tensor, ...]] = [(), ()]

        def run(way: int) -> None:
            weight_ih, weight_hh, bias = weights[3 * way : 3 * way + 3]
            kept[way] = _forward(read, weight_ih, weight_hh, bias, walks[way], out, way, compiled)

        in_pair(read.device, lambda: run(0), lambda: run(1))
        ctx.walks = walks
        ctx.save_for_backward(read, *kept[0], *kept[1])
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        read, *saved = ctx.saved_tensors
        found: list[tuple[Tensor, ...]] = [(), ()]
        grad, wanted = grad.contiguous(), ctx.needs_input_grad[0]

        def run(way: int) -> None:
            weight_ih, weight_hh, gates, cells, sent = saved[5 * way : 5 * way + 5]
            kept = weight_ih, weight_hh, gates, cells, sent
            found[way] = _backward(grad, read, kept, ctx.walks[way], way, wanted)

        in_pair(read.device, lambda: run(0), lambda: run(1))
        (d_x, *ahead), (other, *behind) = found
        return d_x.to(grad.dtype).add_(other) if wanted else None, None, None, None, *ahead, *behind


def _forward(
    read: Tensor, weight_ih: Tensor, weight_hh: Tensor, bias: Tensor, walk: Walk, out: Tensor, way: int, compiled: bool
) -> tuple[Tensor, ...]:
    """One direction: fills its columns of `out` (N, 2H). Returns both weights as `kind`, gates, cells and outputs."""
    kind, size, count = read.dtype, weight_hh.shape[1], len(out)
    weight_ih, weight_hh = weight_ih.to(kind), weight_hh.to(kind)
    inputs = read @ weight_ih.mT  # (M, 4H)
    recurrent = weight_hh.mT.contiguous()  # (H, 4H)
    product = read.new_empty(walk.most, 4 * size)
    gates, cells, sent = out.new_empty(count, 4 * size), out.new_empty(count, size), read.new_empty(count + 1, size)
    sent[-1] = 0  # what a token without a previous one reads
    tensors = (inputs, product, bias, gates, cells, sent, out)
    run = stepper("lstm_forward", *tensors, column=way * size, compiled=compiled)
    for step in walk.steps:
        _, rows, first, known = step
        if known:
            torch.mm(sent[first : first + known], recurrent, out=product[:known])
        if known < rows:
            product[known:rows] = 0
        run(step)
    return weight_ih, weight_hh, gates, cells, sent


def _backward(
    grad: Tensor, read: Tensor, kept: tuple[Tensor, Tensor, Tensor, Tensor, Tensor], walk: Walk, way: int, wanted: bool
) -> tuple[Tensor, ...]:
    """One direction. grad: (N, 2H), kept: what `_forward` returned.

    Returns the gradients of the input, if wanted, of both weights and of the bias.
    """
    weight_ih, weight_hh, gates, cells, sent = kept
    count, size = cells.shape
    found = sent.new_empty(len(read), 4 * size)  # (M, 4H)
    found[count:] = 0
    grad_bias, grad_cell = grad.new_zeros(4 * size), grad.new_empty(walk.most, size)
    carried = sent.new_empty(walk.most, size)
    run = stepper("lstm_backward", grad, carried, grad_cell, gates, cells, found, grad_bias, column=way * size)
    later = 0  # rows of the following step
    for step in reversed(walk.steps):
        if later < step.rows:
            carried[later : step.rows] = 0
            grad_cell[later : step.rows] = 0
        run(step)
        later = step.known
        if later:
            torch.mm(found[step.start : step.start + later], weight_hh, out=carried[:later])
    d_x = (found @ weight_ih)[:count] if wanted else grad_bias
    earlier = whole_rows(sent.index_select(0, walk.past), sent.dtype)  # (M, H)
    return d_x, (found.mT @ read).to(grad.dtype), (found.mT @ earlier).to(grad.dtype), grad_bias
