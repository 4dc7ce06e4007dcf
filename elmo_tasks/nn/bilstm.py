"""A stacked BiLSTM over sentences of different lengths."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from elmo_tasks.nn.lstm_gradient import PackedLstm


@dataclass(frozen=True)
class _Packing:
    """The layout of a packed batch.

    sizes: number of sentences with a token at each step, decreasing; rows: (N,) the row of each packed token in the
    (B * T) padded ones; turned: (N,) the packed token at the mirrored position of the same sentence.
    """

    sizes: list[int]
    rows: Tensor
    turned: Tensor

    @classmethod
    def of(cls, lengths: Tensor, padded: int, device: torch.device) -> _Packing:
        """lengths: (B,) on the CPU, at least 1; padded: T."""
        lengths, order = lengths.sort(descending=True, stable=True)
        steps = torch.arange(int(lengths[0]))
        present = steps[:, None] < lengths  # (steps, B), the longest sentence first
        step, rank = present.nonzero(as_tuple=True)  # (N,) each, step by step
        sizes = present.sum(dim=1)  # (steps,)
        first = sizes.cumsum(0) - sizes  # (steps,) row of each step's first token
        turned = first[lengths[rank] - 1 - step] + rank
        return cls(sizes.tolist(), (order[rank] * padded + step).to(device), turned.to(device))


class BiLstm(nn.Module):
    """A BiLSTM over packed sequences, so that no direction ever reads padding, with dropout between its layers.

    The parameters are those of `nn.LSTM`, with the same names. On a GPU cuDNN computes all steps in one call; elsewhere
    `PackedLstm` is used, whose gradient costs less than PyTorch's.
    """

    def __init__(self, *, input_dim: int, hidden: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.width = 2 * hidden
        self.lstm = nn.LSTM(
            input_dim, hidden, layers, batch_first=True, bidirectional=True, dropout=dropout if layers > 1 else 0.0
        )

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """x: (B, T, D), lengths: (B,) on the CPU -> (B, T, 2H), zero beyond each length."""
        return self.by_torch(x, lengths) if x.is_cuda else self.by_steps(x, lengths)

    def by_torch(self, x: Tensor, lengths: Tensor) -> Tensor:
        """`forward` with PyTorch's LSTM."""
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        out, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True, total_length=x.shape[1])
        return out  # (B, T, 2H)

    def by_steps(self, x: Tensor, lengths: Tensor) -> Tensor:
        """`forward` with a loop over the steps."""
        batch, length, _ = x.shape
        packing = _Packing.of(lengths, length, x.device)
        packed = x.flatten(0, 1).index_select(0, packing.rows)  # (N, D)
        for layer in range(self.lstm.num_layers):
            if layer:
                packed = nn.functional.dropout(packed, self.lstm.dropout, self.training)
            ahead = self._direction(packed, layer, "", packing.sizes, None)
            behind = self._direction(packed, layer, "_reverse", packing.sizes, packing.turned)
            packed = torch.cat([ahead, behind], dim=1)  # (N, 2H)
        out = packed.new_zeros(batch * length, self.width).index_copy(0, packing.rows, packed)
        return out.view(batch, length, self.width)  # (B, T, 2H)

    def _direction(self, x: Tensor, layer: int, suffix: str, sizes: list[int], turned: Tensor | None) -> Tensor:
        """x: (N, D) packed -> (N, H)."""
        weight_ih, weight_hh, bias_ih, bias_hh = (
            getattr(self.lstm, f"{name}_l{layer}{suffix}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        gates = nn.functional.linear(x, weight_ih, bias_ih + bias_hh)  # (N, 4H)
        if turned is None:
            hidden: Tensor = PackedLstm.apply(gates, weight_hh, sizes)  # type: ignore[no-untyped-call]
            return hidden
        hidden = PackedLstm.apply(gates.index_select(0, turned), weight_hh, sizes)  # type: ignore[no-untyped-call]
        return hidden.index_select(0, turned)
