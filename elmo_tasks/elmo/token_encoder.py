"""The context-free part of a biLM: converts characters to one vector per word."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from elmo_tasks.elmo.options import BilmOptions


class Highway(nn.Module):
    """One highway layer as in bilm-tf: `carry * relu(transform(x)) + (1 - carry) * x`.

    The gate called "carry" passes the *transformed* value. AllenNLP's Highway has the opposite sign (a deviation on
    their side, reversed when weights are read).
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.transform = nn.Linear(dim, dim)
        self.carry = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, D) -> (N, D)."""
        carry = torch.sigmoid(self.carry(x))  # (N, D)
        # In TensorFlow's order of operations: the shorter `x + carry * (relu(...) - x)` has one more rounding error.
        return carry * torch.relu(self.transform(x)) + (1.0 - carry) * x  # (N, D)


class CharacterEncoder(nn.Module):
    """Char-CNN with max over time, highway layers, a projection (Peters et al. 2018, section 3.4; Kim et al. 2015).

    The biLMs of ELMoForManyLangs also have a vector for each frequent word, which is projected together with the output
    of the character CNN.
    """

    def __init__(self, options: BilmOptions) -> None:
        super().__init__()
        self.options = options
        self.embedding = nn.Embedding(options.n_characters, options.char_dim, padding_idx=0)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(options.char_dim, count, kernel_size=width) for width, count in options.filters
        )
        self.highways = nn.ModuleList(Highway(options.n_filters) for _ in range(options.n_highway))
        self.word_embedding: nn.Embedding | None = None
        if options.dictionary is not None and options.dictionary.words:
            self.word_embedding = nn.Embedding(1 + len(options.dictionary.words), options.word_dim, padding_idx=0)
        self.projection = nn.Linear(options.word_dim + options.n_filters, options.projection_dim)
        self.activation = torch.relu if options.activation == "relu" else torch.tanh
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """bilm-tf's initial values (its `training.py`, `_build_word_char_embeddings`)."""
        nn.init.uniform_(self.embedding.weight, -1.0, 1.0)
        with torch.no_grad():
            self.embedding.weight[0] = 0.0
        for convolution in self.convolutions:
            assert isinstance(convolution, nn.Conv1d)
            if self.options.activation == "relu":
                nn.init.uniform_(convolution.weight, -0.05, 0.05)
            else:
                fan_in = convolution.kernel_size[0] * self.options.char_dim
                nn.init.normal_(convolution.weight, std=fan_in**-0.5)
            assert convolution.bias is not None
            nn.init.zeros_(convolution.bias)
        for highway in self.highways:
            assert isinstance(highway, Highway)
            for linear, bias in ((highway.carry, -2.0), (highway.transform, 0.0)):
                nn.init.normal_(linear.weight, std=self.options.n_filters**-0.5)
                nn.init.constant_(linear.bias, bias)
        nn.init.normal_(self.projection.weight, std=self.options.n_filters**-0.5)
        nn.init.zeros_(self.projection.bias)

    def forward(self, char_ids: Tensor) -> Tensor:
        """char_ids: (N, C) int64 made by the biLM's spelling -> (N, P), one context-free vector per word."""
        characters, whole = char_ids[:, : self.options.max_characters], char_ids[:, self.options.max_characters :]
        words = None if self.word_embedding is None else self.word_embedding(whole[:, 0])  # (N, W)
        return self.transform(self.convolve(characters), words)  # (N, P)

    def encode(self, char_ids: Tensor, mask: Tensor) -> Tensor:
        """char_ids: (B, T, C), mask: (B, T) -> (B, T, P), each distinct word encoded once, zero where masked."""
        words, where = torch.unique(char_ids[mask], dim=0, return_inverse=True)  # (U, C), (N,)
        vectors = self.forward(words)  # (U, P)
        tokens = vectors.new_zeros(*mask.shape, vectors.shape[1])
        tokens[mask] = vectors[where]
        return tokens  # (B, T, P)

    def convolve(self, char_ids: Tensor) -> Tensor:
        """The maximum response of each filter over the characters of a word. char_ids: (N, C) -> (N, F)."""
        embedded = self.embedding(char_ids).transpose(1, 2)  # (N, E, C)
        return torch.cat([convolution(embedded).amax(dim=2) for convolution in self.convolutions], dim=1)  # (N, F)

    def transform(self, pooled: Tensor, words: Tensor | None = None) -> Tensor:
        """Everything after the maximum, which commutes with the monotone activation.

        pooled: (N, F); words: (N, W), the vectors of whole words, if there are any -> (N, P).
        """
        x = self.activation(pooled)  # (N, F)
        for highway in self.highways:
            x = highway(x)
        if words is not None:
            x = torch.cat([words, x], dim=1)  # (N, W + F)
        projected: Tensor = self.projection(x)  # (N, P)
        return projected
