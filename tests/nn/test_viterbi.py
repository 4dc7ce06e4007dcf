"""Viterbi against the enumeration of all tag sequences."""

from __future__ import annotations

import itertools

import torch

from elmo_tasks.nn.viterbi import Viterbi
from elmo_tasks.text.spans import legal_transitions, to_spans

BIO = ("O", "B-A", "I-A", "B-B", "I-B")
BIOES = ("O", "B-A", "I-A", "E-A", "S-A")


def best_of_all(names: tuple[str, ...], scheme: str, scores: torch.Tensor) -> list[int]:
    """scores: (T, K)."""
    start, end, step = legal_transitions(names, scheme)
    legal = [
        path
        for path in itertools.product(range(len(names)), repeat=len(scores))
        if start[path[0]] and end[path[-1]] and all(step[a][b] for a, b in itertools.pairwise(path))
    ]
    return list(max(legal, key=lambda path: sum(scores[t, tag].item() for t, tag in enumerate(path))))


def test_the_best_of_all_sequences() -> None:
    torch.manual_seed(0)
    lengths = torch.tensor([4, 1, 3, 2, 5])
    for names, scheme in ((BIO, "BIO"), (BIOES, "BIOES")):
        decode = Viterbi(*legal_transitions(names, scheme))
        for _ in range(5):
            scores = torch.randn(len(lengths), 5, len(names))
            scores[..., 2] += 1.0  # what is illegal at the start is tempting
            found = decode(scores, lengths)
            for row, length in enumerate(lengths.tolist()):
                assert found[row] == best_of_all(names, scheme, scores[row, :length])


def test_what_it_finds_is_legal() -> None:
    torch.manual_seed(0)
    decode = Viterbi(*legal_transitions(BIO, "BIO"))
    lengths = torch.randint(1, 30, (50,))
    for numbers in decode(3 * torch.randn(50, 30, len(BIO)), lengths):
        to_spans([BIO[number] for number in numbers], "BIO")  # raises where it is not


def test_nothing_of_it_is_stored() -> None:
    assert not Viterbi(*legal_transitions(BIO, "BIO")).state_dict()
