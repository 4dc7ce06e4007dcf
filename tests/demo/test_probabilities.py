"""The percentages on the page against probabilities that are computed by enumeration."""

from __future__ import annotations

import itertools

import pytest
import torch

from elmo_tasks.demo.page import answer
from elmo_tasks.demo.runs import Shown
from elmo_tasks.nn.batch import collate
from elmo_tasks.runs.batches import prepare
from elmo_tasks.runs.run import Run
from elmo_tasks.text.examples import TaggedSentence
from elmo_tasks.text.results import EntityResult, FrameResult, sentence_of
from elmo_tasks.text.spans import legal_transitions, to_spans


def of(shown: Shown, task: str) -> Run:
    return next(run.run for run in shown.runs if run.run.task == task)


def per_cent(share: float) -> str:
    return "&gt; 99.9 %" if share >= 0.9995 else f"{100 * share:.1f} %"


def test_probability_of_an_entity_by_enumeration(shown: Shown) -> None:
    """The weight of every tag sequence of three tokens that has the entity, over the weight of all."""
    run, tokens = of(shown, "ner"), ("Ada", "visits", "Rome")
    trained, page = run.trained, answer(shown, " ".join(tokens))
    (item,) = prepare([TaggedSentence(tokens, ("O",) * 3)], trained.inputs, trained.task, None)
    crf = trained.model.crf.crf
    with torch.no_grad():
        scores = trained.model.emissions(collate([item]))[0]
    weights: dict[tuple[int, ...], float] = {}
    for numbers in itertools.product(range(len(trained.labels)), repeat=3):
        total = crf.start_transitions[numbers[0]] + crf.end_transitions[numbers[-1]]
        total = total + sum(scores[place, number] for place, number in enumerate(numbers))
        total = total + sum(crf.transitions[pair] for pair in itertools.pairwise(numbers))
        weights[numbers] = float(total.detach().double().exp())
    (found,) = run.apply([sentence_of(tokens)])
    assert isinstance(found, EntityResult) and found.entities
    for entity in found.entities:
        place = tokens.index(entity.text)  # the corpus has entities of one token only
        tag = trained.labels.index(f"S-{entity.type}")
        share = sum(w for numbers, w in weights.items() if numbers[place] == tag) / sum(weights.values())
        assert entity.score == pytest.approx(share, abs=1e-4)
        assert per_cent(share) in page


def test_probability_of_an_argument_by_enumeration(shown: Shown) -> None:
    """The weight of every legal tag sequence that has the argument, over the weight of all."""
    run, tokens = of(shown, "srl"), ("Bo", "sold", "Oslo", ".")
    trained, page = run.trained, answer(shown, " ".join(tokens))
    (item,) = prepare([TaggedSentence(tokens, ("O",) * 4, 1)], trained.inputs, trained.task, None)
    batch = collate([item])
    with torch.no_grad():
        scores = trained.model.scores(trained.model.mix(batch.inputs, batch.mask), batch)[0].double()
    start, _, step = legal_transitions(trained.labels.names, "BIO")
    weights = {
        numbers: float(sum(scores[place, number] for place, number in enumerate(numbers)).exp())
        for numbers in itertools.product(range(len(trained.labels)), repeat=4)
        if start[numbers[0]] and all(step[a][b] for a, b in itertools.pairwise(numbers))
    }
    (found,) = run.apply([sentence_of(tokens)])
    assert isinstance(found, FrameResult)
    (frame,) = found.frames
    assert frame.predicate == "sold" and [argument.role for argument in frame.arguments] == ["ARG0", "ARG1"]
    for argument in frame.arguments:
        place = tokens.index(argument.text)
        span = (argument.role, place, place + 1)
        agree = sum(w for n, w in weights.items() if span in to_spans(trained.labels.decode(n), "BIO"))
        assert argument.score == pytest.approx(agree / sum(weights.values()), abs=1e-5)
        assert per_cent(argument.score) in page
