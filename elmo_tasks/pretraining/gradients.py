"""Gradients of several processes and of sparse parameters: their sum over processes, and their joint norm."""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn import Parameter


def average_gradients(parameters: list[Parameter]) -> None:
    """Replace each dense gradient by its mean over all processes."""
    for parameter in parameters:
        assert parameter.grad is not None
        dist.all_reduce(parameter.grad)
        parameter.grad /= dist.get_world_size()


def average_sparse_gradients(parameters: list[Parameter]) -> None:
    """Replace each sparse gradient by its mean over all processes.

    Rows are gathered, not reduced: NCCL has no sparse all-reduce, and a step involves few rows of the softmax.
    """
    world = dist.get_world_size()
    for parameter in parameters:
        assert parameter.grad is not None
        own = parameter.grad.coalesce()
        count = torch.tensor([own.indices().shape[1]], device=own.device)
        counts = [torch.zeros_like(count) for _ in range(world)]
        dist.all_gather(counts, count)
        sizes = [int(entry) for entry in counts]
        indices = _gather(own.indices()[0], max(sizes), sizes)  # (R,) of all processes
        values = _gather(own.values(), max(sizes), sizes) / world  # (R, P)
        parameter.grad = torch.sparse_coo_tensor(indices[None], values, own.shape, check_invariants=False).coalesce()


def _gather(rows: Tensor, longest: int, sizes: list[int]) -> Tensor:
    """Concatenate the rows of all processes. rows: (R_i, ...) -> (sum of R_i, ...)."""
    padded = rows.new_zeros(longest, *rows.shape[1:])
    padded[: len(rows)] = rows
    parts = [torch.empty_like(padded) for _ in sizes]
    dist.all_gather(parts, padded)
    return torch.cat([part[:size] for part, size in zip(parts, sizes, strict=True)])


def clip_gradients(parameters: list[Parameter], limit: float) -> Tensor:
    """Scale all gradients, including sparse ones, to a joint norm of at most `limit`. Returns the original norm."""
    gradients = []
    for parameter in parameters:
        if parameter.grad is not None:
            if parameter.grad.is_sparse:
                parameter.grad = parameter.grad.coalesce()
                gradients.append(parameter.grad.values())
            else:
                gradients.append(parameter.grad)
    norm: Tensor = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(gradient) for gradient in gradients]))
    scale = (limit / (norm + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(scale)
    return norm
