"""The span-ranking model of coreference (Lee et al. 2017, arXiv 1707.07045)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from elmo_tasks.core.errors import InputError
from elmo_tasks.nn.antecedents import AntecedentScorer
from elmo_tasks.nn.batch import Batch, split_sentences
from elmo_tasks.nn.bilstm import BiLstm
from elmo_tasks.nn.embedding_mix import EmbeddingMix
from elmo_tasks.nn.spans import SpanScorer, choose_spans, spans_of
from elmo_tasks.text.labels import LabelSet


class _Part(NamedTuple):
    """A document, or some consecutive sentences of it.

    inputs: one tensor per source, with a batch of 1; sentences: (S,) their lengths, on the CPU; genre: its number;
    speakers: (T,) numbers from 1, 0 if unknown; mentions: (M, 2), given spans; gold: (G, 3): start, stop and cluster
    from 1 of each mention, or None.
    """

    inputs: tuple[Tensor, ...]
    sentences: Tensor
    genre: int
    speakers: Tensor
    mentions: Tensor
    gold: Tensor | None


class _Scored(NamedTuple):
    """M spans of a part, each with K candidates.

    spans: (M, 2), sorted; mentions: (M,) their scores; candidates: (M, K); scores: (M, K), -inf for no candidate; all:
    (T, W) the scores of all spans, or None if the spans were given.
    """

    spans: Tensor
    mentions: Tensor
    candidates: Tensor
    scores: Tensor
    all: Tensor | None


class SpanRanker(nn.Module):
    """A BiLSTM reads each sentence; spans are scored as mentions and the best are kept; each of them chooses an
    antecedent among the kept spans before it, or none.

    s(i, j) = s_m(i) + s_m(j) + s_a(i, j), and 0 for no antecedent. The loss is the negative log-likelihood of all
    correct antecedents together. The documents of a batch are processed one after the other.

    Deviation: with `mention_loss`, the binary cross-entropy of all spans as mentions is added. In the paper, a mention
    that is not kept has no influence on the loss, so training on little data can settle on keeping none.

    Deviation: the loss is the mean over the kept spans of a document, not the sum, so that `training.clip_norm` means
    the same for documents of any length.
    """

    def __init__(
        self,
        mix: EmbeddingMix,
        labels: LabelSet,
        *,
        hidden: int,
        layers: int,
        scorer_hidden: int,
        features: int,
        max_width: int,
        spans_per_token: float,
        antecedents: int,
        coarse: bool,
        max_sentences: int,
        mentions: str,
        mention_loss: float,
        singletons: bool,
        dropout: float,
        embedding_dropout: float,
    ) -> None:
        """The settings are described in the recipe. labels: the genres."""
        super().__init__()
        self.mix, self.genres = mix, labels
        self.spans_per_token, self.max_sentences = spans_per_token, max_sentences
        self.given, self.mention_loss, self.singletons = mentions == "gold", mention_loss, singletons
        self.embedding_dropout, self.dropout = nn.Dropout(embedding_dropout), nn.Dropout(dropout)
        self.encoder = BiLstm(input_dim=mix.width, hidden=hidden, layers=layers, dropout=dropout)
        self.spans = SpanScorer(
            encoded=self.encoder.width,
            embedded=mix.width,
            most=max_width,
            features=features,
            hidden=scorer_hidden,
            dropout=dropout,
        )
        self.antecedents = AntecedentScorer(
            width=self.spans.width,
            features=features,
            genres=len(labels),
            hidden=scorer_hidden,
            dropout=dropout,
            most=antecedents,
            coarse=coarse,
        )

    def loss(self, batch: Batch) -> Tensor:
        """The mean over the documents; in training, each is cut to `max_sentences` consecutive sentences at random."""
        if batch.gold is None:
            raise ValueError("a batch without gold has no loss")
        losses = []
        for part in self._parts(batch):
            cut = _cut(part, self.max_sentences) if self.training and self.max_sentences else part
            losses.append(self._loss(cut))
        return torch.stack(losses).mean()

    def decode(self, batch: Batch) -> list[list[list[tuple[int, int]]]]:
        """The clusters of each document: lists of spans with exclusive ends, sorted."""
        return [clusters for clusters, _ in self._found(batch)]

    def decode_with_probabilities(self, batch: Batch) -> tuple[list[list[list[tuple[int, int]]]], list[list[float]]]:
        """The output of `decode`, and the probability of each mention, in the order of the clusters.

        It is the sum of the probabilities of all antecedents in its cluster, as in the loss. For the first mention it
        is the probability of no antecedent, which says nothing about whether the span is a mention; so it is multiplied
        by the probability that it is one, if the model has learnt that (`mention_loss`) and mentions are not given.
        """
        found = self._found(batch)
        return [clusters for clusters, _ in found], [shares for _, shares in found]

    def _found(self, batch: Batch) -> list[tuple[list[list[tuple[int, int]]], list[float]]]:
        return [self._clusters(self._score(part)) for part in self._parts(batch)]

    def _parts(self, batch: Batch) -> list[_Part]:
        parts = []
        for row, (length, given) in enumerate(zip(batch.lengths.tolist(), batch.given, strict=True)):
            sentences = batch.lengths[row : row + 1] if batch.sentences is None else batch.sentences[row]
            parts.append(
                _Part(
                    tuple(_in_time(x[row : row + 1], 0, length) for x in batch.inputs),
                    sentences[sentences > 0],
                    self._genre(given),
                    torch.tensor(given["speakers"] or [0] * length, device=batch.mask.device),
                    self._mentions(given).to(batch.mask.device),
                    None if batch.gold is None else batch.gold[row][batch.gold[row, :, 2] > 0],
                )
            )
        return parts

    def _mentions(self, given: Mapping[str, Any]) -> Tensor:
        if self.given and given["mentions"] is None:
            raise InputError(
                "this run was trained on gold mentions (model.mentions: gold), which a text does not have; train one "
                "with model.mentions: found"
            )
        return spans_of(given["mentions"] or ())

    def _genre(self, given: Mapping[str, Any]) -> int:
        genre = given["genre"]
        return self.genres.index(genre) if genre in self.genres.names else len(self.genres)

    def _score(self, part: _Part) -> _Scored:
        tokens = int(part.sentences.sum())
        device = part.speakers.device
        mask = torch.ones(1, tokens, dtype=torch.bool, device=device)
        embedded = self.embedding_dropout(self.mix(part.inputs, mask))  # (1, T, D)
        rows = split_sentences(embedded, part.sentences.unsqueeze(0))[0]  # (S, N, D)
        read = self.dropout(self.encoder(rows, part.sentences))  # (S, N, E)
        real = torch.arange(rows.shape[1]) < part.sentences.unsqueeze(1)  # (S, N)
        encoded, embedded = read[real.to(device)], embedded[0]  # (T, E), (T, D)
        attention = self.spans.attend(encoded)  # (T,)
        every = None
        if self.given:
            spans = part.mentions
        else:
            ends = part.sentences.cumsum(0).repeat_interleave(part.sentences).to(device)  # (T,)
            every = self.spans.scores(encoded, embedded, attention, ends)  # (T, W)
            spans = choose_spans(every, max(1, int(self.spans_per_token * tokens))).to(device)
        if not len(spans):
            nothing = embedded.new_zeros(0, 1)
            return _Scored(spans, nothing[:, 0], nothing.long(), nothing, every)
        vectors = self.spans.vectors(encoded, embedded, attention, spans)  # (M, V)
        if every is None:
            mentions = self.spans.score_vectors(vectors)  # (M,)
        else:
            mentions = every[spans[:, 0], spans[:, 1] - spans[:, 0] - 1]
        candidates, scores = self.antecedents.candidates(vectors, mentions)
        scores = scores + self.antecedents(vectors, candidates, part.speakers[spans[:, 0]], part.genre)
        return _Scored(spans, mentions, candidates, scores, every)

    def _loss(self, part: _Part) -> Tensor:
        assert part.gold is not None
        found = self._score(part)
        if not len(found.spans):
            return found.scores.sum()
        clusters = {(start, stop): cluster for start, stop, cluster in part.gold.tolist()}
        own = torch.tensor([clusters.get((start, stop), 0) for start, stop in found.spans.tolist()])
        own = own.to(found.scores.device)  # (M,)
        right = (own.unsqueeze(1) == own[found.candidates]) & (own > 0).unsqueeze(1) & (found.scores > -torch.inf)
        right = torch.cat([~right.any(dim=1, keepdim=True), right], dim=1)  # (M, 1 + K)
        chances = _with_none(found.scores).log_softmax(dim=1)
        loss = -chances.masked_fill(~right, -torch.inf).logsumexp(dim=1).mean()
        if self.mention_loss and found.all is not None:
            loss = loss + self.mention_loss * _mention_loss(found.all, part.gold) / len(found.spans)
        return loss

    def _clusters(self, found: _Scored) -> tuple[list[list[tuple[int, int]]], list[float]]:
        """The clusters, and the probabilities of their mentions, see `decode_with_probabilities`."""
        if not len(found.spans):
            return [], []
        scores = _with_none(found.scores)  # (M, 1 + K)
        best = scores.argmax(dim=1)  # (M,), 0 for none
        chosen = found.candidates.gather(1, (best - 1).clamp(min=0).unsqueeze(1)).squeeze(1)
        owners: list[int] = []
        members: dict[int, list[int]] = {}
        for place, (linked, antecedent) in enumerate(zip(best.tolist(), chosen.tolist(), strict=True)):
            owners.append(owners[antecedent] if linked else place)
            members.setdefault(owners[place], []).append(place)
        owner = torch.tensor(owners, device=best.device)  # (M,)
        chances = scores.softmax(dim=1)
        within = (chances[:, 1:] * (owner[found.candidates] == owner.unsqueeze(1))).sum(dim=1)
        first = chances[:, 0] * (found.mentions.sigmoid() if self.mention_loss and not self.given else 1)
        share = torch.where(best > 0, within, first).tolist()
        alone = (found.mentions > 0).tolist()
        clusters, shares = [], []
        for place, places in members.items():
            if len(places) > 1 or (self.singletons and (self.given or alone[place])):
                clusters.append([(start, stop) for start, stop in found.spans[places].tolist()])
                shares += [share[each] for each in places]
        return clusters, shares


def _mention_loss(scores: Tensor, gold: Tensor) -> Tensor:
    """The sum of the binary cross-entropies of all spans as mentions. scores: (T, W); gold: (G, 3)."""
    truth = torch.zeros_like(scores)
    short = gold[gold[:, 1] - gold[:, 0] <= scores.shape[1]]
    truth[short[:, 0], short[:, 1] - short[:, 0] - 1] = 1.0
    real = scores > -torch.inf
    return functional.binary_cross_entropy_with_logits(scores[real], truth[real], reduction="sum")


def _with_none(scores: Tensor) -> Tensor:
    """(M, K) -> (M, 1 + K): the score 0 of no antecedent comes first."""
    return torch.cat([scores.new_zeros(len(scores), 1), scores], dim=1)


def _cut(part: _Part, most: int) -> _Part:
    """Up to `most` consecutive sentences, drawn at random, with what is inside them."""
    count = len(part.sentences)
    if count <= most:
        return part
    first = int(torch.randint(count - most + 1, ()))
    start = int(part.sentences[:first].sum())
    stop = start + int(part.sentences[first : first + most].sum())
    assert part.gold is not None
    return _Part(
        tuple(_in_time(x, start, stop) for x in part.inputs),
        part.sentences[first : first + most],
        part.genre,
        part.speakers[start:stop],
        _inside(part.mentions, start, stop),
        _inside(part.gold, start, stop),
    )


def _inside(spans: Tensor, start: int, stop: int) -> Tensor:
    """The spans within a range, relative to its start. spans: (M, 2) or (M, 3), the first two columns are places."""
    kept = spans[(spans[:, 0] >= start) & (spans[:, 1] <= stop)].clone()
    kept[:, :2] -= start
    return kept


def _in_time(x: Tensor, start: int, stop: int) -> Tensor:
    """A range of tokens of an input of a batch: (B, L, T, D) frozen layers, everything else has time second."""
    return x.narrow(2 if x.dim() == 4 else 1, start, stop - start)
