"""A linear-chain CRF without illegal starts, transitions or ends, in training and in decoding."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torchcrf import CRF

ILLEGAL = -10_000.0


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
    """pytorch-crf with its three parameters masked, so that the partition function sums only over legal sequences."""

    def __init__(self, start: Sequence[bool], end: Sequence[bool], step: Sequence[Sequence[bool]]) -> None:
        """start, end: (K,), step: (K, K), from `legal_transitions`."""
        super().__init__()
        self.crf = CRF(len(start), batch_first=True)
        for name, legal in (("start_transitions", start), ("end_transitions", end), ("transitions", step)):
            # unsafe: shapes and types are known to agree; checking them on the meta device imports PyTorch's compiler.
            parametrize.register_parametrization(self.crf, name, _Forbid(torch.tensor(legal)), unsafe=True)

    def forward(self, emissions: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
        """Sum of the log-likelihoods of the sentences. emissions: (B, T, K), tags: (B, T), mask: (B, T) -> scalar."""
        with parametrize.cached():
            likelihood: Tensor = self.crf(emissions, tags, mask=mask)
        return likelihood

    def decode(self, emissions: Tensor, mask: Tensor) -> list[list[int]]:
        """The best legal sequence of each sentence. emissions: (B, T, K), mask: (B, T)."""
        with parametrize.cached():
            best: list[list[int]] = self.crf.decode(emissions, mask=mask)
        return best

    def chain(self) -> tuple[Tensor, Tensor, Tensor]:
        """The scores of starting (K,) and ending (K,) with a tag, and of each transition (K, K)."""
        inner = self.crf
        return inner.start_transitions, inner.end_transitions, inner.transitions
