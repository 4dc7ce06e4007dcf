"""Scores of pairs of spans as antecedent and anaphor (Lee et al. 2017, arXiv 1707.07045, section 4)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

AT_ONCE = 1 << 26
"""Maximum number of values of the products of pairs that are in memory: 256 MB."""

DISTANCES = (1, 2, 3, 4, 5, 8, 16, 32, 64)
"""The smallest distance of each bucket, in spans."""


class AntecedentScorer(nn.Module):
    """A feed-forward network with two hidden layers on [g_i; g_j; g_i * g_j; features] for spans i and candidates j.

    The parts of its first layer that read g_i and g_j are applied once per span. The products are made for `AT_ONCE`
    values at a time; if there are more, they are made again for the gradient, so that memory does not grow with the
    number of pairs.

    With `coarse`, the candidates are the K preceding spans with the best score s_i + s_j + g_i U g_j, which is part of
    their final score (Lee et al. 2018, arXiv 1804.05392, section 4); otherwise they are the K nearest ones.
    """

    def __init__(
        self, *, width: int, features: int, genres: int, hidden: int, dropout: float, most: int, coarse: bool
    ) -> None:
        """width: of the vectors of spans; features: width of the learned vectors of distance, genre and speakers;
        genres: their number; most: K.
        """
        super().__init__()
        self.most = most
        self.own = nn.Linear(width, hidden)
        self.other = nn.Linear(width, hidden, bias=False)
        self.product = nn.Linear(width, hidden, bias=False)
        self.features = nn.Linear(3 * features, hidden, bias=False)
        self.distance = nn.Embedding(len(DISTANCES), features)
        self.genre = nn.Embedding(genres + 1, features)  # the last one is an unknown genre
        self.speaker = nn.Embedding(3, features)  # unknown, different, the same
        self.rest = nn.Sequential(
            *(nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(dropout)),
            nn.Linear(hidden, 1),
        )
        self.bilinear = nn.Linear(width, width, bias=False) if coarse else None
        self.dropout = nn.Dropout(dropout)

    def candidates(self, vectors: Tensor, mentions: Tensor) -> tuple[Tensor, Tensor]:
        """The candidates of each span, and their scores so far.

        vectors: (M, V); mentions: (M,) scores of the spans -> (M, K) int64, nearest first if K are nearest, and (M, K),
        -inf where there are fewer than K.
        """
        count = len(vectors)
        most = min(self.most, max(count - 1, 1))
        here = torch.arange(count, device=vectors.device)
        if self.bilinear is None:
            chosen = here.unsqueeze(1) - 1 - torch.arange(most, device=vectors.device)  # (M, K)
            before = chosen.clamp(min=0)
            return before, (mentions.unsqueeze(1) + mentions[before]).masked_fill(chosen < 0, -torch.inf)
        keys = self.dropout(self.bilinear(vectors))  # (M, V)
        found = []
        for rows in torch.split(here, max(1, AT_ONCE // count)):
            coarse = vectors[rows] @ keys.T + mentions[rows].unsqueeze(1) + mentions  # (R, M)
            found.append(coarse.masked_fill(here >= rows.unsqueeze(1), -torch.inf).topk(most, dim=1))
        return torch.cat([part.indices for part in found]), torch.cat([part.values for part in found])

    def forward(self, vectors: Tensor, candidates: Tensor, speakers: Tensor, genre: int) -> Tensor:
        """vectors: (M, V); candidates: (M, K); speakers: (M,) numbers from 1, 0 if unknown; genre: its number.

        -> (M, K), which is added to the scores of `candidates`.
        """
        rows = max(1, AT_ONCE // (vectors.shape[1] * max(candidates.shape[1], 1)))
        own, other = self.own(vectors), self.other(vectors)  # (M, H)
        kind = self.genre.weight[genre]
        parts = []
        for here in torch.split(torch.arange(len(vectors), device=vectors.device), rows):
            given = (vectors, own, other, kind, here, candidates[here], speakers)
            if torch.is_grad_enabled() and rows < len(vectors):
                parts.append(checkpoint(self._pairs, *given, use_reentrant=False))
            else:
                parts.append(self._pairs(*given))
        return torch.cat(parts)

    def _pairs(
        self, vectors: Tensor, own: Tensor, other: Tensor, kind: Tensor, here: Tensor, there: Tensor, speakers: Tensor
    ) -> Tensor:
        """here: (R,), there: (R, K) -> (R, K)."""
        products = vectors[here].unsqueeze(1) * vectors[there]  # (R, K, V)
        hidden = self.product(products) + own[here].unsqueeze(1) + other[there]  # (R, K, H)
        ours, theirs = speakers[here].unsqueeze(1), speakers[there]  # (R, 1), (R, K)
        same = torch.where((ours > 0) & (theirs > 0), 1 + (ours == theirs).long(), 0)
        distance, genre, speaker = self.features.weight.chunk(3, dim=1)  # (H, F) each
        hidden = hidden + functional.linear(self.distance.weight, distance)[buckets(here.unsqueeze(1) - there)]
        hidden = hidden + functional.linear(self.speaker.weight, speaker)[same] + functional.linear(kind, genre)
        scores: Tensor = self.rest(hidden).squeeze(-1)
        return scores


def buckets(distances: Tensor) -> Tensor:
    """The number of the bucket in `DISTANCES`: 1, 2, 3, 4, 5-7, 8-15, 16-31, 32-63, 64 and above."""
    bounds = torch.tensor(DISTANCES, device=distances.device)
    return torch.bucketize(distances, bounds, right=True).sub(1).clamp(min=0)
