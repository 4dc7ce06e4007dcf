"""A bidirectional LSTM layer over packed sequences that keeps only its outputs, for predictions."""

from __future__ import annotations

import torch
from torch import Tensor

from elmo_tasks.elmo.engine.loops import are_compiled_for
from elmo_tasks.nn.cells import in_pair, stepper
from elmo_tasks.nn.packing import Walk


@torch.no_grad()
def lstm_output(x: Tensor, walks: tuple[Walk, Walk], *weights: Tensor) -> Tensor:
    """The output of `LstmLayer` without a gradient, which needs the gates and cells of one step instead of all.

    Args:
        x: (N, I), packed.
        walks: forwards and backwards.
        weights: weight_ih (4H, I), weight_hh (4H, H) and bias (4H,) per direction.

    Returns: (N, 2H).
    """
    size = weights[1].shape[1]
    out = x.new_empty(len(x), 2 * size)

    def run(way: int) -> None:
        weight_ih, weight_hh, bias = weights[3 * way : 3 * way + 3]
        column, walk = way * size, walks[way]
        sums = x @ weight_ih.mT  # (N, 4H); each step adds its recurrent part
        cell = x.new_zeros(walk.most, size)  # sequences have the same row at all steps
        own = out[:, column : column + size]  # (N, H)
        step_on = stepper("lstm_output", bias, sums, cell, out, column=column, compiled=are_compiled_for(len(x)))
        for step in walk.steps:
            start, _, first, known = step
            if known:
                sums[start : start + known].addmm_(own[first : first + known], weight_hh.mT)
            step_on(step)

    in_pair(x.device, lambda: run(0), lambda: run(1))
    return out
