"""A feed-forward network of maxout units (Goodfellow et al. 2013, arXiv 1302.4389)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from elmo_tasks.nn.dropout import Dropout


class Maxout(nn.Module):
    """Layers in which a unit is the maximum of `pieces` linear functions of its input, each followed by dropout."""

    def __init__(self, input_dim: int, widths: Sequence[int], *, pieces: int, dropout: Sequence[float]) -> None:
        super().__init__()
        self.pieces = pieces
        inputs = [input_dim, *widths[:-1]]
        self.layers = nn.ModuleList(nn.Linear(n, m * pieces) for n, m in zip(inputs, widths, strict=True))
        self.dropout = nn.ModuleList(Dropout(rate) for rate in dropout)

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, D) -> (B, widths[-1])."""
        for layer, dropout in zip(self.layers, self.dropout, strict=True):
            x = dropout(layer(x).unflatten(-1, (-1, self.pieces)).amax(dim=-1))  # (B, M)
        return x
