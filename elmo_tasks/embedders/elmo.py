"""The frozen biLM as an embedder."""

from __future__ import annotations

import hashlib
from functools import cached_property

import torch
from torch import Tensor

from elmo_tasks.elmo import BiLM, batch_to_ids, load_bilm
from elmo_tasks.embedders.protocol import Sentences


class ElmoEmbedder:
    """All layers of a biLM. Sentences of like length run together, at most `token_budget` tokens (padding counted)."""

    def __init__(self, weights: str = "default", name: str = "elmo", token_budget: int = 4096) -> None:
        self.name, self.weights, self.token_budget = name, weights, token_budget
        self.bilm: BiLM = load_bilm(weights)
        self.n_layers, self.width = self.bilm.n_layers, self.bilm.width

    @cached_property
    def fingerprint(self) -> str:
        """Digest of options and every weight."""
        digest = hashlib.blake2b(self.bilm.options.to_json().encode(), digest_size=16)
        for key, value in sorted(self.bilm.state_dict().items()):
            digest.update(key.encode())
            digest.update(value.contiguous().numpy().tobytes())
        return f"elmo-{digest.hexdigest()}"

    @property
    def parameters(self) -> int:
        """Those of the biLM."""
        return sum(parameter.numel() for parameter in self.bilm.parameters())

    @torch.no_grad()
    def embed(self, sentences: Sentences) -> list[Tensor]:
        """One (L, T, D) tensor a sentence."""
        found: dict[int, Tensor] = {}
        for group in self._groups([len(words) for words in sentences]):
            ids = batch_to_ids([sentences[index] for index in group], self.bilm.options.max_characters)  # (B, T, C)
            layers = self.bilm(ids).layers  # (B, L, T, D)
            for row, index in enumerate(group):
                found[index] = layers[row, :, : len(sentences[index])].clone()  # (L, T, D)
        return [found[index] for index in range(len(sentences))]

    def _groups(self, lengths: list[int]) -> list[list[int]]:
        """Indices of sentences by falling length, cut where longest x count would pass the budget."""
        groups: list[list[int]] = []
        for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
            if groups and lengths[groups[-1][0]] * (len(groups[-1]) + 1) <= self.token_budget:
                groups[-1].append(index)
            else:
                groups.append([index])
        return groups
