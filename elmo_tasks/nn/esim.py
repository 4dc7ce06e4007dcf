"""ESIM, the enhanced sequential inference model of Chen et al. 2017 (arXiv 1609.06038): labels pairs of sentences."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from elmo_tasks.nn.batch import Batch, split_sentences
from elmo_tasks.nn.biattention import attend
from elmo_tasks.nn.bilstm import BiLstm
from elmo_tasks.nn.classifier import decode_labels, decode_labels_with_probabilities
from elmo_tasks.nn.dropout import Dropout
from elmo_tasks.nn.embedding_mix import EmbeddingMix
from elmo_tasks.nn.pooling import masked_max, masked_mean
from elmo_tasks.text.labels import LabelSet


class VariationalDropout(nn.Module):
    """Dropout with one mask per sentence, so that a channel is dropped at all of its tokens (Gal and
    Ghahramani 2016).
    """

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """x: (..., T, D) -> the same."""
        if not self.training:
            return x
        kept: Tensor = self.dropout(x.new_ones(*x.shape[:-2], 1, x.shape[-1]))
        return x * kept


class Esim(nn.Module):
    """The sequential part of ESIM over the embedding mix, as in Peters et al. 2018.

    A BiLSTM encodes both sentences; each token a gets ~a, the mean of the other sentence's tokens weighted by
    softmax(a . b); [a; ~a; a - ~a; a * ~a], projected by a ReLU layer, is read by a second BiLSTM; mean and maximum
    over the tokens of both sentences feed a tanh layer and the scores of the labels. Dropout is variational before both
    BiLSTMs, and ordinary before both of the last layers.

    With `elmo_at_output`, a second mix of the layers of the contextual embedders is concatenated to the output of the
    first BiLSTM; embedders with a single layer, such as word vectors, have none. With `hypothesis_only`, the model
    reads a single zero vector instead of the premise, a control that shows what the hypotheses give away.

    Deviation: dropout is where Peters et al. have it; Chen et al. drop all feed-forward connections.
    """

    def __init__(
        self,
        mix: EmbeddingMix,
        labels: LabelSet,
        *,
        hidden: int,
        dropout: float,
        elmo_at_output: bool = False,
        hypothesis_only: bool = False,
    ) -> None:
        """hidden: width of each direction of the BiLSTMs and of the ReLU and tanh layers."""
        super().__init__()
        self.mix, self.hypothesis_only = mix, hypothesis_only
        again = mix.mix_again(dropout) if elmo_at_output else 0
        self.variational, self.dropout = VariationalDropout(dropout), Dropout(dropout)
        self.encoder = BiLstm(input_dim=mix.width, hidden=hidden, layers=1, dropout=0.0)
        self.projection = nn.Sequential(nn.Linear(4 * (self.encoder.width + again), hidden), nn.ReLU())
        self.composition = BiLstm(input_dim=hidden, hidden=hidden, layers=1, dropout=0.0)
        self.hidden = nn.Linear(4 * self.composition.width, hidden)
        self.output = nn.Linear(hidden, len(labels))

    def scores(self, batch: Batch) -> Tensor:
        """Unnormalised label scores (B, K)."""
        if batch.sentences is None:
            raise ValueError("expected pairs of sentences, got a batch of single sentences")
        lengths, given = batch.sentences, [self.mix(batch.inputs, batch.mask)]  # (B, 2), (B, T, D)
        if self.mix.again is not None:
            given.append(self.mix.again(batch.inputs, batch.mask))
        both = [split_sentences(x, lengths) for x in given]  # (B, 2, N, D): premise and hypothesis
        if self.hypothesis_only:
            both = [torch.stack([torch.zeros_like(x[:, 1]), x[:, 1]], dim=1) for x in both]
            lengths = torch.stack([torch.ones_like(lengths[:, 1]), lengths[:, 1]], dim=1)
        x = torch.cat([_encode(self.encoder, self.variational(both[0]), lengths), *both[1:]], dim=-1)  # (B, 2, N, 2H)
        mask = (torch.arange(x.shape[2]) < lengths.unsqueeze(-1)).to(x.device)  # (B, 2, N)
        aligned = torch.stack([attend(x[:, 0], x[:, 1], mask[:, 1]), attend(x[:, 1], x[:, 0], mask[:, 0])], dim=1)
        enhanced = torch.cat([x, aligned, x - aligned, x * aligned], dim=-1)  # (B, 2, N, 8H)
        read = _encode(self.composition, self.variational(self.projection(enhanced)), lengths)  # (B, 2, N, 2H)
        rows, real = read.flatten(0, 1), mask.flatten(0, 1)
        pooled = torch.cat([masked_mean(rows, real), masked_max(rows, real)], dim=-1)  # (2B, 4H)
        together = pooled.view(len(x), -1)  # (B, 8H)
        hidden = torch.tanh(self.hidden(self.dropout(together)))  # (B, H)
        scores: Tensor = self.output(self.dropout(hidden))
        return scores

    def loss(self, batch: Batch) -> Tensor:
        """Mean cross-entropy per pair."""
        if batch.gold is None:
            raise ValueError("a batch without gold has no loss")
        return functional.cross_entropy(self.scores(batch), batch.gold)

    decode = decode_labels
    decode_with_probabilities = decode_labels_with_probabilities


def _encode(module: BiLstm, x: Tensor, lengths: Tensor) -> Tensor:
    """Read each sentence separately. x: (B, S, N, D), lengths: (B, S) on the CPU, 1 or more -> (B, S, N, 2H)."""
    read: Tensor = module(x.flatten(0, 1), lengths.flatten())
    return read.view(*x.shape[:3], -1)
