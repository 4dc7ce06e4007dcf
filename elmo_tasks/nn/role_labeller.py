"""The semantic role labeller: a highway LSTM that labels the arguments of a predicate, and a predicate finder."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from elmo_tasks.core.errors import InputError
from elmo_tasks.nn.batch import NO_PREDICATE, Batch
from elmo_tasks.nn.bilstm import BiLstm
from elmo_tasks.nn.cells import rounds_products
from elmo_tasks.nn.dropout import Dropout
from elmo_tasks.nn.embedding_mix import EmbeddingMix
from elmo_tasks.nn.highway_lstm import HighwayLstm
from elmo_tasks.nn.marginals import span_probabilities
from elmo_tasks.nn.packing import Packing, real_tokens
from elmo_tasks.nn.viterbi import Viterbi
from elmo_tasks.text.labels import LabelSet
from elmo_tasks.text.spans import legal_transitions


class RoleLabeller(nn.Module):
    """Embeddings and a predicate indicator -> alternating highway LSTM -> softmax over BIO tags with Viterbi decoding.

    The network of He et al. 2017, with the 100-dimensional indicator of AllenNLP. A sentence without a marked predicate
    is processed by the finder instead, a BiLSTM that tags each token as a predicate (`B-V`) or not. The two are trained
    together but independently: the finder reads the mixed embeddings without passing gradients back to them.
    """

    def __init__(
        self,
        mix: EmbeddingMix,
        labels: LabelSet,
        *,
        hidden: int,
        layers: int,
        dropout: float,
        recurrent_dropout: float,
        indicator: int,
        finder_hidden: int,
        precision: str,
    ) -> None:
        """precision: precision of the products in the highway LSTM: `32`, `bf16`, or `auto` for bf16 if supported.

        Raises:
            InputError: the precision is unknown.
        """
        super().__init__()
        if precision not in ("auto", "bf16", "32"):
            raise InputError(f"model.precision must be auto, bf16 or 32, not {precision!r}")
        self.mix = mix
        self.dropout = Dropout(dropout)
        self.indicator = nn.Embedding(2, indicator)
        self.encoder = HighwayLstm(
            input_dim=mix.width + indicator,
            hidden=hidden,
            layers=layers,
            dropout=recurrent_dropout,
            bf16=rounds_products(precision),
        )
        self.emission = nn.Linear(self.encoder.width, len(labels))
        self.viterbi = Viterbi(*legal_transitions(labels.names, "BIO"))
        self.finder = BiLstm(input_dim=mix.width, hidden=finder_hidden, layers=1, dropout=0.0)
        self.is_predicate = nn.Linear(self.finder.width, 2)
        self.names = labels.names
        self.answers = (labels.index("O"), labels.index("B-V"))  # the labels for the two classes of the finder

    def scores(self, x: Tensor, batch: Batch) -> Tensor:
        """Scores of the tags for the predicate of each sentence. x: mixed embeddings (B, T, D) -> (B, T, K)."""
        assert batch.predicate is not None
        marked = torch.arange(x.shape[1], device=x.device) == batch.predicate.to(x.device).unsqueeze(1)  # (B, T)
        packing = Packing.of(batch.lengths, x.shape[1], x.device)
        read = [self.dropout(packing.pack(x)), self.indicator(packing.pack(marked).long())]
        encoded = self.encoder.packed(torch.cat(read, dim=1), packing)  # (N, H)
        return packing.unpack(self.emission(self.dropout(encoded)))  # (B, T, K)

    def predicate_scores(self, x: Tensor, batch: Batch) -> Tensor:
        """Scores of "no predicate" and "predicate" for each token. x: mixed embeddings (B, T, D) -> (B, T, 2)."""
        packing = Packing.of(batch.lengths, x.shape[1], x.device)
        encoded = self.finder.packed(self.dropout(packing.pack(x.detach())), packing)  # (N, 2H)
        return packing.unpack(self.is_predicate(self.dropout(encoded)))  # (B, T, 2)

    def loss(self, batch: Batch) -> Tensor:
        """Mean cross-entropy per token of the arguments, plus that of the predicates."""
        if batch.gold is None:
            raise ValueError("a batch without gold has no loss")
        x = self.mix(batch.inputs, batch.mask)  # (B, T, D)
        framed, plain = _parts(batch)
        parts = []
        if len(framed):
            part = _take(batch, framed)
            assert part.gold is not None
            scores = self.scores(x[framed.to(x.device)], part)  # (B, T, K)
            scores, gold = real_tokens(part.lengths, scores, part.gold)  # (N, K), (N,)
            parts.append(cross_entropy(scores, gold))
        if len(plain):
            part = _take(batch, plain)
            assert part.gold is not None
            scores = self.predicate_scores(x[plain.to(x.device)], part)  # (B, T, 2)
            scores, gold = real_tokens(part.lengths, scores, part.gold)  # (N, 2), (N,)
            parts.append(cross_entropy(scores, (gold == self.answers[1]).long()))
        return torch.stack(parts).sum()

    def decode(self, batch: Batch) -> list[list[int]]:
        """The best legal tags for the predicate of each sentence, or `B-V` on each predicate found."""
        return self._decode(batch, probabilities=False)[0]

    def decode_with_probabilities(self, batch: Batch) -> tuple[list[list[int]], list[list[float]]]:
        """The output of `decode`, and a probability for each token.

        With a predicate, it is the probability of the argument that contains the token, over all legal tag sequences
        weighted by the product of the softmax of their tokens (`span_probabilities`). Without one, it is the softmax of
        the finder.
        """
        return self._decode(batch, probabilities=True)

    def _decode(self, batch: Batch, *, probabilities: bool) -> tuple[list[list[int]], list[list[float]]]:
        x = self.mix(batch.inputs, batch.mask)  # (B, T, D)
        found: dict[int, list[int]] = {}
        shares: dict[int, list[float]] = {}
        framed, plain = _parts(batch)
        if len(framed):
            part = _take(batch, framed)
            scores = self.scores(x[framed.to(x.device)], part)  # (B, T, K)
            tags = self.viterbi(scores, part.lengths)
            found.update(zip(framed.tolist(), tags, strict=True))
            if probabilities:
                chain = (self.viterbi.start, self.viterbi.end, self.viterbi.step)
                shares.update(
                    zip(framed.tolist(), span_probabilities(scores, tags, chain, self.names, "BIO"), strict=True)
                )
        if len(plain):
            part = _take(batch, plain)
            likeliest = self.predicate_scores(x[plain.to(x.device)], part).softmax(dim=-1).max(dim=-1)  # (B, T) each
            lists = zip(
                *(plain.tolist(), likeliest.indices.tolist(), likeliest.values.tolist(), part.lengths.tolist()),
                strict=True,
            )
            for row, numbers, values, length in lists:
                found[row] = [self.answers[number] for number in numbers[:length]]
                shares[row] = values[:length]
        rows = range(len(batch.indices))
        return [found[row] for row in rows], [shares[row] for row in rows] if probabilities else []


def _parts(batch: Batch) -> tuple[Tensor, Tensor]:
    """The rows with a predicate and those without, on the CPU."""
    if batch.predicate is None:
        return batch.lengths.new_zeros(0), torch.arange(len(batch.indices))
    without = batch.predicate == NO_PREDICATE
    return (~without).nonzero().squeeze(1), without.nonzero().squeeze(1)


def _take(batch: Batch, rows: Tensor) -> Batch:
    """These rows of a batch, without its inputs, which are already mixed. rows: on the CPU."""
    moved = rows.to(batch.mask.device)
    return replace(
        batch,
        inputs=(),
        mask=batch.mask[moved],
        lengths=batch.lengths[rows],
        indices=tuple(batch.indices[row] for row in rows.tolist()),
        gold=None if batch.gold is None else batch.gold[moved],
        predicate=None if batch.predicate is None else batch.predicate[rows],
    )
