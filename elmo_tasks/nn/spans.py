"""Vectors and scores of the spans of a document (Lee et al. 2017, arXiv 1707.07045, section 4)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


def feed_forward(width: int, hidden: int, dropout: float) -> nn.Sequential:
    """Two hidden ReLU layers with dropout, then one number: (..., width) -> (..., 1)."""
    return nn.Sequential(
        *(nn.Linear(width, hidden), nn.ReLU(), nn.Dropout(dropout)),
        *(nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(dropout)),
        nn.Linear(hidden, 1),
    )


class SpanScorer(nn.Module):
    """Scores of spans as mentions.

    The vector of a span is [x*_start; x*_end; sum_t a_t x_t; width]: the encoded first and last token, the embedded
    tokens weighted by attention (a softmax over the span of one score per token), and a learned vector of the width.

    A document of T tokens has T W spans of up to W tokens, whose vectors would need gigabytes. The first layer of the
    scorer is linear, so it is applied to the tokens and the sums are made afterwards: `scores` only needs T W hidden
    values, and `vectors` makes the vectors of the few spans that are left. Both compute the same function.
    """

    def __init__(self, *, encoded: int, embedded: int, most: int, features: int, hidden: int, dropout: float) -> None:
        """encoded, embedded: widths of x* and x; most: W; features: width of the learned vectors."""
        super().__init__()
        self.most, self.parts = most, (encoded, encoded, embedded, features)
        self.width = sum(self.parts)
        self.attention = feed_forward(encoded, hidden, dropout)
        self.widths = nn.Embedding(most, features)
        self.scorer = feed_forward(self.width, hidden, dropout)

    def scores(self, encoded: Tensor, embedded: Tensor, attention: Tensor, ends: Tensor) -> Tensor:
        """The score of each span of up to W tokens that is within a sentence.

        encoded: (T, E); embedded: (T, D); attention: (T,), see `attend`; ends: (T,) the end of each token's sentence,
        exclusive -> (T, W), where [t, w] is the span from t to t + w, -inf if that is not in the sentence.
        """
        first, rest = self.scorer[0], self.scorer[1:]
        assert isinstance(first, nn.Linear)
        start, end, head, width = torch.split(first.weight, list(self.parts), dim=1)
        places, inside = windows(torch.arange(len(encoded), device=encoded.device), ends, self.most)  # (T, W)
        shares = _prefix_softmax(attention[places], inside)  # (T, W, W)
        hidden = torch.einsum("twk,tkh->twh", shares, functional.linear(embedded, head)[places])  # (T, W, H)
        hidden = hidden + functional.linear(encoded, end)[places]
        hidden = hidden + functional.linear(encoded, start, first.bias).unsqueeze(1)
        hidden = hidden + functional.linear(self.widths.weight, width)
        scores: Tensor = rest(hidden).squeeze(-1)
        return scores.masked_fill(~inside, -torch.inf)

    def attend(self, encoded: Tensor) -> Tensor:
        """The unnormalised attention of each token: (T, E) -> (T,)."""
        attention: Tensor = self.attention(encoded).squeeze(-1)
        return attention

    def vectors(self, encoded: Tensor, embedded: Tensor, attention: Tensor, spans: Tensor) -> Tensor:
        """The vectors of some spans, of any width.

        encoded, embedded, attention: as for `scores`; spans: (M, 2) int64, exclusive ends -> (M, 2 E + D + F).
        """
        lengths = spans[:, 1] - spans[:, 0]  # (M,)
        places, inside = windows(spans[:, 0], spans[:, 1], int(lengths.max()))  # (M, N)
        shares = attention[places].masked_fill(~inside, -torch.inf).softmax(dim=1)  # (M, N)
        head = torch.einsum("mn,mnd->md", shares, embedded[places])
        width = self.widths(lengths.clamp(max=self.most) - 1)
        return torch.cat([encoded[spans[:, 0]], encoded[spans[:, 1] - 1], head, width], dim=1)

    def score_vectors(self, vectors: Tensor) -> Tensor:
        """The scores of spans from their vectors: (M, 2 E + D + F) -> (M,)."""
        scores: Tensor = self.scorer(vectors).squeeze(-1)
        return scores


def windows(starts: Tensor, stops: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """Places from each start on, and whether they are before its stop: (N,) each -> (N, most), (N, most) bool.

    Places that are not are the last one before the stop.
    """
    places = starts.unsqueeze(1) + torch.arange(most, device=starts.device)
    inside = places < stops.unsqueeze(1)
    return torch.minimum(places, stops.unsqueeze(1) - 1), inside


def _prefix_softmax(scores: Tensor, inside: Tensor) -> Tensor:
    """The softmax over each prefix of each row: (T, W) -> (T, W, W), where [t, w] sums to 1 over its first w + 1.

    inside: (T, W), where the row goes on; what is beyond gets no weight.
    """
    most = scores.shape[1]
    prefix = torch.ones(most, most, dtype=torch.bool, device=scores.device).tril()
    real = prefix & inside.unsqueeze(1)  # (T, W, W); the first place is always real
    return scores.unsqueeze(1).masked_fill(~real, -torch.inf).softmax(dim=-1)


def choose_spans(scores: Tensor, count: int) -> Tensor:
    """Choose the best `count` spans that do not cross each other; nested ones are fine.

    As in Lee et al. 2017, section 5: spans are accepted in the order of their scores, unless an accepted one overlaps
    in part.

    scores: (T, W), as made by `SpanScorer` -> (M, 2) int64 on the CPU, sorted, with exclusive ends.
    """
    flat = scores.detach().flatten().cpu()
    order = flat.argsort(descending=True, stable=True)[: int((flat > -torch.inf).sum())].tolist()
    tokens, most = scores.shape
    latest = [-1] * tokens  # the last token of the longest accepted span that begins here
    earliest = [tokens] * tokens  # the first token of the longest accepted span that ends here
    chosen: list[tuple[int, int]] = []
    for place in order:
        if len(chosen) >= count:
            break
        start, width = divmod(place, most)
        last = start + width
        if any(latest[at] > last for at in range(start + 1, last + 1)):
            continue
        if any(earliest[at] < start for at in range(start, last)):
            continue
        latest[start], earliest[last] = max(latest[start], last), min(earliest[last], start)
        chosen.append((start, last + 1))
    return spans_of(sorted(chosen))


def spans_of(spans: Sequence[Sequence[int]]) -> Tensor:
    """(M, 2) int64, also if there are none."""
    return torch.tensor(spans, dtype=torch.long).view(-1, 2)
