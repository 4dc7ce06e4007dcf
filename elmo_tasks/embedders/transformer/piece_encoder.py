"""Run an encoder on word pieces: windows, batches of similar length, and pieces pooled to words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from elmo_tasks.embedders.transformer.piece_windows import length_groups, window_of_pieces, window_starts
from elmo_tasks.embedders.transformer.pretrained import Pretrained
from elmo_tasks.embedders.transformer.word_pieces import WordPieces

Pieces = Sequence[Sequence[int]]
"""The piece ids of each word of a sentence."""


class PieceEncoder:
    """All hidden layers of an encoder for sentences of word pieces, the embedding layer first.

    A word is its first piece or the mean of its pieces. A sentence with more pieces than the model has positions is
    processed in windows that overlap by half; each word is taken from the window whose centre is nearest, and nothing
    is truncated. Windows of similar length are batched, at most `token_budget` pieces including padding.
    """

    def __init__(self, pretrained: Pretrained, pooling: str, token_budget: int) -> None:
        """pooling: `mean` or `first`."""
        self.pooling, self.token_budget = pooling, token_budget
        self.pieces = WordPieces(pretrained.tokenizer)
        self.window = pretrained.positions - len(self.pieces.before) - len(self.pieces.behind)
        with torch.no_grad():
            probe = self._layers(pretrained.encoder, [self.pieces.of("a")])
        self.n_layers, self.width = probe.shape[1], probe.shape[3]

    def encode(self, encoder: Any, sentences: Sequence[Pieces], device: torch.device) -> list[Tensor]:
        """One (L, T, D) tensor per sentence on `device`, with a gradient if it is enabled."""
        flat = [[piece for word in words for piece in word] for words in sentences]
        found = [torch.zeros(self.n_layers, len(words), self.width, device=device) for words in sentences]  # (L, T, D)
        shares = [self._shares([len(word) for word in words], device) for words in sentences]
        jobs = [
            (index, number, start)
            for index, row in enumerate(flat)
            if row
            for number, start in enumerate(window_starts(len(row), self.window))
        ]
        lengths = [min(self.window, len(flat[index])) for index, _, _ in jobs]
        for group in length_groups(lengths, self.token_budget):
            rows = [flat[jobs[job][0]][jobs[job][2] :][: self.window] for job in group]
            layers = self._layers(encoder, rows).to(device)  # (B, L, P, D)
            for row, job in enumerate(group):
                index, number, start = jobs[job]
                word, weight, owner = shares[index]
                mine = (owner == number).nonzero().squeeze(1)  # pieces of the sentence that are taken from this window
                vectors = layers[row][:, mine - start] * weight[mine, None]  # (L, N, D)
                found[index].index_add_(1, word[mine], vectors)
        return found

    def _shares(self, counts: list[int], device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        """counts: pieces per word. Returns for each piece (P,): its word, its weight in the word, and its window."""
        numbers = torch.tensor(counts, dtype=torch.long)
        word = torch.repeat_interleave(torch.arange(len(counts)), numbers)  # (P,)
        start = torch.cumsum(numbers, 0) - numbers  # (T,)
        if self.pooling == "first":
            weight = torch.zeros(len(word))
            weight[start] = 1.0
        else:
            weight = (1.0 / numbers)[word]
        return word.to(device), weight.to(device), window_of_pieces(numbers, self.window).to(device)

    def _layers(self, encoder: Any, rows: list[list[int]]) -> Tensor:
        """rows: the piece ids of each window. Returns (B, L, P, D) without special pieces, padded at the end."""
        before, behind = self.pieces.before, self.pieces.behind
        longest = max(len(row) for row in rows)
        lengths = torch.tensor([len(before) + len(row) + len(behind) for row in rows])  # (B,)
        padding = [self.pieces.padding] * longest
        ids = torch.tensor([[*before, *row, *behind, *padding[len(row) :]] for row in rows])  # (B, P')
        mask = (torch.arange(ids.shape[1])[None, :] < lengths[:, None]).long()  # (B, P')
        place = next(encoder.parameters()).device
        output = encoder(input_ids=ids.to(place), attention_mask=mask.to(place), output_hidden_states=True)
        return torch.stack(output.hidden_states, 1)[:, :, len(before) : len(before) + longest]  # (B, L, P, D)
