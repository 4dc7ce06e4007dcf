"""A stacked BiLSTM over sentences of different lengths."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class BiLstm(nn.Module):
    """Packed, so that no direction ever reads padding; dropout between its layers."""

    def __init__(self, *, input_dim: int, hidden: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.width = 2 * hidden
        self.lstm = nn.LSTM(
            input_dim, hidden, layers, batch_first=True, bidirectional=True, dropout=dropout if layers > 1 else 0.0
        )

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """x: (B, T, D), lengths: (B,) on the CPU -> (B, T, 2H), zero beyond each length."""
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        out, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True, total_length=x.shape[1])
        return out  # (B, T, 2H)
