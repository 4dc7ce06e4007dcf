"""A stacked BiLSTM over sentences of different lengths."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from elmo_tasks.nn.cells import rounds_products
from elmo_tasks.nn.dropout import dropout
from elmo_tasks.nn.lstm_gradient import LstmLayer
from elmo_tasks.nn.lstm_output import lstm_output
from elmo_tasks.nn.packing import Packing


class BiLstm(nn.Module):
    """A BiLSTM over packed sequences, so that no direction ever reads padding, with dropout between its layers.

    The parameters are those of `nn.LSTM`, with the same names. On a GPU cuDNN computes all steps in one call; elsewhere
    `LstmLayer` and `lstm_output` are used, which take less time than PyTorch's.
    """

    def __init__(self, *, input_dim: int, hidden: int, layers: int, dropout: float, bf16: bool = False) -> None:
        """bf16: while training on the CPU, round the factors of products to bfloat16."""
        super().__init__()
        self.width, self.bf16 = 2 * hidden, bf16
        self.lstm = nn.LSTM(
            input_dim, hidden, layers, batch_first=True, bidirectional=True, dropout=dropout if layers > 1 else 0.0
        )

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """x: (B, T, D), lengths: (B,) on the CPU -> (B, T, 2H), zero beyond each length."""
        packing = Packing.of(lengths, x.shape[1], x.device)
        return packing.unpack(self.packed(packing.pack(x), packing))

    def packed(self, x: Tensor, packing: Packing) -> Tensor:
        """`forward` for a packed batch. x: (N, D) -> (N, 2H)."""
        return self.by_torch(x, packing) if x.is_cuda else self.by_steps(x, packing)

    def by_torch(self, x: Tensor, packing: Packing) -> Tensor:
        """`packed` with PyTorch's LSTM."""
        out: Tensor = self.lstm(PackedSequence(x, torch.tensor(packing.sizes)))[0].data  # (N, 2H)
        return out

    def by_steps(self, x: Tensor, packing: Packing) -> Tensor:
        """`packed` with `LstmLayer`, or, in a prediction, with `lstm_output`."""
        kind = torch.bfloat16 if self.bf16 and self.training else x.dtype
        for layer in range(self.lstm.num_layers):
            if layer:
                x = dropout(x, self.lstm.dropout, self.training)
            weights = []
            for suffix in (f"l{layer}", f"l{layer}_reverse"):
                inner, hidden, *biases = (
                    getattr(self.lstm, f"{name}_{suffix}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
                )
                weights += [inner, hidden, biases[0] + biases[1]]
            if torch.is_grad_enabled() or self.training:
                x = LstmLayer.apply(x, packing.walks, kind, self.training, *weights)  # type: ignore[no-untyped-call]
            else:
                x = lstm_output(x, packing.walks, *weights)
        return x  # (N, 2H)


def set_precision(model: nn.Module, precision: str) -> None:
    """Set the precision of the products of all BiLSTMs of a model in training; see `rounds_products`."""
    for part in model.modules():
        if isinstance(part, BiLstm):
            part.bf16 = rounds_products(precision)
