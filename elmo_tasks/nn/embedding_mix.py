"""Convert the inputs of a batch to one vector per token, with one module per source."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from elmo_tasks.elmo.scalar_mix import ScalarMix
from elmo_tasks.nn.dropout import Dropout


class FrozenLayers(nn.Module):
    """The layers of a frozen source, mixed by a ScalarMix or fixed to one, optionally normalised, then dropout."""

    def __init__(
        self, *, n_layers: int, width: int, layers: str = "mix", layer_norm: bool = False, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.width = width
        self.fixed = None if layers == "mix" or n_layers == 1 else int(layers)
        self.mix = ScalarMix(n_layers) if self.fixed is None and n_layers > 1 else None
        self.several = n_layers > 1
        self.norm = nn.LayerNorm(width) if layer_norm else None
        self.dropout = Dropout(dropout)

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


@dataclass(frozen=True)
class OwnRate:
    """A source's own learning rate for its `encoder`: that of the first epoch, reached after `warmup` updates."""

    learning_rate: float
    warmup: int = 0


class EmbeddingMix(nn.Module):
    """One module per source; their vectors are concatenated. The width is computed from the sources.

    again: a second mix, if a model has asked for one with `mix_again`.
    """

    def __init__(self, names: Sequence[str], sources: Sequence[nn.Module]) -> None:
        super().__init__()
        self.names = tuple(names)
        self.sources = nn.ModuleList(sources)
        self.width = sum(_width(source) for source in sources)
        self.again: MixAgain | None = None

    def mix_again(self, dropout: float = 0.0) -> int:
        """Make `again`, a second mix of the layers of all sources that have several, and return its width.

        A model adds it further up, such as to the output of a BiLSTM (Peters et al. 2018, section 3.3). Its weights are
        separate, and part of `mix_weights` and `mix_penalty`. It is None, and the width 0, if no source has several
        layers. dropout: applied to its vectors, after that of each source.
        """
        places = [n for n, source in enumerate(self.sources) if isinstance(source, FrozenLayers) and source.several]
        self.again = MixAgain(self, places, dropout) if places else None
        return 0 if self.again is None else self.again.mix.width

    def second_mixes(self) -> dict[int, nn.Module]:
        """The modules of `again`, by the number of the source in this mix."""
        return {} if self.again is None else dict(zip(self.again.places, self.again.mix.sources, strict=True))

    def forward(self, inputs: Sequence[Tensor], mask: Tensor) -> Tensor:
        """inputs: one collated tensor per source, mask: (B, T) -> (B, T, D)."""
        parts = [source(x, mask) for source, x in zip(self.sources, inputs, strict=True)]
        return torch.cat(parts, dim=-1)

    def mix_weights(self) -> dict[str, dict[str, list[float] | float]]:
        """The learned layer weights (which sum to 1) and gamma of each mixed source; `NAME (again)` for `again`."""
        first = {
            name: {"weights": mix.weights().tolist(), "gamma": mix.gamma.item()}
            for name, mix in zip(self.names, map(_mix, self.sources), strict=True)
            if mix is not None
        }
        return first if self.again is None else first | self.again.mix.mix_weights()

    def mix_penalty(self) -> Tensor:
        """Sum of squares of the unnormalised mix weights (Peters et al. 2018, section 3.4: lambda |w|^2)."""
        found = [mix.scalar_parameters for mix in map(_mix, self.sources) if mix is not None]
        own = torch.stack([w.square().sum() for w in found]).sum() if found else torch.zeros(())
        return own if self.again is None else own + self.again.mix.mix_penalty()

    def own_rates(self) -> list[tuple[OwnRate, list[nn.Parameter]]]:
        """The sources with a learning rate of their own, and the parameters of their encoders."""
        found = [(getattr(source, "own_rate", None), getattr(source, "encoder", None)) for source in self.sources]
        return [
            (rate, [parameter for parameter in encoder.parameters() if parameter.requires_grad])
            for rate, encoder in found
            if isinstance(rate, OwnRate) and isinstance(encoder, nn.Module)
        ]


class MixAgain(nn.Module):
    """Some sources of a mix, mixed with weights of their own. It has the inputs of the whole mix."""

    def __init__(self, whole: EmbeddingMix, places: Sequence[int], dropout: float) -> None:
        """places: the numbers of the sources."""
        super().__init__()
        self.places = tuple(places)
        names = [f"{whole.names[place]} (again)" for place in places]
        self.mix = EmbeddingMix(names, [copy.deepcopy(whole.sources[place]) for place in places])
        self.dropout = Dropout(dropout)

    def forward(self, inputs: Sequence[Tensor], mask: Tensor) -> Tensor:
        """inputs: one collated tensor per source of the whole mix, mask: (B, T) -> (B, T, D)."""
        mixed: Tensor = self.dropout(self.mix([inputs[place] for place in self.places], mask))
        return mixed


def _mix(source: nn.Module) -> ScalarMix | None:
    mix = getattr(source, "mix", None)
    return mix if isinstance(mix, ScalarMix) else None


def _width(source: nn.Module) -> int:
    width = source.width
    assert isinstance(width, int)
    return width
