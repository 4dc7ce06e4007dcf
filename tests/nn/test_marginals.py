"""Probabilities of spans against enumeration of all tag sequences."""

from __future__ import annotations

import itertools

import pytest
import torch

from elmo_tasks.nn.marginals import span_probabilities, tag_probabilities
from elmo_tasks.text.labels import LabelSet
from elmo_tasks.text.spans import Span, legal_transitions, to_spans


def chain_of(names: tuple[str, ...], scheme: str, learned: bool) -> tuple[torch.Tensor, ...]:
    """Random scores of starting, ending and stepping; -inf or the CRF's -10,000 where that is illegal."""
    parts = [torch.tensor(legal) for legal in legal_transitions(names, scheme)]
    scores = [torch.randn(legal.shape) if learned else torch.zeros(legal.shape) for legal in parts]
    out = -10_000.0 if learned else -torch.inf
    return tuple(score.masked_fill(~legal, out) for score, legal in zip(scores, parts, strict=True))


@pytest.mark.parametrize("scheme", ["BIO", "BIOES"])
@pytest.mark.parametrize("learned", [False, True])
def test_share_of_all_sequences_that_have_the_span(scheme: str, learned: bool) -> None:
    torch.manual_seed(3)
    names = LabelSet.of_types(["A", "B"] if scheme == "BIO" else ["A"], scheme).names
    start, end, step = chain_of(names, scheme, learned)
    legal = legal_transitions(names, scheme)
    lengths = [4, 2, 1, 3]
    emissions = 2 * torch.randn(len(lengths), 4, len(names))
    for draw in range(12):
        tags, expected = [], []
        for row, length in enumerate(lengths):
            weights: dict[tuple[int, ...], float] = {}
            for numbers in itertools.product(range(len(names)), repeat=length):
                if (
                    legal[0][numbers[0]]
                    and legal[1][numbers[-1]]
                    and all(legal[2][a][b] for a, b in itertools.pairwise(numbers))
                ):
                    total = (
                        start[numbers[0]] + end[numbers[-1]] + sum(emissions[row, t, n] for t, n in enumerate(numbers))
                    )
                    weights[numbers] = float(
                        (total + sum(step[pair] for pair in itertools.pairwise(numbers))).double().exp()
                    )
            chosen = list(weights)[(7 * draw + 5 * row) % len(weights)]
            tags.append(list(chosen))
            expected.append(by_enumeration(names, scheme, weights, chosen))
        found = span_probabilities(emissions, tags, (start, end, step), names, scheme)
        for ours, theirs in zip(found, expected, strict=True):
            assert ours == pytest.approx(theirs, abs=1e-6)


def test_shares_of_all_sequences_that_have_the_tag() -> None:
    torch.manual_seed(5)
    names = LabelSet.of_types(["A"], "BIOES").names
    start, end, step = chain_of(names, "BIOES", learned=True)
    lengths = [3, 1, 2]
    emissions = 2 * torch.randn(len(lengths), 3, len(names))
    found = tag_probabilities(emissions, lengths, (start, end, step))
    for row, length in enumerate(lengths):
        expected = torch.zeros(length, len(names), dtype=torch.float64)
        for numbers in itertools.product(range(len(names)), repeat=length):
            score = start[numbers[0]] + end[numbers[-1]] + sum(step[pair] for pair in itertools.pairwise(numbers))
            weight = (score + sum(emissions[row, t, n] for t, n in enumerate(numbers))).double().exp()
            expected[range(length), numbers] += weight
        assert torch.tensor(found[row]).numpy() == pytest.approx((expected / expected.sum(1, True)).numpy(), abs=1e-6)


def by_enumeration(
    names: tuple[str, ...], scheme: str, weights: dict[tuple[int, ...], float], chosen: tuple[int, ...]
) -> list[float]:
    def spans(numbers: tuple[int, ...]) -> list[Span]:
        return to_spans([names[number] for number in numbers], scheme)

    total = sum(weights.values())
    expected = []
    for place, number in enumerate(chosen):
        own = next((span for span in spans(chosen) if span.start <= place < span.end), None)
        agree = [w for n, w in weights.items() if (names[n[place]] == "O" if own is None else own in spans(n))]
        assert number == 0 or own is not None
        expected.append(sum(agree) / total)
    return expected


def test_no_tokens() -> None:
    names = LabelSet.of_types(["A"], "BIO").names
    assert span_probabilities(torch.zeros(1, 1, 3), [[]], chain_of(names, "BIO", False), names, "BIO") == [[]]
