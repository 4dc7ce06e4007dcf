"""Products with a fixed matrix, whose layout is optimised once for the hardware."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from elmo_tasks.elmo.engine.loops import loops
from elmo_tasks.elmo.engine.precision import has_kernels, has_onednn, int8_saturates

_ROWS = (
    64  # number of rows that oneDNN optimises the layout for; measured: no other value is better at 1 or at 1,000 rows
)


class Product(Protocol):
    """x (N, K) times a fixed matrix (K, M)."""

    dtype: torch.dtype
    """The type of the result of `__call__`."""
    weight_bytes: int
    """Number of bytes that are read for a product."""

    def __call__(self, x: Tensor) -> Tensor:
        """x: (N, K) float32 or `dtype` -> (N, M), including the bias."""

    def add(self, x: Tensor, base: Tensor, out: Tensor) -> None:
        """Set out (N, M) float32 to base (N, M) + the product; base is float32 or `dtype`."""

    def unscaled(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The product (N, M) without the bias, and the float32 scales (N,) still to be multiplied with its rows."""


class PlainProduct:
    """PyTorch's product, for any device."""

    def __init__(self, weight: Tensor, bias: Tensor | None, dtype: torch.dtype) -> None:
        self.dtype = dtype
        self.weight = weight.to(dtype)  # (M, K)
        self.weight_bytes = self.weight.nbytes
        self.bias = None if bias is None else bias.to(dtype)

    def __call__(self, x: Tensor) -> Tensor:
        return nn.functional.linear(x.to(self.dtype), self.weight, self.bias)  # (N, M)

    def add(self, x: Tensor, base: Tensor, out: Tensor) -> None:
        """out = base + x W^T."""
        out.copy_(self(x)).add_(base)

    def unscaled(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The product itself."""
        product = nn.functional.linear(x.to(self.dtype), self.weight)
        return product, x.new_ones(len(x), dtype=torch.float32)


class OneDnnProduct:
    """oneDNN on the CPU with weights in its blocked layout, which PyTorch would compute again at each call."""

    def __init__(self, weight: Tensor, bias: Tensor | None, dtype: torch.dtype) -> None:
        self.dtype = dtype
        self.packed = torch.ops.mkldnn._reorder_linear_weight(weight.to(dtype).contiguous(), _ROWS)
        self.weight_bytes = weight.numel() * dtype.itemsize
        self.bias = None if bias is None else bias.to(dtype)
        self._linear = torch.ops.mkldnn._linear_pointwise.default

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy makes its own layout of the weights."""
        return OneDnnProduct, (self.packed.to_dense(), self.bias, self.dtype)

    def __call__(self, x: Tensor) -> Tensor:
        return self._multiply(x, self.bias)  # (N, M)

    def add(self, x: Tensor, base: Tensor, out: Tensor) -> None:
        """out = base + x W^T, the sum in float32."""
        product = self(x)
        if self.dtype == torch.float32:
            torch.add(base, product, out=out)
        else:
            out.copy_(product).add_(base)

    def unscaled(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The product itself."""
        return self._multiply(x, None), x.new_ones(len(x), dtype=torch.float32)

    def _multiply(self, x: Tensor, bias: Tensor | None) -> Tensor:
        product: Tensor = self._linear(whole_rows(x.to(self.dtype)), self.packed, bias, "none", [], "")
        return product[: len(x)]


class Int8Product:
    """8-bit integers on the CPU: one scale per row of x, computed from that row, and one per row of the weights.

    With a single scale for the batch, as in PyTorch's dynamic quantisation, a sentence would influence its neighbours.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None, dtype: torch.dtype) -> None:
        self._lay_out(*eight_bit_weights(weight), bias, dtype)

    def _lay_out(self, rounded: Tensor, scales: Tensor, bias: Tensor | None, dtype: torch.dtype) -> None:
        """rounded: (M, K) int8, scales: (M,)."""
        self.dtype, self.weight_bytes, self.scales = dtype, rounded.numel(), scales
        # The same integers as float32, whose sums are exact up to 2**24, if oneDNN's sums would be wrong.
        self.whole = rounded.float() if int8_saturates() else None  # (M, K)
        self.packed = torch.ops.onednn.qlinear_prepack(rounded, [_ROWS, rounded.shape[1]])
        self.zeros = torch.zeros(len(rounded), dtype=torch.int64)
        self.bias = None if bias is None else bias.to(dtype)
        self._linear = torch.ops.onednn.qlinear_pointwise.default

    def __getstate__(self) -> tuple[Any, ...]:
        return self.packed.to_dense().t().contiguous(), self.scales, self.bias, self.dtype

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        """A copy makes its own layout of the weights."""
        self._lay_out(*state)

    def __call__(self, x: Tensor) -> Tensor:
        product, scale = self.unscaled(x)
        product.mul_(scale.unsqueeze(1))
        return product if self.bias is None else product.add_(self.bias)  # (N, M)

    def add(self, x: Tensor, base: Tensor, out: Tensor) -> None:
        """out = base + x W^T."""
        product, scale = self.unscaled(x)
        torch.addcmul(base.float(), product.float(), scale.unsqueeze(1), out=out)

    def unscaled(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The product (N, M) of rows scaled to a maximum of 127, without the bias, and their scales (N,)."""
        rounded, scale = eight_bits(x)
        if self.whole is not None:
            sums = (rounded.float() - 128) @ self.whole.t()  # (N, M)
            return (sums * self.scales).to(self.dtype), scale
        product = self._linear(
            whole_rows(rounded),
            1.0,
            128,
            self.packed,
            self.scales,
            self.zeros,
            None,
            1.0,
            0,
            self.dtype,
            "none",
            [],
            "",
        )
        return product[: len(x)], scale


def eight_bit_weights(weight: Tensor) -> tuple[Tensor, Tensor]:
    """(M, K) as 8-bit integers, each row scaled by its largest value, and the scales (M,) to convert them back."""
    scales = (weight.abs().amax(dim=1) / 127).clamp_min(1e-30)  # (M,)
    return (weight / scales.unsqueeze(1)).round_().to(torch.int8), scales


def whole_rows(x: Tensor) -> Tensor:
    """Pad (N, K) with zeros to one of a few numbers of rows.

    oneDNN compiles code for each shape and keeps up to a thousand of them: hundreds of MB if every number occurs.
    """
    rows = len(x)
    step = next(step for most, step in ((16, 1), (512, 32), (4096, 256), (sys.maxsize, 1024)) if rows <= most)
    missing = -rows % step
    return nn.functional.pad(x, (0, 0, 0, missing)) if missing else x


def eight_bits(x: Tensor) -> tuple[Tensor, Tensor]:
    """(N, K) as 8-bit integers, each row scaled by its largest value, and the float32 scales (N,) to convert them back.

    Unsigned with 128 as zero: oneDNN has no fast kernel for signed rows on CPUs without AMX.
    """
    if has_kernels():
        rounded, scale = torch.empty(x.shape, dtype=torch.uint8), torch.empty(len(x))
        loops().round_rows(array(x), rounded.numpy(), scale.numpy())
        return rounded, scale
    scale = x.float().abs().amax(dim=1).div_(127).clamp_min_(1e-30)  # (N,)
    return (x / scale.unsqueeze(1)).round_().add_(128).to(torch.uint8), scale


def array(tensor: Tensor) -> np.ndarray:
    """The same memory for Numba, with bfloat16 as 16-bit integers, because Numba does not support it."""
    tensor = tensor.contiguous()
    return (tensor.view(torch.uint16) if tensor.dtype == torch.bfloat16 else tensor).numpy()


Maker = Callable[[Tensor, Tensor | None], Product]
"""(weight (M, K), bias (M,) or None) -> the product."""


@dataclass(frozen=True)
class Makers:
    """Functions that prepare a matrix (M, K) and its bias (M,) or None, for each kind of product of a biLM."""

    words: Maker
    gates: Maker
    projection: Maker


def makers(arithmetic: str, device: torch.device) -> Makers:
    """The makers for an arithmetic named by `precision.arithmetic`. Weights are moved to the device.

    8-bit gates reduce the cosine by 1e-4, which is acceptable in `fast` if the CPU multiplies 8-bit integers twice as
    fast as bfloat16. The character encoder is always more precise, because its rounding errors would be in all layers.
    """
    dtype = torch.float32 if arithmetic.endswith("float32") else torch.bfloat16
    floating, eight = _floating(dtype, device), functools.partial(_eight, dtype)
    _, _, kind = arithmetic.partition("/")
    return Makers(
        words=floating,
        gates=eight if kind.startswith("int8") else floating,
        projection=eight if kind.startswith("int8") and not kind.startswith("int8-gates") else floating,
    )


def _floating(dtype: torch.dtype, device: torch.device) -> Maker:
    packs = device.type == "cpu" and has_onednn()

    def make(weight: Tensor, bias: Tensor | None = None) -> Product:
        weight = weight.detach().to(device, torch.float32)
        bias = None if bias is None else bias.detach().to(device, torch.float32)
        return OneDnnProduct(weight, bias, dtype) if packs else PlainProduct(weight, bias, dtype)

    return make


def _eight(dtype: torch.dtype, weight: Tensor, bias: Tensor | None = None) -> Product:
    return Int8Product(weight.detach().float(), None if bias is None else bias.detach().float(), dtype)
