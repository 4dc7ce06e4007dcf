"""Products with a fixed matrix, laid out once for the hardware that runs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn

from elmo_tasks.elmo.engine.precision import has_onednn

_ROWS = 64  # for which oneDNN lays the weights out; measured: no other choice is better at 1 or at 1,000 rows


class Product(Protocol):
    """x (N, K) times a fixed matrix (K, M)."""

    dtype: torch.dtype
    """Of what `__call__` returns."""

    def __call__(self, x: Tensor) -> Tensor:
        """x: (N, K) float32 or `dtype` -> (N, M), the bias added."""

    def add(self, x: Tensor, base: Tensor, out: Tensor) -> None:
        """out (N, M) float32 becomes base (N, M) + the product; base is float32 or of `dtype`."""


class PlainProduct:
    """What PyTorch does on any device."""

    def __init__(self, weight: Tensor, bias: Tensor | None, dtype: torch.dtype) -> None:
        self.dtype = dtype
        self.weight = weight.to(dtype)  # (M, K)
        self.bias = None if bias is None else bias.to(dtype)

    def __call__(self, x: Tensor) -> Tensor:
        return nn.functional.linear(x.to(self.dtype), self.weight, self.bias)  # (N, M)

    def add(self, x: Tensor, base: Tensor, out: Tensor) -> None:
        """out = base + x W^T."""
        out.copy_(self(x)).add_(base)


class OneDnnProduct:
    """oneDNN on the CPU, the weights in its blocked layout, which other products make anew from them at each call."""

    def __init__(self, weight: Tensor, bias: Tensor | None, dtype: torch.dtype) -> None:
        self.dtype = dtype
        self.packed = torch.ops.mkldnn._reorder_linear_weight(weight.to(dtype).contiguous(), _ROWS)
        self.bias = None if bias is None else bias.to(dtype)
        self._linear = torch.ops.mkldnn._linear_pointwise.default

    def __call__(self, x: Tensor) -> Tensor:
        product: Tensor = self._linear(x.to(self.dtype), self.packed, self.bias, "none", [], "")
        return product  # (N, M)

    def add(self, x: Tensor, base: Tensor, out: Tensor) -> None:
        """out = base + x W^T, the sum in float32."""
        product = self(x)
        if self.dtype == torch.float32:
            torch.add(base, product, out=out)
        else:
            out.copy_(product).add_(base)


class Int8Product:
    """8-bit integers on the CPU: one scale a row of x, taken from the row itself, and one a row of the weights.

    A scale for the whole batch, as PyTorch's dynamic quantisation takes it, would let a sentence change its neighbours.
    """

    dtype = torch.float32

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        self.scales = (weight.abs().amax(dim=1) / 127).clamp_min(1e-30)  # (M,)
        rounded = (weight / self.scales.unsqueeze(1)).round_().to(torch.int8)
        self.packed = torch.ops.onednn.qlinear_prepack(rounded, [_ROWS, weight.shape[1]])
        self.zeros = torch.zeros(len(weight), dtype=torch.int64)
        self.bias = torch.zeros(len(weight)) if bias is None else bias
        self._linear = torch.ops.onednn.qlinear_pointwise.default

    def __call__(self, x: Tensor) -> Tensor:
        product, scale = self._multiply(x)
        return torch.addcmul(self.bias, product, scale)  # (N, M)

    def add(self, x: Tensor, base: Tensor, out: Tensor) -> None:
        """out = base + x W^T."""
        product, scale = self._multiply(x)
        torch.addcmul(base, product, scale, out=out)

    def _multiply(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The product for rows of greatest value 127, (N, M), and the scales that they had, (N, 1)."""
        scale = x.abs().amax(dim=1, keepdim=True).div_(127).clamp_min_(1e-30)  # (N, 1)
        # Unsigned with 128 as zero: oneDNN has no fast kernel for signed rows on CPUs without AMX.
        rounded = (x / scale).round_().add_(128).to(torch.uint8)
        product = self._linear(
            rounded, 1.0, 128, self.packed, self.scales, self.zeros, None, 1.0, 0, torch.float32, "none", [], ""
        )
        return product, scale


Maker = Callable[[Tensor, Tensor | None], Product]
"""(weight (M, K), bias (M,) or None) -> the product."""


def maker(precision: str, device: torch.device) -> Maker:
    """What makes products of a resolved precision on a device. Weights are moved there."""
    dtype = torch.bfloat16 if precision == "fast" else torch.float32
    packs = device.type == "cpu" and has_onednn()

    def make(weight: Tensor, bias: Tensor | None = None) -> Product:
        weight = weight.detach().to(device, torch.float32)
        bias = None if bias is None else bias.detach().to(device, torch.float32)
        if precision == "int8":
            return Int8Product(weight, bias)
        return OneDnnProduct(weight, bias, dtype) if packs else PlainProduct(weight, bias, dtype)

    return make
