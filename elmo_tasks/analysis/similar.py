"""Find the occurrences in a file that are most similar to one in a sentence."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from elmo_tasks.analysis.occurrences import occurrence_vectors
from elmo_tasks.core.progress import report_progress
from elmo_tasks.data.senses import Occurrence
from elmo_tasks.embedders.protocol import Embedder

_BLOCK = 512  # number of occurrences in memory at a time


@dataclass(frozen=True)
class Neighbour:
    """An occurrence and the cosine of its vector with that of the query."""

    occurrence: Occurrence
    cosine: float

    def as_dict(self) -> dict[str, Any]:
        """JSON values; `position` counts from 1."""
        found = self.occurrence
        return {
            "word": found.tokens[found.index],
            "position": found.index + 1,
            "cosine": self.cosine,
            "source": found.source,
            "tokens": list(found.tokens),
        } | ({"sense": found.sense} if found.sense is not None else {})


def nearest(
    embedder: Embedder, query: Occurrence, candidates: Iterable[Occurrence], weights: Tensor, top: int
) -> list[Neighbour]:
    """The `top` candidates by decreasing cosine with `query`, earlier ones first if equal.

    Candidates are processed as a stream: only a block of them and the best so far are in memory. The query itself is
    not a candidate, and only the first of identical sentences counts.

    weights: (L,), the weights of the layers.
    """
    target = _mixed(embedder, [query], weights)[0]  # (D,)
    best: list[tuple[float, int, Occurrence]] = []  # a heap, with the worst first
    kept: set[tuple[tuple[str, ...], int]] = set()
    arrival = 0
    seen = 0
    for block in _blocks(candidates):
        cosines = torch.cosine_similarity(_mixed(embedder, block, weights), target[None], dim=-1).tolist()
        for occurrence, cosine in zip(block, cosines, strict=True):
            arrival -= 1  # so that of equal cosines the later one ranks lower
            key = (occurrence.tokens, occurrence.index)
            if key == (query.tokens, query.index) or key in kept:
                continue
            if len(best) < top:
                heapq.heappush(best, (cosine, arrival, occurrence))
            elif (cosine, arrival) > best[0][:2]:
                _, _, worst = heapq.heapreplace(best, (cosine, arrival, occurrence))
                kept.discard((worst.tokens, worst.index))
            else:
                continue
            kept.add(key)
        seen += len(block)
        report_progress("comparing", seen, None, "occurrences")
    report_progress("comparing", seen, seen, "occurrences")
    return [Neighbour(occurrence, cosine) for cosine, _, occurrence in sorted(best, reverse=True, key=lambda e: e[:2])]


def _mixed(embedder: Embedder, occurrences: list[Occurrence], weights: Tensor) -> Tensor:
    """(N, D)."""
    return torch.einsum("nld,l->nd", occurrence_vectors(embedder, occurrences), weights)


def _blocks(candidates: Iterable[Occurrence]) -> Iterator[list[Occurrence]]:
    stream = iter(candidates)
    while block := list(islice(stream, _BLOCK)):
        yield block
