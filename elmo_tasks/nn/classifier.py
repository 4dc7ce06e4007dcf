"""The classifier: mixed embeddings, normalisation, dropout, then a head that predicts one label per sentence."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from elmo_tasks.core.errors import InputError
from elmo_tasks.nn.batch import Batch
from elmo_tasks.nn.biattention import BiattentiveNetwork
from elmo_tasks.nn.dropout import Dropout
from elmo_tasks.nn.embedding_mix import EmbeddingMix
from elmo_tasks.nn.pooling import AttentionPooling, masked_max, masked_mean
from elmo_tasks.text.labels import LabelSet

POOLINGS = ("mean", "max", "attention")
HEADS = (*POOLINGS, "bcn")


class Head(Protocol):
    """A head made by `build_head`."""

    def __call__(self, x: Tensor, mask: Tensor, lengths: Tensor, beside: Tensor | None = None) -> Tensor:
        """x: (B, T, D), mask: (B, T), lengths: (B,) on the CPU, beside: (B, T, O) or None -> label scores (B, K)."""


class LabelScorer(Protocol):
    """A model with scores for each label of an example."""

    def scores(self, batch: Batch) -> Tensor:
        """Unnormalised label scores (B, K)."""


def decode_labels(model: LabelScorer, batch: Batch) -> list[list[float]]:
    """`decode` of such models: the probability of each label, one list per example."""
    found: list[list[float]] = model.scores(batch).softmax(dim=-1).tolist()
    return found


def decode_labels_with_probabilities(model: LabelScorer, batch: Batch) -> tuple[list[list[float]], list[list[float]]]:
    """`decode_with_probabilities` of such models: the same twice, because the outputs are probabilities."""
    found = decode_labels(model, batch)
    return found, found


class Classifier(nn.Module):
    """Embeddings -> LayerNorm of each token -> dropout -> head -> softmax over the labels.

    Deviation: AllenNLP's classifier of Peters et al. 2018 applies dropout directly to its embeddings; here they are
    normalised first, because biLM layers and word vectors differ in scale.

    With `elmo_at_output`, a second mix of the layers of the contextual embedders is concatenated to the output of the
    integrator of a `bcn` (Peters et al. 2018, section 5.2); embedders with a single layer have none.
    """

    def __init__(
        self,
        mix: EmbeddingMix,
        labels: LabelSet,
        *,
        head: str,
        hidden: int,
        dropout: float,
        class_weights: str = "none",
        elmo_at_output: bool = False,
    ) -> None:
        """head: a pooling (`mean`, `max`, `attention`) before a ReLU layer of width `hidden`, or `bcn` of that width.
        class_weights: weights of the labels in the loss; `balanced` is N / (K * count), as in scikit-learn, if the
        frequencies of the labels are known, that is in training. elmo_at_output: see above.

        Raises:
            InputError: the head is unknown, or `elmo_at_output` is set for another head than `bcn`.
        """
        super().__init__()
        if elmo_at_output and head != "bcn":
            raise InputError(f"model.elmo_at_output needs the head bcn, not {head}; pass --set model.head=bcn")
        self.mix = mix
        again = mix.mix_again() if elmo_at_output else 0
        self.weights: Tensor | None
        weights = torch.tensor(labels.balanced_weights()) if class_weights == "balanced" and labels.counts else None
        self.register_buffer("weights", weights, persistent=False)  # (K,)
        self.norm = nn.LayerNorm(mix.width)
        self.norm_again = nn.LayerNorm(again) if again else None
        self.dropout = Dropout(dropout)
        self.head: Head = build_head(
            head, input_dim=mix.width, output_dim=again, hidden=hidden, n_labels=len(labels), dropout=dropout
        )

    def scores(self, batch: Batch) -> Tensor:
        """Unnormalised label scores (B, K)."""
        x = self.dropout(self.norm(self.mix(batch.inputs, batch.mask)))  # (B, T, D)
        if self.mix.again is None or self.norm_again is None:
            return self.head(x, batch.mask, batch.lengths)
        beside = self.dropout(self.norm_again(self.mix.again(batch.inputs, batch.mask)))  # (B, T, O)
        return self.head(x, batch.mask, batch.lengths, beside)

    def loss(self, batch: Batch) -> Tensor:
        """Mean cross-entropy per sentence, multiplied by the weights of the labels."""
        if batch.gold is None:
            raise ValueError("a batch without gold has no loss")
        losses = functional.cross_entropy(self.scores(batch), batch.gold, reduction="none")  # (B,)
        return losses.mean() if self.weights is None else (losses * self.weights[batch.gold]).mean()

    decode = decode_labels
    decode_with_probabilities = decode_labels_with_probabilities


class PooledHead(nn.Module):
    """Pooling over tokens, then one ReLU layer with dropout, then scores."""

    def __init__(self, pooling: str, *, input_dim: int, hidden: int, n_labels: int, dropout: float) -> None:
        super().__init__()
        pools = {"mean": masked_mean, "max": masked_max}
        self.pool = pools[pooling] if pooling in pools else AttentionPooling(input_dim)
        self.network = nn.Sequential(
            nn.Linear(input_dim, hidden), nn.ReLU(), Dropout(dropout), nn.Linear(hidden, n_labels)
        )

    def forward(self, x: Tensor, mask: Tensor, lengths: Tensor, beside: Tensor | None = None) -> Tensor:
        """x: (B, T, D), mask: (B, T), lengths: (B,), beside: None -> (B, K)."""
        scores: Tensor = self.network(self.pool(x, mask))  # (B, K)
        return scores


def build_head(name: str, *, input_dim: int, hidden: int, n_labels: int, dropout: float, output_dim: int = 0) -> Head:
    """Build a head by its name. Raises InputError for an unknown one."""
    if name not in HEADS:
        raise InputError(f"model.head must be one of {', '.join(HEADS)}, not {name!r}")
    if name == "bcn":
        return BiattentiveNetwork(input_dim=input_dim, hidden=hidden, n_labels=n_labels, output_dim=output_dim)
    return PooledHead(name, input_dim=input_dim, hidden=hidden, n_labels=n_labels, dropout=dropout)
