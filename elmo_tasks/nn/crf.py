"""A linear-chain CRF without illegal starts, transitions or ends, in training and in decoding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.utils import parametrize
from torchcrf import CRF

from elmo_tasks.nn.viterbi import best_paths

ILLEGAL = -10_000.0
_LEAST = 1e-300


class _Forbid(nn.Module):
    """Fixes the parameters of illegal transitions at `ILLEGAL`, without gradient."""

    def __init__(self, legal: Tensor) -> None:
        super().__init__()
        self.legal: Tensor
        self.register_buffer("legal", legal, persistent=False)

    def forward(self, parameter: Tensor) -> Tensor:
        """parameter: (K,) or (K, K)."""
        return torch.where(self.legal, parameter, ILLEGAL)


class ConstrainedCrf(nn.Module):
    """The parameters of pytorch-crf, masked, so that the partition function sums only over legal sequences.

    Likelihood and decoding are those of pytorch-crf, but without a Python loop over sentences, and with a gradient that
    is computed directly from the marginals.
    """

    def __init__(self, start: Sequence[bool], end: Sequence[bool], step: Sequence[Sequence[bool]]) -> None:
        """start, end: (K,), step: (K, K), from `legal_transitions`."""
        super().__init__()
        self.crf = CRF(len(start), batch_first=True)
        for name, legal in (("start_transitions", start), ("end_transitions", end), ("transitions", step)):
            # unsafe: shapes and types are known to agree; checking them on the meta device imports PyTorch's compiler.
            parametrize.register_parametrization(self.crf, name, _Forbid(torch.tensor(legal)), unsafe=True)

    def forward(self, emissions: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
        """Sum of the log-likelihoods of the sentences. emissions: (B, T, K), tags: (B, T), mask: (B, T) -> scalar."""
        likelihood: Tensor = _Likelihood.apply(emissions, *self.chain(), tags, mask)  # type: ignore[no-untyped-call]
        return likelihood

    def decode(self, emissions: Tensor, mask: Tensor) -> list[list[int]]:
        """The best legal sequence of each sentence. emissions: (B, T, K), mask: (B, T)."""
        return best_paths(emissions, mask.sum(dim=1), *self.chain())

    def chain(self) -> tuple[Tensor, Tensor, Tensor]:
        """The scores of starting (K,) and ending (K,) with a tag, and of each transition (K, K)."""
        inner = self.crf
        return inner.start_transitions, inner.end_transitions, inner.transitions


class _Likelihood(torch.autograd.Function):
    """The sum of log-likelihoods; its gradient is what occurs in the gold sequences minus what is expected.

    The recursions multiply float64 weights that are relative to the largest of the same token, and at least `_LEAST`.
    """

    @staticmethod
    def forward(
        ctx: Any, emissions: Tensor, start: Tensor, end: Tensor, step: Tensor, tags: Tensor, mask: Tensor
    ) -> Tensor:
        """emissions: (B, T, K); start, end: (K,); step: (K, K); tags, mask: (B, T)."""
        scores, start, end, step = (part.double() for part in (emissions, start, end, step))
        last = mask.sum(dim=1, keepdim=True) - 1  # (B, 1)
        mirrored = (last - torch.arange(mask.shape[1], device=mask.device)).clamp_min(0).unsqueeze(2)  # (B, T, 1)
        # Each sentence is read forwards and, from its own last token, backwards, in one loop.
        top = scores.amax(2, keepdim=True)  # (B, T, 1)
        ahead = (scores - top).exp()
        both = torch.stack([ahead, ahead.take_along_dim(mirrored, 1)]).transpose(1, 2).contiguous()  # (2, T, B, K)
        moves = torch.stack([step, step.t()]).exp()  # (2, K, K)
        largest = both.new_empty(*both.shape[:3], 1)
        weights = torch.stack([start, end]).exp().unsqueeze(1)  # (2, 1, K)
        for time, now in enumerate(both.unbind(1)):  # (2, B, K), replaced by the weights of all ways to a tag
            now.mul_(torch.bmm(weights, moves) if time else weights).clamp_min_(_LEAST)
            weights = now.div_(torch.amax(now, 2, keepdim=True, out=largest[:, time]))
        reached, behind = both[0].transpose(0, 1), both[1].transpose(0, 1).take_along_dim(mirrored, 1)  # (B, T, K)
        whole = ((largest[0].transpose(0, 1).log() + top).squeeze(2) * mask).sum()
        whole += (reached.take_along_dim(last.unsqueeze(2), 1).squeeze(1) @ end.exp()).clamp_min(_LEAST).log().sum()
        tags, pairs = tags.masked_fill(~mask, 0), mask[:, 1:]
        final, count = tags.gather(1, last).squeeze(1), len(step)  # (B,)
        moved = _counts(tags[:, :-1] * count + tags[:, 1:], pairs, count * count).view(count, count)
        gold = (scores.gather(2, tags.unsqueeze(2)).squeeze(2) * mask).sum() + (step * moved).sum()
        gold += start[tags[:, 0]].sum() + end[final].sum()
        if any(ctx.needs_input_grad):
            expected = reached * behind / ahead.clamp_min(_LEAST)  # the weight of a token is in both
            expected *= mask.unsqueeze(2) / expected.sum(2, keepdim=True).clamp_min(_LEAST)
            before, after = reached[:, :-1].flatten(0, 1), behind[:, 1:].flatten(0, 1)  # (B * (T - 1), K)
            shares = pairs.flatten() / ((before @ moves[0]) * after).sum(1).clamp_min(_LEAST)
            grad = expected.neg().scatter_add_(2, tags.unsqueeze(2), mask.unsqueeze(2).double())
            ended = expected.take_along_dim(last.unsqueeze(2), 1).sum((0, 1))  # (K,)
            grad_end = _counts(final, torch.ones_like(final), count) - ended
            grad_step = moved - moves[0] * (before.t() @ (after * shares.unsqueeze(1)))
            kept = (grad, grad[:, 0].sum(0), grad_end, grad_step)
            ctx.save_for_backward(*(part.to(emissions.dtype) for part in kept))
        return (gold - whole).to(emissions.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """grad: scalar."""
        return *(part * grad for part in ctx.saved_tensors), None, None


def _counts(numbers: Tensor, weights: Tensor, size: int) -> Tensor:
    """How often each number occurs, in float64: (size,). weights: 1 for those that count, 0 for others.

    `bincount` makes the CPU wait for a GPU, and so does a boolean mask.
    """
    found = torch.zeros(size, dtype=torch.float64, device=numbers.device)
    return found.scatter_add_(0, numbers.flatten(), weights.flatten().double())
