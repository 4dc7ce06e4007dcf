"""The layers of every token of a split, computed once and stored in 16 bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from elmo_tasks.core.progress import report_progress
from elmo_tasks.embedders.protocol import Embedder, Sentences

_BLOCK = 256  # number of sentences in 32 bits at a time
_ROWS = 8192  # tokens per step of the statistics


def token_layers(embedder: Embedder, sentences: Sentences) -> Tensor:
    """(N, L, D) float16 of all N tokens, in order."""
    count = sum(len(words) for words in sentences)
    table = torch.empty(count, embedder.n_layers, embedder.width, dtype=torch.float16)
    limit, row = torch.finfo(torch.float16).max, 0
    # Sorted by length, so that the sentences of a block batch well; each sentence is written to its own rows.
    starts = []
    for words in sentences:
        starts.append(row)
        row += len(words)
    order = sorted(range(len(sentences)), key=lambda index: len(sentences[index]))
    done = 0
    for begin in range(0, len(order), _BLOCK):
        block = order[begin : begin + _BLOCK]
        for index, layers in zip(block, embedder.embed([sentences[index] for index in block]), strict=True):
            place = slice(starts[index], starts[index] + layers.shape[1])
            table[place] = layers.clamp(-limit, limit).transpose(0, 1).to(torch.float16)  # (T, L, D)
            done += layers.shape[1]
        report_progress(f"layers of {embedder.name}", done, count)
    return table


@dataclass(frozen=True)
class Standard:
    """Mean and inverse standard deviation of each dimension of each layer, (L, D), over the training tokens.

    A linear probe of standardised vectors is equivalent to one of the vectors themselves, but it learns faster, with
    one learning rate for all layers. Constant dimensions become 0.
    """

    mean: Tensor
    scale: Tensor

    @classmethod
    def of(cls, table: Tensor) -> Standard:
        """table: (N, L, D)."""
        total = torch.zeros(table.shape[1:], dtype=torch.float64)
        squares = torch.zeros_like(total)
        for rows in torch.split(table, _ROWS):
            total += rows.double().sum(0)
        mean = total / len(table)
        for rows in torch.split(table, _ROWS):
            squares += (rows.double() - mean).square().sum(0)
        deviation = (squares / len(table)).sqrt()
        scale = torch.where(deviation > 1e-6, 1 / deviation.clamp(min=1e-6), 0.0)
        return cls(mean.float(), scale.float())

    def apply(self, rows: Tensor) -> Tensor:
        """Standardise rows (b, L, D) float16 to float32 with mean 0 and variance 1 over the training tokens."""
        return (rows.float() - self.mean) * self.scale


def evenly_spaced(lengths: Sequence[int], most: int | None) -> list[int]:
    """Indices of sentences, evenly spaced over the corpus, with about `most` tokens in total (all if None)."""
    total = sum(lengths)
    if most is None or total <= most:
        return list(range(len(lengths)))
    return [index for index in range(len(lengths)) if (index + 1) * most // total > index * most // total]
