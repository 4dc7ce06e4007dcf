"""The loops of `kernels` as PyTorch operations, with the same roundings in the same order: equal to the last bit.

They need neither Numba nor a compilation, but a pass over memory per operation. Arguments are those of the kernels.
"""

from __future__ import annotations

import functools

import numpy as np
import torch
from torch import Tensor

from elmo_tasks.elmo.engine.constants import C2, C3, C4, C5, C6, HALF, LARGEST, LIMIT, LN2, LOG2E, ONE, TINY


def _constants(*numbers: np.float32) -> list[Tensor]:
    return [torch.tensor(float(number), device="cpu") for number in numbers]


_C6, *_REST = _constants(C6, C5, C4, C3, C2, ONE, ONE)
_HALF, _LOG2E, _MINUS_LN2 = _constants(HALF, LOG2E, -LN2)
_LIMIT = float(LIMIT)


def step(
    product: np.ndarray,
    scales: np.ndarray,
    inputs: np.ndarray,
    inputs_scales: np.ndarray,
    bias: np.ndarray,
    rows: np.ndarray,
    cell: np.ndarray,
    out: np.ndarray,
    clip: np.float32,
) -> None:
    """The element-wise part of a step of many sequences, see `kernels.step`."""
    which, state = torch.from_numpy(rows), torch.from_numpy(cell)
    from_input = torch.addcmul(
        torch.from_numpy(bias), _wide(inputs)[which], torch.from_numpy(inputs_scales)[which].unsqueeze(1)
    )
    gates = torch.addcmul(from_input, _wide(product), torch.from_numpy(scales).unsqueeze(1))  # (N, 4H)
    e, k, o, c = _exp(-gates).chunk(4, dim=1)  # (N, H) each
    e, k, o = e + 1, k + 1, o + 1
    both = e * (c + 1)
    new = torch.addcmul((2 - 2 * c) * k, state, both).div_(both * k)
    state.copy_(new.clamp_(-float(clip), float(clip)))
    c = _exp(-state)
    leaving = (0.5 - 0.5 * c).div_(o * (c + 1))
    _tensor(out).copy_(leaving)


def round_rows(x: np.ndarray, out: np.ndarray, scales: np.ndarray) -> None:
    """x: (N, K) as 8-bit integers with a scale per row, see `kernels.round_rows`."""
    values = _wide(x)
    largest = values.abs().amax(dim=1).div_(float(LARGEST)).clamp_min_(float(TINY))  # (N,)
    torch.from_numpy(scales).copy_(largest)
    rounded = (values * largest.reciprocal().unsqueeze(1)).round_()
    torch.from_numpy(out).copy_(rounded.to(torch.int32) + 128)


@functools.cache
def is_exact() -> bool:
    """Whether PyTorch's multiply-add rounds only once, as that of the kernels does; tried with some numbers."""
    a, b, nearly_one = (torch.linspace(*ends, 37, device="cpu") for ends in ((0.1, 0.9), (1.1, 2.3), (0.999, 1.001)))
    c = -(a * b) * nearly_one
    return torch.equal(torch.addcmul(c, a, b), (a.double() * b.double() + c.double()).float())


def _exp(x: Tensor) -> Tensor:
    y = x.clamp(-_LIMIT, _LIMIT)
    n = torch.addcmul(_HALF, y, _LOG2E).floor_()
    r = torch.addcmul(y, n, _MINUS_LN2)
    p = _C6
    for coefficient in _REST:
        p = torch.addcmul(coefficient, p, r)
    power = ((n.to(torch.int32) + 127) << 23).view(torch.float32)  # 2^n
    return p * power


def _tensor(numbers: np.ndarray) -> Tensor:
    """float32, or bfloat16 as 16-bit integers."""
    tensor = torch.from_numpy(numbers)
    return tensor.view(torch.bfloat16) if numbers.dtype == np.uint16 else tensor


def _wide(numbers: np.ndarray) -> Tensor:
    return _tensor(numbers).float()
