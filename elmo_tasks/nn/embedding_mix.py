"""Convert the inputs of a batch to one vector per token, with one module per source."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from elmo_tasks.elmo.scalar_mix import ScalarMix


class FrozenLayers(nn.Module):
    """The layers of a frozen source, mixed by a ScalarMix or fixed to one, optionally normalised, then dropout."""

    def __init__(
        self, *, n_layers: int, width: int, layers: str = "mix", layer_norm: bool = False, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.width = width
        self.fixed = None if layers == "mix" or n_layers == 1 else int(layers)
        self.mix = ScalarMix(n_layers) if self.fixed is None and n_layers > 1 else None
        self.norm = nn.LayerNorm(width) if layer_norm else None
        self.dropout = nn.Dropout(dropout)

    def forward(self, layers: Tensor, mask: Tensor) -> Tensor:
        """layers: (B, L, T, D), mask: (B, T) -> (B, T, D)."""
        x = self.mix(layers, mask) if self.mix is not None else layers[:, self.fixed or 0]  # (B, T, D)
        if self.norm is not None:
            x = self.norm(x)
        dropped: Tensor = self.dropout(x)
        return dropped


class WordLookup(nn.Module):
    """Word vectors by row number, frozen or with a trained offset for the words of the training data.

    A tuned vector is its frozen row plus an offset that starts at 0. This has the same function and gradients as a
    fine-tuned embedding of the training words, while every other word keeps its pre-trained vector. Row V represents
    all unknown words and is always trained; it starts at the mean of the matrix.
    """

    def __init__(self, matrix: Tensor, tuned_rows: Sequence[int] = ()) -> None:
        """matrix: (V, D), neither copied nor saved with the model; tuned_rows: rows with an offset."""
        super().__init__()
        self.width = matrix.shape[1]
        self.matrix: Tensor
        self.offset_of_row: Tensor
        self.register_buffer("matrix", matrix, persistent=False)
        self.unknown = nn.Parameter(matrix.mean(dim=0))  # (D,)
        numbers = torch.zeros(len(matrix) + 1, dtype=torch.long)
        numbers[list(tuned_rows)] = torch.tensor([*range(1, len(tuned_rows) + 1)], dtype=torch.long)
        self.register_buffer("offset_of_row", numbers, persistent=False)
        self.offsets = nn.Embedding(len(tuned_rows) + 1, self.width, padding_idx=0) if tuned_rows else None
        if self.offsets is not None:
            nn.init.zeros_(self.offsets.weight)

    def forward(self, rows: Tensor, mask: Tensor) -> Tensor:
        """rows: (B, T) int64, mask: (B, T) -> (B, T, D)."""
        last = len(self.matrix) - 1
        unknown = self.unknown * mask.unsqueeze(-1)  # (B, T, D)
        x = torch.where((rows > last).unsqueeze(-1), unknown, self.matrix[rows.clamp(max=last)])  # (B, T, D)
        return x + self.offsets(self.offset_of_row[rows]) if self.offsets is not None else x


class EmbeddingMix(nn.Module):
    """One module per source; their vectors are concatenated. The width is computed from the sources."""

    def __init__(self, names: Sequence[str], sources: Sequence[nn.Module]) -> None:
        super().__init__()
        self.names = tuple(names)
        self.sources = nn.ModuleList(sources)
        self.width = sum(_width(source) for source in sources)

    def forward(self, inputs: Sequence[Tensor], mask: Tensor) -> Tensor:
        """inputs: one collated tensor per source, mask: (B, T) -> (B, T, D)."""
        parts = [source(x, mask) for source, x in zip(self.sources, inputs, strict=True)]
        return torch.cat(parts, dim=-1)

    def mix_weights(self) -> dict[str, dict[str, list[float] | float]]:
        """The learned layer weights (which sum to 1) and gamma of each mixed source."""
        return {
            name: {"weights": source.mix.weights().tolist(), "gamma": source.mix.gamma.item()}
            for name, source in zip(self.names, self.sources, strict=True)
            if isinstance(source, FrozenLayers) and source.mix is not None
        }

    def mix_penalty(self) -> Tensor:
        """Sum of squares of the unnormalised mix weights (Peters et al. 2018, section 3.4: lambda |w|^2)."""
        found = [s.mix.scalar_parameters for s in self.sources if isinstance(s, FrozenLayers) and s.mix is not None]
        return torch.stack([w.square().sum() for w in found]).sum() if found else torch.zeros(())


def _width(source: nn.Module) -> int:
    width = source.width
    assert isinstance(width, int)
    return width
