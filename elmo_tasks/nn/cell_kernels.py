"""The element-wise part of a step of an LSTM in training, forward and backward, each in one pass over memory.

Compiled for the CPU by Numba; `cells.py` has the same in PyTorch operations. All arrays are C-contiguous. Those that
products read or write are float32, or bfloat16 as 16-bit integers; everything else is float32. A step is a `Step` of
`packing.py`: row `r` of `product`, `carried` and `grad_cell` belongs to row `start + r` of the others. Rows of these
from `known` (forward) or from the rows of the following step (backward) on must be zero.

The kernels release the GIL, so that two threads can read two directions or two halves of a batch.
"""

from __future__ import annotations

import functools
from typing import Any

import numba
import numpy as np

from elmo_tasks.elmo.engine.kernels import compiled, exp, narrow, widen

_ONE, _TWO = np.float32(1.0), np.float32(2.0)
# Sums may be reordered, multiply-adds fused and divisions approximated.
_quick = functools.partial(compiled, freedom=frozenset({"contract", "reassoc", "nsz", "arcp", "afn"}))


@numba.njit(inline="always")
def _sigmoid(x: Any) -> Any:
    return _ONE / (_ONE + exp(-x))


@numba.njit(inline="always")
def _tanh(x: Any) -> Any:
    return _TWO / (_ONE + exp(-_TWO * x)) - _ONE


@_quick
def lstm_forward(
    inputs: Any,
    product: Any,
    bias: Any,
    gates: Any,
    cells: Any,
    sent: Any,
    out: Any,
    column: int,
    start: int,
    rows: int,
    first: int,
    known: int,
) -> None:
    """inputs: (N, 4H) and product: (B, 4H), contributions of input and previous output; bias: (4H,).

    Gates are in the order input, forget, cell, output. Written: gates (N, 4H), activated; cells (N, H); the output
    (N, H) in sent, as the next product reads it, and in the H columns of `out` from `column` on.
    """
    size = cells.shape[1]
    nothing = np.zeros(size, np.float32)
    for r in range(rows):
        n = start + r
        x, p, a, c, s, o = inputs[n], product[r], gates[n], cells[n], sent[n], out[n, column : column + size]
        before = cells[first + r] if r < known else nothing
        for j in range(4 * size):  # short loops are vectorised; what they write stays in the L1 cache
            a[j] = widen(x[j]) + widen(p[j]) + bias[j]
        for j in range(4 * size):
            scale = _TWO if 2 * size <= j < 3 * size else _ONE
            a[j] = scale * _sigmoid(scale * a[j]) - (scale - _ONE)  # the candidate is a tanh
        stay, new, leave = a[size:], a[2 * size :], a[3 * size :]
        for j in range(size):
            c[j] = a[j] * new[j] + stay[j] * before[j]
        for j in range(size):
            hidden = leave[j] * _tanh(c[j])
            o[j], s[j] = hidden, narrow(hidden, sent)


@_quick
def lstm_output(
    bias: Any, sums: Any, cell: Any, out: Any, column: int, start: int, rows: int, first: int, known: int
) -> None:
    """A step of which only the output is kept. sums: (N, 4H), contributions of input and previous output; bias: (4H,).

    cell: (B, H), replaced by the next cell. Written: the H columns of `out` (N, 2H) from `column` on.
    """
    size = cell.shape[1]
    for r in range(rows):
        s, c, o = sums[start + r], cell[r], out[start + r, column : column + size]
        for j in range(size):
            enter, keep = _sigmoid(s[j] + bias[j]), _sigmoid(s[size + j] + bias[size + j])
            c[j] = enter * _tanh(s[2 * size + j] + bias[2 * size + j]) + keep * c[j]
        for j in range(size):
            o[j] = _sigmoid(s[3 * size + j] + bias[3 * size + j]) * _tanh(c[j])


@_quick
def lstm_backward(
    grad: Any,
    carried: Any,
    grad_cell: Any,
    gates: Any,
    cells: Any,
    found: Any,
    grad_bias: Any,
    column: int,
    start: int,
    rows: int,
    first: int,
    known: int,
) -> None:
    """grad: gradients of the outputs, (N, H) from `column` on; carried: (B, H), what the following step adds to them.

    grad_cell: (B, H), replaced by the gradient of the previous cell. Written: found (N, 4H), the gradients of the sums
    of the gates; added to: grad_bias (4H,).
    """
    size = cells.shape[1]
    nothing = np.zeros(size, np.float32)
    for r in range(rows):
        n = start + r
        d, w, e, a, c, f = grad[n, column : column + size], carried[r], grad_cell[r], gates[n], cells[n], found[n]
        before = cells[first + r] if r < known else nothing
        for j in range(size):
            k, m, q = size + j, 2 * size + j, 3 * size + j
            enter, keep, new, leave = a[j], a[k], a[m], a[q]
            tanh, out = _tanh(c[j]), d[j] + widen(w[j])
            cell = out * leave * (_ONE - tanh * tanh) + e[j]
            d_enter = cell * new * enter * (_ONE - enter)
            d_keep = cell * before[j] * keep * (_ONE - keep)
            d_new = cell * enter * (_ONE - new * new)
            d_leave = out * tanh * leave * (_ONE - leave)
            e[j] = cell * keep
            f[j], f[k] = narrow(d_enter, found), narrow(d_keep, found)
            f[m], f[q] = narrow(d_new, found), narrow(d_leave, found)
            grad_bias[j] += d_enter
            grad_bias[k] += d_keep
            grad_bias[m] += d_new
            grad_bias[q] += d_leave


@_quick
def highway_forward(
    inputs: Any,
    product: Any,
    bias: Any,
    keep: Any,
    gates: Any,
    cells: Any,
    sent: Any,
    out: Any,
    start: int,
    rows: int,
    first: int,
    known: int,
) -> None:
    """inputs: (N, 6H) and product: (B, 5H), contributions of input and previous output; bias: (6H,); keep: (B, H).

    Gates are in the order of `HighwayLayer`. Written: gates (N, 6H), activated; cells (N, H); the output, multiplied by
    keep, in out (N, H) and, as the next product reads it, in sent (N, H).
    """
    size = cells.shape[1]
    rest = bias[size:]
    nothing = np.zeros(size, np.float32)
    for r in range(rows):
        n = start + r
        x, p, a, c, s, o, m = inputs[n], product[r], gates[n], cells[n], sent[n], out[n], keep[r]
        before = cells[first + r] if r < known else nothing
        b, y = a[size:], x[size:]
        for j in range(size):
            a[j] = widen(x[j]) + bias[j]
        for j in range(5 * size):
            b[j] = widen(y[j]) + widen(p[j]) + rest[j]
        for j in range(5 * size):
            scale = _TWO if j >= 4 * size else _ONE
            b[j] = scale * _sigmoid(scale * b[j]) - (scale - _ONE)  # the candidate is a tanh
        for j in range(size):
            c[j] = b[2 * size + j] * b[4 * size + j] + b[3 * size + j] * before[j]
        for j in range(size):
            hidden = (b[j] * (b[size + j] * _tanh(c[j]) - a[j]) + a[j]) * m[j]
            o[j], s[j] = hidden, narrow(hidden, sent)


@_quick
def highway_backward(
    grad: Any,
    carried: Any,
    grad_cell: Any,
    keep: Any,
    gates: Any,
    cells: Any,
    found: Any,
    grad_bias: Any,
    start: int,
    rows: int,
    first: int,
    known: int,
) -> None:
    """grad: (N, H), gradients of the outputs; carried: (B, H), what the following step adds to them; keep: (B, H).

    grad_cell: (B, H), replaced by the gradient of the previous cell. Written: found (N, 6H), the gradients of the sums
    of the gates; added to: grad_bias (6H,).
    """
    size = cells.shape[1]
    nothing = np.zeros(size, np.float32)
    sums = np.empty(6 * size, np.float32)
    for r in range(rows):
        n = start + r
        d, w, e, m, a, c, f = grad[n], carried[r], grad_cell[r], keep[r], gates[n], cells[n], found[n]
        before = cells[first + r] if r < known else nothing
        for j in range(size):
            carry, high, leave = a[j], a[size + j], a[2 * size + j]
            tanh, out = _tanh(c[j]), (d[j] + widen(w[j])) * m[j]
            sums[j] = out * (_ONE - high)
            sums[size + j] = out * (leave * tanh - carry) * high * (_ONE - high)
            sums[2 * size + j] = out * high * tanh * leave * (_ONE - leave)
            e[j] += out * high * leave * (_ONE - tanh * tanh)
        for j in range(size):
            enter, stay, new, cell = a[3 * size + j], a[4 * size + j], a[5 * size + j], e[j]
            sums[3 * size + j] = cell * new * enter * (_ONE - enter)
            sums[4 * size + j] = cell * before[j] * stay * (_ONE - stay)
            sums[5 * size + j] = cell * enter * (_ONE - new * new)
            e[j] = cell * stay
        for j in range(6 * size):
            f[j] = narrow(sums[j], found)
            grad_bias[j] += sums[j]
