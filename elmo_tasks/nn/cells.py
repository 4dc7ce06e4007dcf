"""The element-wise part of a step of an LSTM in training: compiled for the CPU, or the same in PyTorch's operations.

The functions with PyTorch's operations have the names and arguments of those in `cell_kernels.py`, which says what they
mean; they serve other types than float32, other devices, small batches in predictions, and installations without Numba.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

import torch
from torch import Tensor

from elmo_tasks.elmo.engine.precision import has_bf16, has_kernels
from elmo_tasks.elmo.engine.products import array
from elmo_tasks.elmo.engine.sides import side_by_side
from elmo_tasks.nn.packing import Step


def rounds_products(precision: str) -> bool:
    """Whether a `precision` of `auto`, `bf16` or `32` rounds the factors of products to bfloat16 on this machine."""
    return precision == "bf16" or (precision == "auto" and has_bf16(torch.device("cpu")))


def in_pair(device: torch.device, first: Callable[[], None], second: Callable[[], None]) -> None:
    """Run both functions: side by side on a CPU, one after the other where a step does not wait for its products."""
    if device.type == "cpu":
        side_by_side(first, second, divide=True)
    else:
        first()
        second()


def stepper(name: str, *tensors: Tensor, column: int | None = None, compiled: bool = True) -> Callable[[Step], None]:
    """The function that computes a step on these tensors.

    name: of a function of this file; tensors, column: its first arguments; compiled: use the compiled function if the
    last tensor is float32 on the CPU. Training asks for it; predictions do for batches so large that the engine of a
    biLM has imported Numba, which takes most of a second, see `are_compiled_for`.
    """
    own = () if column is None else (column,)
    if compiled and tensors[-1].dtype == torch.float32 and tensors[-1].device.type == "cpu" and has_kernels():
        given = [array(tensor) for tensor in tensors]
        kernel = getattr(importlib.import_module("elmo_tasks.nn.cell_kernels"), name)
        return lambda step: kernel(*given, *own, *step)
    plain = globals()[name]
    return lambda step: plain(*tensors, *own, *step)


def lstm_forward(
    inputs: Tensor,
    product: Tensor,
    bias: Tensor,
    gates: Tensor,
    cells: Tensor,
    sent: Tensor,
    out: Tensor,
    column: int,
    start: int,
    rows: int,
    first: int,
    known: int,
) -> None:
    """`cell_kernels.lstm_forward`."""
    size, here = cells.shape[1], slice(start, start + rows)
    sums = torch.add(inputs[here], bias, out=gates[here]).add_(product[:rows])
    enter, keep, new, leave = sums.chunk(4, dim=1)  # (n, H) each
    sums[:, : 2 * size].sigmoid_()
    new.tanh_()
    leave.sigmoid_()
    cell = torch.mul(enter, new, out=cells[here])
    cell[:known].addcmul_(keep[:known], cells[first : first + known])
    torch.mul(leave, cell.tanh(), out=out[here, column : column + size])
    sent[here] = out[here, column : column + size]


def lstm_output(
    bias: Tensor, sums: Tensor, cell: Tensor, out: Tensor, column: int, start: int, rows: int, first: int, known: int
) -> None:
    """`cell_kernels.lstm_output`."""
    size, here = cell.shape[1], slice(start, start + rows)
    gates = sums[here].add_(bias)
    enter, keep, new, leave = gates.chunk(4, dim=1)  # (n, H) each
    gates[:, : 2 * size].sigmoid_()
    new.tanh_()
    leave.sigmoid_()
    now = cell[:rows].mul_(keep).addcmul_(enter, new)
    torch.mul(leave, now.tanh(), out=out[here, column : column + size])


def lstm_backward(
    grad: Tensor,
    carried: Tensor,
    grad_cell: Tensor,
    gates: Tensor,
    cells: Tensor,
    found: Tensor,
    grad_bias: Tensor,
    column: int,
    start: int,
    rows: int,
    first: int,
    known: int,
) -> None:
    """`cell_kernels.lstm_backward`."""
    size, here = cells.shape[1], slice(start, start + rows)
    enter, keep, new, leave = gates[here].chunk(4, dim=1)  # (n, H) each
    before = torch.zeros_like(enter)
    before[:known] = cells[first : first + known]
    tanh, out = cells[here].tanh(), grad[here, column : column + size] + carried[:rows]
    cell = out * leave * (1 - tanh * tanh) + grad_cell[:rows]
    parts = [
        cell * new * enter * (1 - enter),
        cell * before * keep * (1 - keep),
        cell * enter * (1 - new * new),
        out * tanh * leave * (1 - leave),
    ]
    torch.mul(cell, keep, out=grad_cell[:rows])
    sums = torch.cat(parts, dim=1)  # (n, 4H)
    found[here] = sums
    grad_bias += sums.sum(dim=0)


def highway_forward(
    inputs: Tensor,
    product: Tensor,
    bias: Tensor,
    keep: Tensor,
    gates: Tensor,
    cells: Tensor,
    sent: Tensor,
    out: Tensor,
    start: int,
    rows: int,
    first: int,
    known: int,
) -> None:
    """`cell_kernels.highway_forward`."""
    size, here = cells.shape[1], slice(start, start + rows)
    sums = gates[here]
    torch.add(inputs[here], bias, out=sums)
    sums[:, size:].add_(product[:rows])
    sums[:, size : 5 * size].sigmoid_()
    carry, highway, leave, enter, stay, new = sums.chunk(6, dim=1)  # (n, H) each
    new.tanh_()
    cell = torch.mul(enter, new, out=cells[here])
    cell[:known].addcmul_(stay[:known], cells[first : first + known])
    torch.lerp(carry, leave * cell.tanh(), highway, out=out[here]).mul_(keep[:rows])
    sent[here] = out[here]


def highway_backward(
    grad: Tensor,
    carried: Tensor,
    grad_cell: Tensor,
    keep: Tensor,
    gates: Tensor,
    cells: Tensor,
    found: Tensor,
    grad_bias: Tensor,
    start: int,
    rows: int,
    first: int,
    known: int,
) -> None:
    """`cell_kernels.highway_backward`."""
    here = slice(start, start + rows)
    carry, highway, leave, enter, stay, new = gates[here].chunk(6, dim=1)  # (n, H) each
    before = torch.zeros_like(enter)
    before[:known] = cells[first : first + known]
    tanh, out = cells[here].tanh(), (grad[here] + carried[:rows]) * keep[:rows]
    cell = out * highway * leave * (1 - tanh * tanh) + grad_cell[:rows]
    parts = [
        out * (1 - highway),
        out * (leave * tanh - carry) * highway * (1 - highway),
        out * highway * tanh * leave * (1 - leave),
        cell * new * enter * (1 - enter),
        cell * before * stay * (1 - stay),
        cell * enter * (1 - new * new),
    ]
    torch.mul(cell, stay, out=grad_cell[:rows])
    sums = torch.cat(parts, dim=1)  # (n, 6H)
    found[here] = sums
    grad_bias += sums.sum(dim=0)
