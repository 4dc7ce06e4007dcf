"""One step of an LSTM layer between its two products: in one compiled pass over memory, or with PyTorch operations."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from elmo_tasks.elmo.engine.loops import loops
from elmo_tasks.elmo.engine.products import Product, array


class GateStep(Protocol):
    """The gates and the cell of one direction, for N parallel sequences."""

    def table(self, x: Tensor) -> Any:
        """The gates' contribution from M inputs x (M, P), in the form that `__call__` expects."""

    def __call__(self, hidden: Tensor, table: Any, rows: Tensor, cell: Tensor) -> Tensor:
        """Compute the next cell and the input of the projection.

        hidden: (N, P); rows: (N,) int64, the input in the table of each sequence. cell: (N, H) float32, twice the cell,
        replaced by the next one. Returns (N, H), half of the input of the projection.
        """


class PlainCell:
    """PyTorch operations, in place, on any device."""

    def __init__(self, from_input: Product, from_hidden: Product, clip: float | None) -> None:
        self.table, self.from_hidden, self.clip = from_input, from_hidden, clip

    def __call__(self, hidden: Tensor, table: Any, rows: Tensor, cell: Tensor) -> Tensor:
        return self.step(hidden, table[rows], cell)

    def step(self, hidden: Tensor, inputs: Tensor, cell: Tensor) -> Tensor:
        """`__call__` with the contribution from the input of each sequence, (N, 4H)."""
        count, size = cell.shape
        gates = cell.new_empty(count, 4, size)
        self.from_hidden.add(hidden, inputs, gates.flatten(1))
        return cell_step(gates, cell, self.clip)  # (N, H)


class FusedCell:
    """One of the `loops`, on one CPU thread: a single pass over memory once it is compiled."""

    def __init__(self, from_input: Product, from_hidden: Product, bias: Tensor, clip: float | None) -> None:
        self.from_input, self.from_hidden = from_input, from_hidden
        self.bias = array(bias.detach())  # (4H,)
        self.bound = np.float32(np.inf if clip is None else 2.0 * clip)

    def table(self, x: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """The product with x (M, P), without the bias, and the scales of its rows."""
        product, scales = self.from_input.unscaled(x)
        return array(product), scales.numpy()  # (M, 4H), (M,)

    def __call__(self, hidden: Tensor, table: Any, rows: Tensor, cell: Tensor) -> Tensor:
        product, scales = self.from_hidden.unscaled(hidden)  # (N, 4H), (N,)
        raw = torch.empty(cell.shape, dtype=product.dtype)
        loops().step(
            array(product), scales.numpy(), *table, self.bias, rows.numpy(), cell.numpy(), array(raw), self.bound
        )  # fmt: skip
        return raw  # (N, H)


def cell_step(gates: Tensor, cell: Tensor, clip: float | None) -> Tensor:
    """The element-wise part of a step.

    gates: (N, 4, H), summed, in the order input, forget, output, candidate, with the candidate doubled; overwritten.
    cell: (N, H), twice the cell, replaced by the next one. Returns (N, H), half of the input of the projection.

    tanh(x) is 2 sigmoid(2x) - 1, and PyTorch's sigmoid takes a sixth of the time of its tanh. The factors of two are
    folded into the weights, which is exact.
    """
    i, f, o, g = gates.sigmoid_().unbind(1)  # (N, H) each
    cell.mul_(f).addcmul_(i, g, value=4.0).sub_(i, alpha=2.0)
    if clip is not None:
        cell.clamp_(-2.0 * clip, 2.0 * clip)
    return torch.sigmoid(cell).mul_(o).sub_(o, alpha=0.5)
