"""The char-CNN's convolutions and max over time as one product a group of words, with hand-written gradients.

All filters are laid into one matrix as wide as the widest (shorter ones end in zeros), so a group of words of similar
length costs one product over its windows. Only windows up to the first one that is all padding are computed: the others
repeat it. `tests/elmo/test_training_kernels.py` compares it with `CharacterEncoder` under autograd.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from elmo_tasks.pretraining.bptt import Compiler


def _max_over_windows(scores: Tensor) -> tuple[Tensor, Tensor]:
    """scores: (N, W, F) -> the greatest (N, F) and where it stands (N, F) int32."""
    greatest, where = scores.float().max(dim=1)
    return greatest.to(scores.dtype), where.to(torch.int32)


def _scatter_to_windows(grad: Tensor, where: Tensor, windows: int) -> Tensor:
    """grad, where: (N, F) -> (N, W, F), the gradient at the greatest window, zero elsewhere."""
    positions = torch.arange(windows, dtype=torch.int32, device=grad.device).view(1, windows, 1)
    return torch.where(where.unsqueeze(1) == positions, grad.unsqueeze(1), torch.zeros((), dtype=grad.dtype))


class CnnKernels:
    """The element-wise parts, compiled or as they are."""

    def __init__(self, compiler: Compiler | None = None) -> None:
        self.maximum = compiler(_max_over_windows) if compiler else _max_over_windows
        self.scatter = compiler(_scatter_to_windows) if compiler else _scatter_to_windows


class ConvolveAndMax(torch.autograd.Function):
    """(characters (N, W - 1 + K, E), filters (K * E, F)) -> (N, F): the greatest response over W windows of width K."""

    @staticmethod
    def forward(ctx: Any, characters: Tensor, filters: Tensor, kernels: CnnKernels) -> Tensor:
        words, length, dim = characters.shape
        width = filters.shape[0] // dim
        windows = length - width + 1
        patches = characters.flatten(1).unfold(1, width * dim, dim).reshape(words * windows, width * dim)
        scores = (patches @ filters).view(words, windows, -1)  # (N, W, F)
        pooled, where = kernels.maximum(scores)
        ctx.save_for_backward(patches, filters, where)
        ctx.shape, ctx.kernels = (words, length, dim, width, windows), kernels
        return pooled

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        patches, filters, where = ctx.saved_tensors
        words, length, dim, width, windows = ctx.shape
        spread = ctx.kernels.scatter(grad, where, windows).view(words * windows, -1)  # (N * W, F)
        grad_filters = patches.t() @ spread  # (K * E, F)
        grad_patches = (spread @ filters.t()).view(words, windows, width, dim)
        grad_characters = grad.new_zeros(words, length, dim, dtype=torch.float32)
        for offset in range(width):
            grad_characters[:, offset : offset + windows] += grad_patches[:, :, offset]
        return grad_characters.to(grad.dtype), grad_filters, None
