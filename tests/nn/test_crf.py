"""The constrained CRF against enumeration of all legal sequences."""

from __future__ import annotations

import itertools

import pytest
import torch

from elmo_tasks.nn.crf import ConstrainedCrf
from elmo_tasks.text.labels import LabelSet
from elmo_tasks.text.spans import legal_transitions, to_spans

NAMES = LabelSet.of_types(["A"], "BIOES").names
START, END, STEP = legal_transitions(NAMES, "BIOES")


@pytest.fixture
def crf() -> ConstrainedCrf:
    torch.manual_seed(0)
    made = ConstrainedCrf(START, END, STEP)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_()
    return made


def legal(length: int) -> list[tuple[int, ...]]:
    return [
        numbers
        for numbers in itertools.product(range(len(NAMES)), repeat=length)
        if START[numbers[0]] and END[numbers[-1]] and all(STEP[a][b] for a, b in itertools.pairwise(numbers))
    ]


def score(crf: ConstrainedCrf, emissions: torch.Tensor, numbers: tuple[int, ...]) -> torch.Tensor:
    inner = crf.crf
    total = inner.start_transitions[numbers[0]] + inner.end_transitions[numbers[-1]]
    total = total + sum(emissions[t, number] for t, number in enumerate(numbers))
    return total + sum(inner.transitions[a, b] for a, b in itertools.pairwise(numbers))


def test_likelihood_and_best_sequence(crf: ConstrainedCrf) -> None:
    emissions = torch.randn(3, 4, len(NAMES))
    lengths = [4, 2, 1]
    mask = torch.arange(4)[None] < torch.tensor(lengths)[:, None]
    gold = torch.zeros(3, 4, dtype=torch.long)
    expected, best = torch.zeros(()), []
    for row, length in enumerate(lengths):
        sequences = legal(length)
        scores = torch.stack([score(crf, emissions[row], numbers) for numbers in sequences])
        chosen = sequences[row % len(sequences)]
        gold[row, :length] = torch.tensor(chosen)
        expected = expected + score(crf, emissions[row], chosen) - torch.logsumexp(scores, 0)
        best.append(list(sequences[int(scores.argmax())]))
    torch.testing.assert_close(crf(emissions, gold, mask), expected)
    assert crf.decode(emissions, mask) == best


def test_illegal_moves_are_neither_learned_nor_made(crf: ConstrainedCrf) -> None:
    emissions = 20 * torch.randn(50, 6, len(NAMES))
    mask = torch.ones(50, 6, dtype=torch.bool)
    for numbers in crf.decode(emissions, mask):
        to_spans([NAMES[number] for number in numbers], "BIOES")  # raises on an illegal sequence
    gold = torch.tensor(crf.decode(torch.randn(50, 6, len(NAMES)), mask))
    crf(emissions, gold, mask).backward()
    raw = crf.crf.parametrizations.transitions.original
    assert (raw.grad[~torch.tensor(STEP)] == 0).all()
    assert (raw.grad[torch.tensor(STEP)] != 0).any()


@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_gradients_are_those_of_pytorch_crf(crf: ConstrainedCrf, scale: float) -> None:
    crf.double()
    lengths = torch.tensor([6, 1, 3, 2])
    mask = torch.arange(6)[None] < lengths[:, None]
    emissions = (scale * torch.randn(4, 6, len(NAMES), dtype=torch.double)).requires_grad_()
    gold = torch.zeros(4, 6, dtype=torch.long)
    for row, numbers in enumerate(crf.decode(torch.randn(4, 6, len(NAMES)), mask)):
        gold[row, : len(numbers)] = torch.tensor(numbers)
    found, expected = crf(emissions, gold, mask), crf.crf(emissions, gold, mask=mask)
    torch.testing.assert_close(found, expected)
    inputs = [emissions, *crf.parameters()]
    for one, other in zip(*(torch.autograd.grad(3 * loss, inputs) for loss in (found, expected)), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


def test_gradients_are_those_of_differences(crf: ConstrainedCrf) -> None:
    crf.double()
    mask = torch.tensor([[True, True, True], [True, False, False]])
    emissions = torch.randn(2, 3, len(NAMES), dtype=torch.double, requires_grad=True)
    gold = torch.tensor([[1, 2, 3], [0, 0, 0]])
    assert torch.autograd.gradcheck(lambda given: crf(given, gold, mask), emissions)


def test_hopeless_scores_stay_finite(crf: ConstrainedCrf) -> None:
    """Beyond the range of float64 weights: the loss of a model that diverges is large, not NaN."""
    emissions = torch.zeros(1, 3, len(NAMES))
    emissions[0, :, 3] = 5000.0  # E-A, which may not be first
    emissions.requires_grad_()
    loss = -crf(emissions, torch.tensor([[1, 2, 3]]), torch.ones(1, 3, dtype=torch.bool))
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(emissions.grad).all()
