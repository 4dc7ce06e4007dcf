"""The tagger of the paper's NER model: mixed embeddings, a BiLSTM, a CRF."""

from __future__ import annotations

from torch import Tensor, nn

from elmo_tasks.nn.batch import Batch
from elmo_tasks.nn.bilstm import BiLstm
from elmo_tasks.nn.crf import ConstrainedCrf
from elmo_tasks.nn.dropout import Dropout
from elmo_tasks.nn.embedding_mix import EmbeddingMix
from elmo_tasks.nn.marginals import span_probabilities, tag_probabilities
from elmo_tasks.nn.packing import Packing
from elmo_tasks.text.labels import LabelSet
from elmo_tasks.text.spans import legal_transitions


class Tagger(nn.Module):
    """Embeddings -> dropout -> BiLSTM -> dropout -> linear -> CRF over `labels` (Peters et al. 2018, section 4, NER).

    Two BiLSTM layers of 200 with dropout 0.5 are AllenNLP's settings for the paper's NER model.
    """

    def __init__(
        self,
        mix: EmbeddingMix,
        labels: LabelSet,
        *,
        scheme: str = "BIOES",
        hidden: int = 200,
        layers: int = 2,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        self.mix = mix
        self.encoder = BiLstm(input_dim=mix.width, hidden=hidden, layers=layers, dropout=dropout)
        self.dropout = Dropout(dropout)
        self.emission = nn.Linear(self.encoder.width, len(labels))
        self.crf = ConstrainedCrf(*legal_transitions(labels.names, scheme))
        self.names, self.scheme = labels.names, scheme

    def emissions(self, batch: Batch) -> Tensor:
        """Scores (B, T, K)."""
        x = self.mix(batch.inputs, batch.mask)  # (B, T, D)
        packing = Packing.of(batch.lengths, x.shape[1], x.device)
        encoded = self.encoder.packed(self.dropout(packing.pack(x)), packing)  # (N, 2H)
        return packing.unpack(self.emission(self.dropout(encoded)))  # (B, T, K)

    def loss(self, batch: Batch) -> Tensor:
        """Mean negative log-likelihood per sentence."""
        if batch.gold is None:
            raise ValueError("a batch without gold has no loss")
        likelihood: Tensor = self.crf(self.emissions(batch), batch.gold, batch.mask)
        return -likelihood / len(batch.indices)

    def decode(self, batch: Batch) -> list[list[int]]:
        """The best legal tag numbers of each sentence."""
        return self.crf.decode(self.emissions(batch), batch.mask)

    def decode_with_probabilities(self, batch: Batch) -> tuple[list[list[int]], list[list[float]]]:
        """The output of `decode`, and for each token the CRF's probability of the span that contains it.

        See `span_probabilities`.
        """
        scores = self.emissions(batch)  # (B, T, K)
        best = self.crf.decode(scores, batch.mask)
        return best, span_probabilities(scores, best, self.crf.chain(), self.names, self.scheme)

    def marginals(self, batch: Batch) -> list[list[list[float]]]:
        """For each sentence and token, the CRF's probability of each tag (K)."""
        return tag_probabilities(self.emissions(batch), batch.lengths.tolist(), self.crf.chain())
