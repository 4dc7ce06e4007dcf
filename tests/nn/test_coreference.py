"""The span-ranking model against sums over all spans, pairs and antecedents, and what must not change its results."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from elmo_tasks.nn import antecedents as pairs
from elmo_tasks.nn.antecedents import AntecedentScorer, buckets
from elmo_tasks.nn.batch import Item, collate
from elmo_tasks.nn.coreference import SpanRanker
from elmo_tasks.nn.embedding_mix import EmbeddingMix, FrozenLayers
from elmo_tasks.nn.spans import SpanScorer, choose_spans
from elmo_tasks.text.labels import LabelSet

SETTINGS: dict[str, Any] = {
    "hidden": 3,
    "layers": 1,
    "scorer_hidden": 5,
    "features": 2,
    "max_width": 3,
    "spans_per_token": 0.5,
    "antecedents": 3,
    "coarse": True,
    "max_sentences": 0,
    "mentions": "found",
    "mention_loss": 0.0,
    "singletons": False,
    "dropout": 0.0,
    "embedding_dropout": 0.0,
}


def shaken(module: nn.Module) -> None:
    for parameter in module.parameters():  # also those that begin with zeros
        nn.init.normal_(parameter, std=0.7)


def ranker(**settings: Any) -> SpanRanker:
    torch.manual_seed(0)
    mix = EmbeddingMix(["elmo"], [FrozenLayers(n_layers=3, width=4)])
    model = SpanRanker(mix, LabelSet(("bn", "nw")), **{**SETTINGS, **settings})
    shaken(model)
    return model.eval()


def item(sentences: Sequence[int], gold: Sequence[tuple[int, int, int]] = (), *, index: int = 0, **given: Any) -> Item:
    torch.manual_seed(sum(sentences) + len(sentences))
    length = sum(sentences)
    own = {"genre": "nw", "speakers": [], "mentions": sorted((start, stop) for start, stop, _ in gold), **given}
    rows = torch.tensor(gold or [(0, 0, 0)])
    return Item((torch.randn(3, length, 4),), length, index, rows, sentences=tuple(sentences), given=own)


FIRST = item((4, 3, 5), [(0, 1, 1), (4, 5, 1), (2, 4, 2), (7, 9, 2), (9, 10, 1)], speakers=[1] * 7 + [2] * 5)
SECOND = item((6,), [(0, 2, 1), (3, 4, 1)], index=1, genre="unheard")


@torch.no_grad()
def test_span_scores_are_those_of_their_vectors() -> None:
    """The scores of all spans, made from tokens, equal those of the network applied to the vector of each span."""
    torch.manual_seed(0)
    scorer = SpanScorer(encoded=5, embedded=4, most=3, features=2, hidden=6, dropout=0.5).eval()
    shaken(scorer)
    encoded, embedded = torch.randn(7, 5), torch.randn(7, 4)
    attention = scorer.attend(encoded)
    ends = torch.tensor([4, 4, 4, 4, 7, 7, 7])
    scores = scorer.scores(encoded, embedded, attention, ends)
    assert scores.shape == (7, 3)
    for start, width in itertools.product(range(7), range(3)):
        stop = start + width + 1
        if stop > ends[start]:
            assert scores[start, width] == -torch.inf
            continue
        weights = [float(attention[at].exp()) for at in range(start, stop)]
        head = sum((w / sum(weights) * embedded[at] for w, at in zip(weights, range(start, stop), strict=True)))
        assert isinstance(head, Tensor)
        vector = torch.cat([encoded[start], encoded[stop - 1], head, scorer.widths.weight[width]])
        torch.testing.assert_close(scores[start, width], scorer.scorer(vector)[0])
        made = scorer.vectors(encoded, embedded, attention, torch.tensor([[start, stop], [0, 7]]))
        torch.testing.assert_close(made[0], vector)
    assert torch.isfinite(scorer.score_vectors(made)).all()  # also of a span wider than `most`


def test_pair_scores_are_those_of_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """The score of each pair equals that of a network on [g_i; g_j; g_i * g_j; features], in chunks of any size."""
    torch.manual_seed(0)
    scorer = AntecedentScorer(width=4, features=2, genres=2, hidden=5, dropout=0.0, most=3, coarse=False).eval()
    shaken(scorer)
    vectors, speakers = torch.randn(6, 4), torch.tensor([1, 1, 2, 0, 2, 1])
    candidates, scores = scorer.candidates(vectors, torch.arange(6.0))
    assert candidates[4].tolist() == [3, 2, 1] and scores[4].tolist() == [7.0, 6.0, 5.0]
    assert (scores > -torch.inf).sum(dim=1).tolist() == [0, 1, 2, 3, 3, 3]
    whole = scorer(vectors, candidates, speakers, 1)
    for i, place in itertools.product(range(1, 6), range(3)):
        j = i - 1 - place
        if j < 0:
            continue
        same = 0 if 0 in (speakers[i], speakers[j]) else 1 + int(speakers[i] == speakers[j])
        features = torch.cat([scorer.distance.weight[place], scorer.genre.weight[1], scorer.speaker.weight[same]])
        weight = torch.cat([m.weight for m in (scorer.own, scorer.other, scorer.product, scorer.features)], dim=1)
        given = torch.cat([vectors[i], vectors[j], vectors[i] * vectors[j], features])
        torch.testing.assert_close(whole[i, place], scorer.rest(weight @ given + scorer.own.bias)[0])
    monkeypatch.setattr(pairs, "AT_ONCE", 1)
    torch.testing.assert_close(scorer(vectors, candidates, speakers, 1), whole)


@torch.no_grad()
def test_coarse_candidates_are_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    scorer = AntecedentScorer(width=4, features=2, genres=1, hidden=5, dropout=0.5, most=2, coarse=True).eval()
    vectors, mentions = torch.randn(7, 4), torch.randn(7)
    assert scorer.bilinear is not None
    expected = vectors @ scorer.bilinear.weight.T @ vectors.T
    for at_once in (pairs.AT_ONCE, 1):
        monkeypatch.setattr(pairs, "AT_ONCE", at_once)
        candidates, scores = scorer.candidates(vectors, mentions)
        for i in range(7):
            own = [(float(expected[j, i] + mentions[i] + mentions[j]), j) for j in range(i)]
            best = sorted(own, reverse=True)[:2]
            assert candidates[i][: len(best)].tolist() == [j for _, j in best]
            assert scores[i][: len(best)].tolist() == pytest.approx([score for score, _ in best], abs=1e-5)
            assert (scores[i][len(best) :] == -torch.inf).all()


def test_buckets() -> None:
    numbers = {1: 0, 2: 1, 3: 2, 4: 3, 5: 4, 7: 4, 8: 5, 15: 5, 16: 6, 31: 6, 32: 7, 63: 7, 64: 8, 900: 8}
    assert buckets(torch.tensor([*numbers])).tolist() == [*numbers.values()]


def test_spans_are_chosen_greedily_without_crossing() -> None:
    """Against a loop that compares each span with all accepted ones."""
    torch.manual_seed(0)
    for count in (1, 5, 12, 100):
        scores = torch.randn(12, 4)
        for token in range(12):
            scores[token, 12 - token :] = -torch.inf
        accepted: list[tuple[int, int]] = []
        order = sorted(itertools.product(range(12), range(4)), key=lambda place: -float(scores[place]))
        for start, width in order:
            stop = start + width + 1
            crossing = any(a < start < b < stop or start < a < stop < b for a, b in accepted)
            if scores[start, width] > -torch.inf and not crossing and len(accepted) < count:
                accepted.append((start, stop))
        assert choose_spans(scores, count).tolist() == [list(span) for span in sorted(accepted)]


@pytest.mark.parametrize("coarse", [True, False])
def test_loss_and_clusters_by_enumeration(coarse: bool) -> None:
    """The loss sums the probabilities of all correct antecedents; decoding follows the best ones."""
    model = ranker(coarse=coarse)
    batch = collate([FIRST])
    (part,) = model._parts(batch)
    found = model._score(part)
    assert part.gold is not None
    clusters = {(start, stop): cluster for start, stop, cluster in part.gold.tolist()}
    spans = [tuple(span) for span in found.spans.tolist()]
    assert len(spans) == 6 and spans == sorted(spans)
    losses, links = [], []
    for i, span in enumerate(spans):
        options = {-1: 0.0} | {
            int(j): float(score)
            for j, score in zip(found.candidates[i].tolist(), found.scores[i].tolist(), strict=True)
            if score > -torch.inf
        }
        assert set(options) <= {-1, *range(i)} and len(options) == 1 + min(i, 3)
        own = clusters.get(span)
        right = [j for j in options if j >= 0 and own is not None and clusters.get(spans[j]) == own] or [-1]
        total = sum(torch.tensor(list(options.values())).exp())
        losses.append(-float((sum(torch.tensor(options[j]).exp() for j in right) / total).log()))
        links.append(max(options, key=options.__getitem__))
    assert model.loss(batch).item() == pytest.approx(sum(losses) / len(losses), rel=1e-4)
    groups: list[set[int]] = []
    for i, j in enumerate(links):
        group = next((own for own in groups if j in own), None)
        if group is None:
            groups.append(group := set())
        group.add(i)
    expected = sorted(sorted(spans[i] for i in group) for group in groups if len(group) > 1)
    assert sorted(model.decode(batch)[0]) == expected


@torch.no_grad()
@pytest.mark.parametrize("coarse", [True, False])
@pytest.mark.parametrize("mention_loss", [0.0, 0.5])
def test_probabilities_by_enumeration(coarse: bool, mention_loss: float) -> None:
    """Against the weights of all ways to give every span an antecedent or none."""
    model = ranker(coarse=coarse, mention_loss=mention_loss)
    model.antecedents.rest[-1].bias += 4 if coarse else -1  # links are neither certain nor impossible
    batch = collate([FIRST, SECOND])
    clusters, shares = model.decode_with_probabilities(batch)
    assert clusters == model.decode(batch) and len(clusters[0]) == 1 + coarse
    for part, own, mine in zip(model._parts(batch), clusters, shares, strict=True):
        found = model._score(part)
        options = [
            [(-1, 0.0), *((j, float(score)) for j, score in zip(row, scores, strict=True) if score > -torch.inf)]
            for row, scores in zip(found.candidates.tolist(), found.scores, strict=True)
        ]
        spans = [(start, stop) for start, stop in found.spans.tolist()]
        whole, agreeing = 0.0, {mention: 0.0 for cluster in own for mention in cluster}
        for links in itertools.product(*options):
            weight = math.exp(sum(score for _, score in links))
            whole += weight
            for cluster in own:
                for number, mention in enumerate(cluster):
                    antecedent = links[spans.index(mention)][0]
                    agrees = spans[antecedent] in cluster[:number] if antecedent >= 0 else number == 0
                    agreeing[mention] += weight * agrees
        if mention_loss:
            for first, *_ in own:
                agreeing[first] /= 1 + math.exp(-float(found.mentions[spans.index(first)]))
        expected = [agreeing[mention] / whole for cluster in own for mention in cluster]
        assert mine == pytest.approx(expected, rel=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("mentions", ["found", "gold"])
def test_probabilities_of_singletons(mentions: str) -> None:
    """The probability that the span has no antecedent, times that of being a mention; given mentions are mentions."""
    wide = collate([item((8, 3), [(0, 6, 1), (8, 9, 1), (9, 10, 2)])])
    model = ranker(singletons=True, mention_loss=1.0, mentions=mentions)
    model.spans.scorer[-1].bias += 6  # all spans are mentions; their links are as likely as before
    model.antecedents.rest[-1].bias -= 12
    (clusters,), (shares,) = model.decode_with_probabilities(wide)
    (part,) = model._parts(wide)
    found = model._score(part)
    places = {(start, stop): place for place, (start, stop) in enumerate(found.spans.tolist())}
    share_of = dict(zip((mention for own in clusters for mention in own), shares, strict=True))
    alone = [own[0] for own in clusters if len(own) == 1]
    assert alone
    for mention in alone:
        none = 1 / (1 + sum(math.exp(score) for score in found.scores[places[mention]].tolist()))
        is_one = 1 / (1 + math.exp(-float(found.mentions[places[mention]]))) if mentions == "found" else 1.0
        assert share_of[mention] == pytest.approx(none * is_one, rel=1e-4)


def test_batch_mates_change_nothing() -> None:
    model = ranker()
    alone = [model.decode(collate([each]))[0] for each in (FIRST, SECOND)]
    assert model.decode(collate([FIRST, SECOND])) == alone
    single = [model.loss(collate([each])).item() for each in (FIRST, SECOND)]
    assert model.loss(collate([SECOND, FIRST])).item() == pytest.approx(sum(single) / 2, rel=1e-5)


def test_training_reads_consecutive_sentences() -> None:
    """A cut document is the same as a document of these sentences."""
    model = ranker(max_sentences=2)
    gold = FIRST.gold
    assert gold is not None
    expected = []
    for start, stop, sentences in ((0, 7, (4, 3)), (4, 12, (3, 5))):
        inside = [(a - start, b - start, cluster) for a, b, cluster in gold.tolist() if start <= a and b <= stop]
        cut = item(sentences, inside, speakers=([1] * 7 + [2] * 5)[start:stop])
        cut = Item((FIRST.inputs[0][:, start:stop],), cut.length, 0, cut.gold, None, sentences, cut.given)
        expected.append(model.loss(collate([cut])).item())
    model.train()
    drawn = {round(model.loss(collate([FIRST])).item(), 4) for _ in range(20)}
    assert drawn == {round(loss, 4) for loss in expected}


def test_checkpointed_gradients_are_the_usual_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    gradients = []
    for at_once in (pairs.AT_ONCE, 1):
        monkeypatch.setattr(pairs, "AT_ONCE", at_once)
        model = ranker().train()
        model.loss(collate([FIRST])).backward()  # type: ignore[no-untyped-call]
        gradients.append({name: each.grad for name, each in model.named_parameters() if each.grad is not None})
    monkeypatch.setattr(pairs, "checkpoint", lambda function, *given, use_reentrant: function(*given))
    model = ranker().train()
    model.loss(collate([FIRST])).backward()  # type: ignore[no-untyped-call]
    gradients.append({name: each.grad for name, each in model.named_parameters() if each.grad is not None})
    assert len(gradients[0]) == len(list(model.parameters()))
    for other in gradients[1:]:
        torch.testing.assert_close(other, gradients[0])


def test_gold_mentions() -> None:
    """All given spans are read, however wide; singletons are predicted only if they are wanted."""
    wide = item((8, 3), [(0, 6, 1), (8, 9, 1), (9, 10, 2)])
    model = ranker(mentions="gold")
    (part,) = model._parts(collate([wide]))
    assert model._score(part).spans.tolist() == [[0, 6], [8, 9], [9, 10]]
    assert torch.isfinite(model.loss(collate([wide])))
    complete = ranker(mentions="gold", singletons=True).decode(collate([wide]))[0]
    assert sorted(span for cluster in complete for span in cluster) == [(0, 6), (8, 9), (9, 10)]
    nothing = collate([item((4,))])
    assert model.decode(nothing) == [[]] and model.loss(nothing).item() == 0.0


def test_singletons_are_learnt() -> None:
    model = ranker(singletons=True, mention_loss=1.0).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    example = item((5, 4), [(0, 2, 1), (5, 6, 1), (3, 4, 2), (7, 9, 3)])
    for _ in range(60):
        optimizer.zero_grad()
        model.loss(collate([example])).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    found = model.eval().decode(collate([example]))[0]
    assert sorted(found) == [[(0, 2), (5, 6)], [(3, 4)], [(7, 9)]]


def test_documents_of_one_token_and_without_gold() -> None:
    model = ranker()
    one = collate([item((1,))])
    assert model.decode(one) == [[]] and torch.isfinite(model.loss(one))
    assert model.decode_with_probabilities(one) == ([[]], [[]])
    batch = collate([FIRST])
    unknown = replace(batch, gold=None)
    assert model.decode(unknown) == model.decode(batch)
    with pytest.raises(ValueError, match="without gold"):
        model.loss(unknown)
