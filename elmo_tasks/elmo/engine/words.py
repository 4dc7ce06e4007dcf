"""Context-free vectors of words; each distinct word passes through the char-CNN once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from elmo_tasks.core.fork_safe_lock import ForkSafeLock
from elmo_tasks.elmo.engine.products import Maker
from elmo_tasks.elmo.engine.sides import side_by_side
from elmo_tasks.elmo.spelling import encode, spelling_of
from elmo_tasks.elmo.token_encoder import CharacterEncoder, Highway

_WORDS, _WINDOWS = 256, 1 << 12  # maximum number encoded at a time, and of their character windows, to bound the memory
TABLES = ForkSafeLock()
"""Held while words are looked up or added in any table, which takes microseconds; not while they are encoded."""


class WordEncoder:
    """The char-CNN on packed weights: one product for all filters, only over the windows that a word really has."""

    def __init__(self, encoder: CharacterEncoder, make: Maker, device: torch.device) -> None:
        options = encoder.options
        self.device, self.width = device, options.projection_dim
        self.max_characters, self.spelling = options.max_characters, spelling_of(options)
        self.activation = torch.relu if options.activation == "relu" else torch.tanh
        self.embedding = encoder.embedding.weight.detach().to(device)  # (262, E)
        whole = encoder.word_embedding
        self.word_embedding = None if whole is None else whole.weight.detach().to(device)  # (V, W)
        self.convolutions = [
            (convolution.weight.detach().to(device), convolution.bias.detach().to(device))
            for convolution in encoder.convolutions
            if isinstance(convolution, nn.Conv1d) and convolution.bias is not None
        ]
        self.widest = max(width for width, _ in options.filters)
        wide = [nn.functional.pad(weight, (0, self.widest - weight.shape[2])) for weight, _ in self.convolutions]
        self.filters = make(
            torch.cat(wide).transpose(1, 2).flatten(1),  # (F, K * E)
            torch.cat([bias for _, bias in self.convolutions]),
        )
        self.highways = [
            make(
                torch.cat([highway.carry.weight, highway.transform.weight]),  # (2F, F)
                torch.cat([highway.carry.bias, highway.transform.bias]),
            )
            for highway in encoder.highways
            if isinstance(highway, Highway)
        ]
        self.projection = make(encoder.projection.weight, encoder.projection.bias)

    def __call__(self, words: Sequence[str]) -> Tensor:
        """(N, P) float32, one vector per word."""
        ids = encode(self.spelling, words)  # (N, C), or (N, C + 1) with numbers of whole words
        ids, whole_words = ids[:, : self.max_characters], ids[:, self.max_characters :]
        lengths = (ids != self.spelling.pad).sum(dim=1)  # (N,)
        order = lengths.argsort(stable=True)
        whole = int((lengths + self.widest <= self.max_characters).sum())  # words with a window of only padding
        vectors = torch.empty(len(ids), self.width, device=self.device)
        chunks = [some for part in (order[:whole], order[whole:]) for some in _chunks(part, lengths)]

        def fill(chunks: Sequence[Tensor]) -> None:
            for some in chunks:
                longest = int(lengths[some[-1]])
                pooled = self._convolve(ids[some].to(self.device), longest)  # (n, F)
                known = whole_words[some].to(self.device)
                vectors[some.to(self.device)] = self._transform(self.activation(pooled), known)

        if self.device.type == "cpu" and len(chunks) > 1:
            side_by_side(lambda: fill(chunks[::2]), lambda: fill(chunks[1::2]))
        else:
            fill(chunks)
        return vectors  # (N, P)

    def _convolve(self, ids: Tensor, longest: int) -> Tensor:
        """ids: (n, C) of words of at most `longest` characters -> (n, F), the maximum response of each filter."""
        if longest + self.widest > self.max_characters:
            # Such a word has different numbers of windows for different filters.
            embedded = nn.functional.embedding(ids, self.embedding).transpose(1, 2)  # (n, E, C)
            responses = [nn.functional.conv1d(embedded, *convolution) for convolution in self.convolutions]
            return torch.cat([response.amax(dim=2) for response in responses], dim=1)  # (n, F)
        # The first window of only padding counts; the following ones are equal to it.
        embedded = nn.functional.embedding(ids[:, : longest + self.widest], self.embedding)  # (n, C', E)
        windows = embedded.flatten(1).unfold(1, self.widest * embedded.shape[2], embedded.shape[2])  # (n, W, K * E)
        scores = self.filters(windows.flatten(0, 1)).view(len(ids), longest + 1, -1)  # (n, W, F)
        return scores.amax(dim=1).float()  # (n, F)

    def _transform(self, x: Tensor, whole_words: Tensor) -> Tensor:
        """x: (n, F); whole_words: (n, 1), ids of words that may have their own vectors -> (n, P)."""
        for highway in self.highways:
            carry, value = highway(x).float().chunk(2, dim=1)  # (n, F) each
            x = torch.lerp(x, value.relu_(), carry.sigmoid_())
        if self.word_embedding is not None:
            x = torch.cat([self.word_embedding[whole_words[:, 0]], x], dim=1)  # (n, W + F)
        return self.projection(x).float()  # (n, P)


def _chunks(order: Tensor, lengths: Tensor) -> Iterator[Tensor]:
    """Split words in order of increasing length so that no chunk has too many words or characters."""
    while len(order):
        longest = int(lengths[order[:_WORDS][-1]])
        count = min(_WORDS, max(1, _WINDOWS // (longest + 1)))
        yield order[:count]
        order = order[count:]


class WordTable:
    """Vectors of the `capacity` most recently used words. Threads may share it; a pickled copy is empty."""

    def __init__(self, encoder: WordEncoder, capacity: int) -> None:
        self.encoder, self.capacity = encoder, capacity
        self._vectors = torch.empty(capacity, encoder.width, device=encoder.device)  # memory is used only as it fills
        self._rows: OrderedDict[str, int] = OrderedDict()  # least recently used first

    def __reduce__(self) -> tuple[Any, ...]:
        return WordTable, (self.encoder, self.capacity)

    def __len__(self) -> int:
        return len(self._rows)

    def clear(self) -> None:
        """Forget all words."""
        with TABLES:
            self._rows.clear()

    def lookup(self, words: Sequence[str]) -> Tensor:
        """words: distinct -> (N, P)."""
        vectors = torch.empty(len(words), self.encoder.width, device=self.encoder.device)
        with TABLES:
            known = [index for index, word in enumerate(words) if word in self._rows]
            if known:
                for index in known:
                    self._rows.move_to_end(words[index])
                vectors[known] = self._vectors[[self._rows[words[index]] for index in known]]
        if len(known) < len(words):
            missing = sorted(set(range(len(words))).difference(known))
            vectors[missing] = self.encoder([words[index] for index in missing])  # without blocking other threads
            with TABLES:
                kept = [index for index in missing if words[index] not in self._rows][: self.capacity]
                self._vectors[[self._claim(words[index]) for index in kept]] = vectors[kept]
        return vectors  # (N, P)

    def _claim(self, word: str) -> int:
        """A row for a new word, if necessary that of the least recently used one."""
        row = len(self._rows) if len(self._rows) < self.capacity else self._rows.popitem(last=False)[1]
        self._rows[word] = row
        return row
