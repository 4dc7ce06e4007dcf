"""A Hugging Face encoder as an input that is fine-tuned with the task."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from elmo_tasks.core.sentences import checked_sentences
from elmo_tasks.elmo.scalar_mix import ScalarMix
from elmo_tasks.embedders.inputs import check_layers
from elmo_tasks.embedders.protocol import Sentences
from elmo_tasks.embedders.transformer.embedder import TransformerEmbedder
from elmo_tasks.embedders.transformer.piece_encoder import PieceEncoder, Pieces
from elmo_tasks.nn.batch import pad
from elmo_tasks.nn.embedding_mix import FrozenLayers, OwnRate


class TunedTransformer:
    """An encoder whose weights are trained with the task, at their own learning rate; nothing is cached.

    Its weights are stored with the run; its tokeniser and configuration are read again when the run is loaded.
    """

    tuned_words: tuple[str, ...] = ()
    frozen_parameters = 0

    def __init__(
        self, embedder: TransformerEmbedder, rate: OwnRate, *, layers: str, layer_norm: bool, dropout: float
    ) -> None:
        """embedder: the pre-trained encoder, on the CPU; rate: its learning rate; the others: as for `FrozenInput`."""
        check_layers(embedder, layers)
        self.embedder, self.name, self.rate = embedder, embedder.name, rate
        self.layers, self.layer_norm, self.dropout = layers, layer_norm, dropout

    @property
    def fingerprint(self) -> str:
        """The digest of the pre-trained weights."""
        return f"tuned-{self.embedder.fingerprint}"

    def prepare(self, sentences: Sentences) -> SplitSentences:
        """Split the words into pieces."""
        of = self.embedder.reader.pieces.of
        return SplitSentences([[of(word) for word in words] for words in checked_sentences(sentences)])

    def build_module(self) -> TunedLayers:
        """The encoder, as a copy, and the mix of its layers."""
        reader = self.embedder.reader
        layers = FrozenLayers(
            n_layers=reader.n_layers,
            width=reader.width,
            layers=self.layers,
            layer_norm=self.layer_norm,
            dropout=self.dropout,
        )
        return TunedLayers(copy.deepcopy(self.embedder.pretrained.encoder), reader, layers, self.rate)


@dataclass(frozen=True)
class SplitSentences:
    """Sentences as word pieces."""

    sentences: Sequence[Pieces]

    def take(self, numbers: Sequence[int]) -> list[Tensor]:
        """The piece ids of these sentences plus 1, (T, P) each; 0 where a word has fewer pieces than P."""
        chosen = [self.sentences[number] for number in numbers]
        longest = max((len(word) for words in chosen for word in words), default=1)
        rows = [[[piece + 1 for piece in word] + [0] * (longest - len(word)) for word in words] for words in chosen]
        return [torch.tensor(words, dtype=torch.long).reshape(-1, longest) for words in rows]


class TunedLayers(nn.Module):
    """The hidden layers of a trained encoder, mixed or fixed to one.

    own_rate: the learning rate of the encoder; `mix` learns with that of the task.
    """

    def __init__(self, encoder: Any, reader: PieceEncoder, layers: FrozenLayers, own_rate: OwnRate) -> None:
        super().__init__()
        self.encoder, self.reader, self.width = encoder.train(), reader, reader.width
        for name, parameter in encoder.named_parameters():
            parameter.requires_grad_("pooler" not in name)  # no hidden layer depends on it
        self.layers, self.own_rate = layers, own_rate

    @property
    def mix(self) -> ScalarMix | None:
        """The learned mix of the layers."""
        return self.layers.mix

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """ids: (B, T, P) of `SplitSentences`, mask: (B, T) -> (B, T, D)."""
        rows = [[[piece - 1 for piece in word if piece] for word in words if any(word)] for words in ids.tolist()]
        layers = self.reader.encode(self.encoder, rows, ids.device)
        mixed: Tensor = self.layers(pad(layers, ids.shape[1], time=1), mask)
        return mixed
