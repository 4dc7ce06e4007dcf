"""The vectors of a vocabulary, computed once: AllenNLP's `vocab_to_cache` and `word_inputs`."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.sentences import checked_sentence
from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.spelling import encode

_WORDS = 1024  # number of words encoded at a time


class CachedWords(nn.Module):
    """Character CNN vectors of words, looked up by their positions; position 0 means padding.

    They are not part of a state dict: `compute` makes the vectors from the weights of a biLM.

    Raises:
        InputError: the vocabulary is not a list of words, or the character CNN of the biLM is trained.
    """

    char_ids: Tensor
    vectors: Tensor

    def __init__(self, bilm: BiLM, words: Sequence[str]) -> None:
        super().__init__()
        if any(parameter.requires_grad for parameter in bilm.token_encoder.parameters()):
            raise InputError(
                "vocab_to_cache: the vectors of words are computed only once, so they cannot be trained; leave it "
                "out or pass requires_grad=False"
            )
        words = checked_sentence(words, "vocab_to_cache")
        device = next(bilm.parameters()).device
        ids = encode(bilm.spelling, words).to(device)  # (V, C)
        self.register_buffer("char_ids", ids, persistent=False)
        self.register_buffer("vectors", torch.empty(0, device=device), persistent=False)
        self.compute(bilm)

    def __len__(self) -> int:
        return len(self.char_ids)

    @torch.no_grad()
    def compute(self, bilm: BiLM) -> None:
        """Compute the vectors (V, P) from the current weights of the biLM."""
        self.vectors = torch.cat([bilm.token_encoder(some) for some in torch.split(self.char_ids, _WORDS)])

    def has_all(self, word_inputs: Tensor) -> bool:
        """Whether all positions are in the vocabulary."""
        return not word_inputs.numel() or 0 <= int(word_inputs.min()) <= int(word_inputs.max()) < len(self)

    def layers(self, bilm: BiLM, word_inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Positions (B, T) -> layers (B, L, T + 2, D) and mask (B, T + 2), both with boundaries.

        Raises:
            InputError: padding precedes a word.
        """
        present = word_inputs > 0  # (B, T)
        if bool((present[:, 1:] & ~present[:, :-1]).any()):
            raise InputError("word_inputs: padding (0) precedes a word; pad on the right")
        batch, length = word_inputs.shape
        lengths = present.sum(dim=1)  # (B,)
        begin, end = bilm.boundary_vectors().unbind(0)  # (P,) each
        tokens = self.vectors.new_zeros(batch, length + 2, self.vectors.shape[1])  # (B, T + 2, P)
        tokens[:, 1:-1] = self.vectors[word_inputs] * present.unsqueeze(2)
        tokens[:, 0] = begin
        tokens[torch.arange(batch, device=tokens.device), lengths + 1] = end
        mask = torch.arange(length + 2, device=tokens.device) < (lengths + 2).unsqueeze(1)  # (B, T + 2)
        layers, _ = bilm.contextualise(tokens, mask)
        return layers, mask
