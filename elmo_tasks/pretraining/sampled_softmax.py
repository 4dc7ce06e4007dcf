"""The language-model loss: over a sample of the vocabulary (Jean et al. 2015; as in TensorFlow), and over all of it."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from elmo_tasks.pretraining.bptt import Compiler

_LOGITS = 2**23  # logits computed at a time in the full softmax: 32 MiB, which the allocator reuses for the next part


class LogUniformSampler:
    """Draws distinct classes with probability `log((k + 2) / (k + 1)) / log(V + 1)`; class 0 is the most frequent.

    The distribution of TensorFlow's `log_uniform_candidate_sampler`, for a vocabulary sorted by frequency. If as many
    samples are requested as there are classes, nothing is drawn: every class is a sample, so the loss is that of the
    full softmax. (Drawing until the last of 8,192 classes appears takes half a million draws.)
    """

    def __init__(self, vocabulary: int, samples: int) -> None:
        if not 0 < samples <= vocabulary:
            raise ValueError(f"samples must be from 1 to {vocabulary}, the number of classes, not {samples}")
        self.vocabulary, self.samples = vocabulary, samples
        classes = torch.arange(vocabulary, dtype=torch.float64)
        self.probability = torch.log((classes + 2) / (classes + 1)) / math.log(vocabulary + 1)  # (V,)

    def draw(self, generator: torch.Generator) -> tuple[Tensor, int]:
        """Draw until there are enough distinct classes. Returns: sorted classes (S,), and the number of draws."""
        if self.samples == self.vocabulary:
            return torch.arange(self.vocabulary), 0
        seen = torch.zeros(0, dtype=torch.long)
        while True:
            uniform = torch.rand(2 * self.samples, generator=generator, dtype=torch.float64)
            drawn = (torch.exp(uniform * math.log(self.vocabulary + 1)).long() - 1).clamp(0, self.vocabulary - 1)
            seen = torch.cat([seen, drawn])
            # Index of the first draw of each class, in the order of the draws: the S-th ends the experiment.
            classes, inverse = torch.unique(seen, return_inverse=True)
            if len(classes) < self.samples:
                continue
            first = torch.full((len(classes),), len(seen)).scatter_reduce(0, inverse, torch.arange(len(seen)), "amin")
            last = first.kthvalue(self.samples).values
            return classes[first <= last], int(last) + 1

    def log_expected_count(self, classes: Tensor, tries: int) -> Tensor:
        """Log of the chance that a class is among the samples after `tries` draws. classes: (N,) -> (N,) float32."""
        if self.samples == self.vocabulary:
            return torch.zeros(len(classes), device=classes.device)
        if self.probability.device != classes.device:  # moved once
            self.probability = self.probability.to(classes.device)
        probability = self.probability[classes]
        return torch.log(-torch.expm1(tries * torch.log1p(-probability))).float().to(classes.device)


def _row_losses(logits: Tensor, bias: Tensor, true: Tensor) -> tuple[Tensor, Tensor]:
    """logits: (N, S), bias: (S,), true: (N,) -> cross-entropy (N,) and the probabilities of the samples (N, S)."""
    scores = logits.float() + bias
    top = torch.maximum(scores.amax(dim=1), true)
    exp = torch.exp(scores - top[:, None])
    total = exp.sum(dim=1) + torch.exp(true - top)
    return top + torch.log(total) - true, (exp / total[:, None]).to(logits.dtype)


class SoftmaxKernels:
    """The element-wise part of the loss, compiled or not, and the number of rows it processes at a time."""

    def __init__(self, compiler: Compiler | None = None, rows: int = 512) -> None:
        self.row_losses = compiler(_row_losses) if compiler else _row_losses
        self.rows = rows


class SampledCrossEntropy(torch.autograd.Function):
    """Sum of the cross-entropies; gradients are computed with it, so no (N, S) tensor outlives a chunk of rows."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,  # (N, P)
        true_weight: Tensor,  # (N, P)
        true_bias: Tensor,  # (N,) float32, with the log expected count already subtracted
        weight: Tensor,  # (S, P)
        bias: Tensor,  # (S,) float32, likewise
        collision: Tensor,  # (N,) int64: the column of the row's own target among the samples, or -1
        kernels: SoftmaxKernels,
    ) -> Tensor:
        true = (hidden.float() * true_weight.float()).sum(dim=1) + true_bias  # (N,)
        transposed = weight.t().contiguous()  # (P, S)
        grad_hidden, grad_weight = torch.empty_like(hidden), torch.zeros_like(transposed, dtype=torch.float32)
        grad_bias, grad_true = torch.zeros_like(bias), torch.empty_like(true)
        loss = torch.zeros((), dtype=torch.float32, device=hidden.device)
        for start in range(0, len(hidden), kernels.rows):
            part = slice(start, start + kernels.rows)
            logits = hidden[part] @ transposed  # (R, S)
            column = collision[part, None]  # (R, 1); an accidental hit is not a negative sample
            kept = logits.gather(1, column.clamp(min=0)).masked_fill_(column >= 0, -torch.inf)
            logits.scatter_(1, column.clamp(min=0), kept)
            losses, probability = kernels.row_losses(logits, bias, true[part])
            loss += losses.sum()
            grad_hidden[part] = probability @ weight
            grad_weight += hidden[part].t() @ probability
            grad_bias += probability.sum(dim=0)
            grad_true[part] = torch.expm1(-losses)
        grad_true_weight = grad_true[:, None] * hidden.float()
        grad_hidden += (grad_true[:, None] * true_weight.float()).to(grad_hidden.dtype)
        ctx.save_for_backward(grad_hidden, grad_true_weight, grad_true, grad_weight.t(), grad_bias)
        ctx.dtypes = true_weight.dtype, weight.dtype
        return loss

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        hidden, true_weight, true_bias, weight, bias = ctx.saved_tensors
        return (
            hidden * grad.to(hidden.dtype),
            (true_weight * grad).to(ctx.dtypes[0]),
            true_bias * grad,
            (weight * grad).to(ctx.dtypes[1]),
            bias * grad,
            None,
            None,
        )


@torch.no_grad()
def exact_losses(
    hidden: Tensor, targets: Tensor, weight: Tensor, bias: Tensor, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Cross-entropy over all classes, without gradients. Products are computed in `dtype`, the rest in float32.

    hidden: (N, P), targets: (N,), weight: (V, P), bias: (V,) -> (N,) float32.
    """
    weight, parts, rows = weight.to(dtype), [], max(1, _LOGITS // len(bias))
    for start in range(0, len(hidden), rows):
        logits = (hidden[start : start + rows].to(dtype) @ weight.t()).float().add_(bias)  # (R, V)
        right = logits.gather(1, targets[start : start + rows, None])  # (R, 1)
        highest = logits.amax(dim=1, keepdim=True)  # (R, 1)
        total = (
            logits.sub_(highest).exp_().sum(dim=1, keepdim=True)
        )  # (R, 1), in place: memory bandwidth is the bottleneck
        parts.append((total.log() + highest - right).squeeze(1))
    return torch.cat(parts) if parts else hidden.new_zeros(0)
