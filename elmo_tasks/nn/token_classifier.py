"""The tagger with one label per token: mixed embeddings, a BiLSTM, a softmax for each token."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from elmo_tasks.nn.batch import Batch
from elmo_tasks.nn.bilstm import BiLstm
from elmo_tasks.nn.dropout import Dropout
from elmo_tasks.nn.embedding_mix import EmbeddingMix
from elmo_tasks.nn.packing import Packing, real_tokens


class TokenClassifier(nn.Module):
    """Embeddings -> dropout -> BiLSTM -> dropout -> linear -> softmax over `n_labels` for each token."""

    def __init__(self, mix: EmbeddingMix, n_labels: int, *, hidden: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.mix = mix
        self.encoder = BiLstm(input_dim=mix.width, hidden=hidden, layers=layers, dropout=dropout)
        self.dropout = Dropout(dropout)
        self.emission = nn.Linear(self.encoder.width, n_labels)

    def emissions(self, batch: Batch) -> Tensor:
        """Unnormalised label scores (B, T, K)."""
        x = self.mix(batch.inputs, batch.mask)  # (B, T, D)
        packing = Packing.of(batch.lengths, x.shape[1], x.device)
        encoded = self.encoder.packed(self.dropout(packing.pack(x)), packing)  # (N, 2H)
        return packing.unpack(self.emission(self.dropout(encoded)))  # (B, T, K)

    def loss(self, batch: Batch) -> Tensor:
        """Sum of the cross-entropies of the tokens, divided by the number of sentences."""
        if batch.gold is None:
            raise ValueError("a batch without gold has no loss")
        scores, gold = real_tokens(batch.lengths, self.emissions(batch), batch.gold)  # (N, K), (N,)
        return cross_entropy(scores, gold, reduction="sum") / len(batch.indices)

    def decode(self, batch: Batch) -> list[list[int]]:
        """The numbers of the most probable label of each token."""
        best = self.emissions(batch).argmax(dim=2).tolist()  # (B, T)
        return [row[:length] for row, length in zip(best, batch.lengths.tolist(), strict=True)]

    def decode_with_probabilities(self, batch: Batch) -> tuple[list[list[int]], list[list[float]]]:
        """The output of `decode`, and the softmax probability of each token's label."""
        likeliest = self.emissions(batch).softmax(dim=-1).max(dim=-1)  # (B, T) each
        lengths = batch.lengths.tolist()
        found, shares = likeliest.indices.tolist(), likeliest.values.tolist()
        return (
            [row[:length] for row, length in zip(found, lengths, strict=True)],
            [row[:length] for row, length in zip(shares, lengths, strict=True)],
        )
