"""The biattentive classification network of McCann et al. 2017 (arXiv 1708.00107, section 4), for one sentence."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from elmo_tasks.nn.bilstm import BiLstm
from elmo_tasks.nn.dropout import Dropout
from elmo_tasks.nn.maxout import Maxout
from elmo_tasks.nn.pooling import AttentionPooling, masked_max, masked_mean, masked_min

# AllenNLP's BCN for SST-5: dropout after the feed-forward layer and the integrator, then in the maxout layers, each
# with 4 pieces; their widths are 1200 and 600, which is 4 and 2 times the 300 of all other layers.
FEED_FORWARD_DROPOUT, INTEGRATOR_DROPOUT, MAXOUT_DROPOUT, MAXOUT_PIECES = 0.25, 0.1, (0.2, 0.3, 0.0), 4


class BiattentiveNetwork(nn.Module):
    """Self-attention over the sentence, an integrator, four poolings and maxout layers.

    A ReLU layer and a BiLSTM encode the tokens; A = X X^T is the attention of each token over the sentence, C its
    context; the integrator is a BiLSTM over [X; X - C; X * C]; max, mean, min and self-attentive pooling feed the
    maxout layers.

    Deviation: the paper's network takes two sequences and gets a single sentence twice; both sides are then equal, so
    only one is computed, as in AllenNLP. Deviation: the maxout layers have no batch normalisation, as in AllenNLP.
    """

    def __init__(self, *, input_dim: int, hidden: int, n_labels: int, output_dim: int = 0) -> None:
        """output_dim: width of the vectors that are concatenated with the output of the integrator."""
        super().__init__()
        self.feed_forward = nn.Sequential(nn.Linear(input_dim, hidden), nn.ReLU(), Dropout(FEED_FORWARD_DROPOUT))
        self.encoder = BiLstm(input_dim=hidden, hidden=hidden, layers=1, dropout=0.0)
        width = self.encoder.width
        self.integrator = BiLstm(input_dim=3 * width, hidden=hidden, layers=1, dropout=0.0)
        self.integrator_dropout = Dropout(INTEGRATOR_DROPOUT)
        self.self_attention = AttentionPooling(width + output_dim)
        self.output = Maxout(
            4 * (width + output_dim), (4 * hidden, 2 * hidden, n_labels), pieces=MAXOUT_PIECES, dropout=MAXOUT_DROPOUT
        )

    def forward(self, x: Tensor, mask: Tensor, lengths: Tensor, beside: Tensor | None = None) -> Tensor:
        """x: (B, T, D), mask: (B, T), lengths: (B,) on the CPU, beside: (B, T, O) -> label scores (B, K)."""
        encoded = self.encoder(self.feed_forward(x), lengths)  # (B, T, 2H)
        context = self_attend(encoded, mask)  # (B, T, 2H)
        joined = torch.cat([encoded, encoded - context, encoded * context], dim=-1)  # (B, T, 6H)
        read = self.integrator(joined, lengths)  # (B, T, 2H)
        if beside is not None:
            read = torch.cat([read, beside], dim=-1)  # (B, T, 2H + O)
        pooled = [masked_max(read, mask), masked_mean(read, mask), masked_min(read, mask)]
        together = torch.cat([*pooled, self.self_attention(read, mask)], dim=-1)  # (B, 8H + 4O)
        scores: Tensor = self.output(self.integrator_dropout(together))
        return scores


def self_attend(x: Tensor, mask: Tensor) -> Tensor:
    """For each token t, the mean of the real tokens s weighted by softmax(x_t . x_s). (B, T, D) -> (B, T, D)."""
    return attend(x, x, mask)


def attend(x: Tensor, y: Tensor, mask: Tensor) -> Tensor:
    """For each token t of x, the mean of the real tokens s of y weighted by softmax(x_t . y_s).

    x: (B, T, D), y: (B, S, D), mask: (B, S), with at least one real token -> (B, T, D).
    """
    affinity = torch.einsum("btd,bsd->bts", x, y).masked_fill(~mask.unsqueeze(1), -torch.inf)  # (B, T, S)
    return torch.einsum("bts,bsd->btd", affinity.softmax(dim=-1), y)  # (B, T, D)
