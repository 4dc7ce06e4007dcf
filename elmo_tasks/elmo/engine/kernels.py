"""The element-wise part of an LSTM step, and all steps of a single sentence, compiled for the CPU by Numba.

PyTorch needs seven passes over memory where one is enough here, and for a single row its calls cost more than the
arithmetic. All arrays are C-contiguous: float32, bfloat16 (as 16-bit integers), or weights of 8-bit integers. The
conventions are those of `cells.cell_step`: gates in the order input, forget, output, candidate, with the candidate
doubled; the cell is doubled; the input of the projection is halved.

The kernels release the GIL. They are compiled at first use and cached on disk by Numba if it can write there.
`sentence` takes five seconds to compile, the others less than one each, so an engine uses it only when that pays off.
"""

from __future__ import annotations

import functools
import platform
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba.core.codegen import get_host_cpu_features
from numba.extending import intrinsic, overload

from elmo_tasks.elmo.engine.constants import BITS, C2, C3, C4, C5, C6, HALF, LARGEST, LIMIT, LN2, LOG2E, ONE, TINY, TWO


def compiled(function: Any, freedom: frozenset[str] = frozenset()) -> Any:
    """Compile a kernel, and cache it on disk if Numba can write there."""
    compiler = functools.partial(numba.njit, nogil=True, fastmath=set(freedom), error_model="numpy")
    try:
        return compiler(cache=True)(function)
    except RuntimeError:  # read-only installation and no home directory
        return compiler()(function)


def is_compiled(kernel: Any) -> bool:
    """Whether Numba has compiled a kernel already, in this process or in an earlier one that left it on disk."""
    place, name = kernel.stats.cache_path, kernel.py_func.__name__
    return bool(kernel.signatures) or (place is not None and any(Path(place).glob(f"*.{name}-*.nbi")))


_X86 = platform.machine().lower() in ("x86_64", "amd64")
_FUSES = not _X86 or "+fma" in str(get_host_cpu_features()).split(",")  # type: ignore[no-untyped-call]
_in_order = functools.partial(compiled, freedom=frozenset({"contract"}))


def _rounded_once(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """a * b + c, rounded once where the processor has an instruction for it."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if _FUSES:
            return builder.fma(*arguments)
        return builder.fadd(builder.fmul(arguments[0], arguments[1]), arguments[2])

    return numba.float32(numba.float32, numba.float32, numba.float32), generate


_fma: Any = intrinsic(_rounded_once)


def widen(number: Any) -> Any:
    """Convert bfloat16 and 8-bit integers to float32; float32 is unchanged."""
    raise NotImplementedError


def narrow(number: Any, like: Any) -> Any:
    """Convert float32 to the type of the array `like`, rounding to even."""
    raise NotImplementedError


@overload(widen, strict=False)
def _widen(number: Any) -> Any:
    if number == numba.types.uint16:
        return lambda number: np.uint32(np.uint32(number) << np.uint32(16)).view(np.float32)
    if number == numba.types.int8:
        return lambda number: np.float32(number)
    return lambda number: number


@overload(narrow, strict=False)
def _narrow(number: Any, like: Any) -> Any:
    if like.dtype == numba.types.uint16:

        def rounded(number: Any, like: Any) -> Any:
            bits = np.float32(number).view(np.uint32)
            odd = np.uint32(np.uint32(bits >> np.uint32(16)) & np.uint32(1))
            return np.uint16(np.uint32(bits + np.uint32(BITS) + odd) >> np.uint32(16))

        return rounded
    return lambda number, like: number


@numba.njit(inline="always")
def exp(x: Any) -> Any:
    """exp(x) with an error of at most 2e-7, without branches or calls, so that it is vectorised."""
    y = min(max(x, -LIMIT), LIMIT)
    n = np.floor(_fma(y, LOG2E, HALF))
    r = _fma(n, -LN2, y)
    p = _fma(_fma(_fma(_fma(C6, r, C5), r, C4), r, C3), r, C2)
    p = _fma(_fma(p, r, ONE), r, ONE)
    power = np.int32(np.int32(np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)  # 2^n
    return p * power


@numba.njit(inline="always")
def _next_cell(enter: Any, keep: Any, candidate: Any, cell: Any, clip: Any) -> Any:
    """Twice the next cell, from the gates before their sigmoids (the candidate doubled) and twice the previous cell.

    Computes sigmoid(keep) cell + sigmoid(enter) (4 sigmoid(candidate) - 2) over one denominator, because divisions are
    slow.
    """
    e, k, c = ONE + exp(-enter), ONE + exp(-keep), exp(-candidate)
    both = e * (ONE + c)
    new = _fma(cell, both, (TWO - TWO * c) * k) / (both * k)
    return min(max(new, -clip), clip)


@numba.njit(inline="always")
def _leaving(leave: Any, cell: Any) -> Any:
    """sigmoid(leave) (sigmoid(cell) - 1/2), also over one denominator."""
    c = exp(-cell)
    return (HALF - HALF * c) / ((ONE + exp(-leave)) * (ONE + c))


@compiled
def step(
    product: Any, scales: Any, inputs: Any, inputs_scales: Any, bias: Any, rows: Any, cell: Any, out: Any, clip: Any
) -> None:
    """The element-wise part of a step of many sequences.

    product: (N, 4H), the gates' contribution from the hidden states; each row is multiplied by its element of scales
    (N,). inputs: (M, 4H), their contribution from the input, multiplied by inputs_scales (M,); row `rows[r]` (N,) int64
    belongs to sequence r. bias: (4H,). cell: (N, H), replaced by the next cell. out: (N, H), receives the input of the
    projection. clip: twice the bound of the cell; infinity for none. All but product, inputs and out are float32.
    """
    count, size = cell.shape
    for row in range(count):
        p, s, c, o = product[row], scales[row], cell[row], out[row]
        x, z = inputs[rows[row]], inputs_scales[rows[row]]
        for j in range(size):
            k, m, n = size + j, 2 * size + j, 3 * size + j
            enter = _fma(s, widen(p[j]), _fma(z, widen(x[j]), bias[j]))
            keep = _fma(s, widen(p[k]), _fma(z, widen(x[k]), bias[k]))
            leave = _fma(s, widen(p[m]), _fma(z, widen(x[m]), bias[m]))
            candidate = _fma(s, widen(p[n]), _fma(z, widen(x[n]), bias[n]))
            c[j] = _next_cell(enter, keep, candidate, c[j], clip)
            o[j] = narrow(_leaving(leave, c[j]), out)


@compiled
def round_rows(x: Any, out: Any, scales: Any) -> None:
    """x: (N, K) -> out: (N, K) uint8 with 128 as zero, and scales (N,) float32 such that x = scale * (out - 128)."""
    for row in range(len(x)):
        values, o = x[row], out[row]
        scale = _scale(values)
        scales[row] = scale
        inverse = ONE / scale
        for j in range(len(values)):
            o[j] = np.uint8(np.int32(np.rint(widen(values[j]) * inverse)) + np.int32(128))


@numba.njit(inline="always")
def _scale(values: Any) -> Any:
    """The scale that converts the 8-bit integers of `values` (K,) back; the largest value becomes 127."""
    largest = np.float32(0.0)
    for j in range(len(values)):
        largest = max(largest, abs(widen(values[j])))
    return max(largest / LARGEST, TINY)


@compiled
def sentence(
    inputs: Any,
    inputs_scales: Any,
    bias: Any,
    recurrent: Any,
    recurrent_scales: Any,
    projection: Any,
    projection_scales: Any,
    hidden: Any,
    cell: Any,
    clip: Any,
    proj_clip: Any,
    summed: Any,
    outputs: Any,
) -> None:
    """All steps of one sequence, with the same roundings in the same order as the products of many rows.

    inputs: (T, 4H), inputs_scales: (T,), bias: (4H,), as for `step`. recurrent: (P, 4H) and projection: (H, P), the
    weights in blocks (see `in_blocks`); 8-bit integers have a scale per column, (4H,) and (P,), others none. hidden:
    (P,), of the type of `inputs`, and cell: (H,) float32, the state before the first step, replaced by the last one.
    clip, proj_clip: float32, twice the bound of the cell and that of the projection. summed: see `multiply`. outputs:
    (T, P) float32, receives the hidden states.
    """
    size, width = len(cell), len(hidden)
    product, raw = np.empty((1, 4 * size), inputs.dtype), np.empty((1, size), inputs.dtype)
    scale, row, sent = np.empty(1, np.float32), np.zeros(1, np.int64), np.empty(width, inputs.dtype)
    values = np.empty(max(size, width), np.float32)
    sums = np.empty(max(recurrent[:, 0].size, projection[:, 0].size), np.float32)
    for t in range(len(inputs)):
        row[0] = t
        scale[0] = _product(hidden, recurrent, recurrent_scales, values, summed, sums, product[0])
        step(product, scale, inputs, inputs_scales, bias, row, cell.reshape(1, size), raw, clip)
        back = _product(raw[0], projection, projection_scales, values, summed, sums, sent)
        for j in range(width):
            value = widen(narrow(back * widen(sent[j]), sent))
            hidden[j] = narrow(min(max(value, -proj_clip), proj_clip), hidden)
            outputs[t, j] = widen(hidden[j])


def _product(x: Any, weights: Any, scales: Any, values: Any, summed: Any, sums: Any, out: Any) -> Any:
    """x: (K,) times weights in blocks -> out: (M,), rounded; returns the scale that out must still be multiplied by."""
    raise NotImplementedError


@overload(_product, strict=False)
def _any_product(x: Any, weights: Any, scales: Any, values: Any, summed: Any, sums: Any, out: Any) -> Any:
    if weights.dtype == numba.types.int8:

        def eight_bits(x: Any, weights: Any, scales: Any, values: Any, summed: Any, sums: Any, out: Any) -> Any:
            scale = _scale(x)
            inverse = ONE / scale
            for k in range(len(x)):
                values[k] = np.rint(widen(x[k]) * inverse)
            multiply(values, weights, summed, sums)  # integers
            for j in range(len(out)):
                out[j] = narrow(sums[j] * scales[j], out)
            return scale

        return eight_bits

    def floating(x: Any, weights: Any, scales: Any, values: Any, summed: Any, sums: Any, out: Any) -> Any:
        for k in range(len(x)):
            values[k] = widen(x[k])
        multiply(values, weights, summed, sums)
        for j in range(len(out)):
            out[j] = narrow(sums[j], out)
        return ONE

    return floating


def _odd_first(weights: Any) -> Any:
    """1 if the second of two products is added first, as by the CPU's bfloat16 instruction, else 0."""
    raise NotImplementedError


@overload(_odd_first, strict=False)
def _is_odd_first(weights: Any) -> Any:
    if weights.dtype == numba.types.uint16:
        return lambda weights: 1
    return lambda weights: 0


@_in_order
def multiply(x: Any, weights: Any, summed: Any, out: Any) -> None:
    """x: (K,) float32, weights: (blocks, K, W) -> out: (blocks * W,) float32. The weights are read once, in order.

    A sum is a chain of at most `summed` fused multiply-adds; several such sums are then added. oneDNN does the same for
    many rows, so the results are bit-identical.
    """
    blocks, inner, columns = weights.shape
    o, s = _odd_first(weights), np.empty(columns, np.float32)
    e = 1 - o
    for block in range(blocks):
        w, total = weights[block], out[block * columns : (block + 1) * columns]
        for start in range(0, inner, summed):
            end = min(start + summed, inner)
            eights = end - (end - start) % 8
            s[:] = np.float32(0.0)
            for k in range(start, eights, 8):
                a0, a1, a2, a3 = x[k + o], x[k + e], x[k + 2 + o], x[k + 2 + e]
                a4, a5, a6, a7 = x[k + 4 + o], x[k + 4 + e], x[k + 6 + o], x[k + 6 + e]
                w0, w1, w2, w3 = w[k + o], w[k + e], w[k + 2 + o], w[k + 2 + e]
                w4, w5, w6, w7 = w[k + 4 + o], w[k + 4 + e], w[k + 6 + o], w[k + 6 + e]
                for j in range(columns):
                    c = s[j] + a0 * widen(w0[j])
                    c = c + a1 * widen(w1[j])
                    c = c + a2 * widen(w2[j])
                    c = c + a3 * widen(w3[j])
                    c = c + a4 * widen(w4[j])
                    c = c + a5 * widen(w5[j])
                    c = c + a6 * widen(w6[j])
                    s[j] = c + a7 * widen(w7[j])
            twos = end - (end - start) % 2
            for k in range(eights, twos, 2):
                a0, a1, w0, w1 = x[k + o], x[k + e], w[k + o], w[k + e]
                for j in range(columns):
                    s[j] = (s[j] + a0 * widen(w0[j])) + a1 * widen(w1[j])
            if twos < end:
                a0, w0 = x[twos], w[twos]
                for j in range(columns):
                    s[j] += a0 * widen(w0[j])
            for j in range(columns):
                total[j] = s[j] if start == 0 else total[j] + s[j]
