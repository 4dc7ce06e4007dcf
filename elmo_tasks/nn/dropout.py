"""Dropout with one random number per four elements: torch draws one per element, sequentially on a CPU."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def seed_draws(seed: int, device: torch.device) -> None:
    """Seed the random numbers of PyTorch on the CPU and on `device`.

    `torch.manual_seed` seeds all kinds of devices, and formats the stack of the caller for each that is not in use.
    """
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)


def dropout(x: Tensor, rate: float, training: bool = True) -> Tensor:
    """Zero each element with probability `rate`, rounded to 1/65536, and scale the others by `1 / (1 - rate)`."""
    dropped = round(rate * 65536)
    if not training or dropped == 0:
        return x
    count = x.numel()
    drawn = torch.empty((count + 3) // 4, dtype=torch.int64, device=x.device).random_(-(2**63), None)
    keep = drawn.view(torch.int16)[:count].view(x.shape) >= dropped - 32768
    return x * (keep.to(x.dtype) * (65536 / (65536 - dropped)))


class Dropout(nn.Dropout):
    """`dropout` as a module; on a GPU, PyTorch's own."""

    def forward(self, input: Tensor) -> Tensor:
        """Any shape."""
        return super().forward(input) if input.is_cuda else dropout(input, self.p, self.training)
