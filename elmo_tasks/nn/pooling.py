"""Pool the vectors of tokens into one vector per sentence. Padding is ignored; every sentence has a token."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def masked_mean(x: Tensor, mask: Tensor) -> Tensor:
    """Sum over real tokens divided by their number. x: (B, T, D), mask: (B, T) -> (B, D)."""
    total = (x * mask.unsqueeze(-1)).sum(dim=1)  # (B, D)
    return total / mask.sum(dim=1, keepdim=True)


def masked_max(x: Tensor, mask: Tensor) -> Tensor:
    """Maximum over real tokens. x: (B, T, D), mask: (B, T) -> (B, D)."""
    return x.masked_fill(~mask.unsqueeze(-1), -torch.inf).amax(dim=1)  # (B, D)


def masked_min(x: Tensor, mask: Tensor) -> Tensor:
    """Minimum over real tokens. x: (B, T, D), mask: (B, T) -> (B, D)."""
    return -masked_max(-x, mask)


class AttentionPooling(nn.Module):
    """Mean of the tokens, weighted by the softmax of learned scores.

    The self-attentive pooling of McCann et al. 2017 (arXiv 1708.00107, section 4): weights softmax(X v + d).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.score = nn.Linear(width, 1)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x: (B, T, D), mask: (B, T) -> (B, D)."""
        scores = self.score(x).squeeze(-1).masked_fill(~mask, -torch.inf)  # (B, T)
        return torch.einsum("bt,btd->bd", scores.softmax(dim=1), x)  # (B, D)
