"""What the runs say, against their own `predict` and against probabilities that are computed otherwise."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch

from elmo_tasks.demo.answers import find_entities, find_frames, find_label
from elmo_tasks.demo.runs import Shown
from elmo_tasks.nn.batch import collate
from elmo_tasks.runs.batches import prepare
from elmo_tasks.runs.predict import predict
from elmo_tasks.runs.store import Trained
from elmo_tasks.text.examples import TaggedSentence
from elmo_tasks.text.spans import legal_transitions, to_spans

SENTENCES = [["Ada", "lives", "in", "Rome", "."], ["Bo", "sold", "Oslo", "."], ["warm"], ["Flo", "is", "dull", "."]]


def of(shown: Shown, task: str) -> Trained:
    return next(run.trained for run in shown.runs if run.trained.task.name == task)


def lines() -> list[str]:
    return [" ".join(tokens) for tokens in SENTENCES]


def test_entities_are_those_of_predict(shown: Shown, run_folders: dict[str, Path]) -> None:
    for tokens, expected in zip(SENTENCES, predict(run_folders["ner"], lines()), strict=True):
        found = find_entities(of(shown, "ner"), tokens)
        assert [(e.label, e.start, e.end) for e in found] == [
            (e["type"], e["start"], e["end"]) for e in expected["entities"]
        ]
    assert [e.label for e in find_entities(of(shown, "ner"), SENTENCES[0])] == ["PER", "LOC"]


def test_probability_of_an_entity_by_enumeration(shown: Shown) -> None:
    """The weight of every tag sequence of three tokens that has the entity, over the weight of all."""
    trained, tokens = of(shown, "ner"), ("Ada", "visits", "Rome")
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
    found = find_entities(trained, tokens)
    assert found
    for entity in found:
        assert entity.end == entity.start + 1  # the corpus has no longer one
        tag = trained.labels.index(f"S-{entity.label}")
        share = sum(w for numbers, w in weights.items() if numbers[entity.start] == tag) / sum(weights.values())
        assert entity.probability == pytest.approx(share, abs=1e-4)


def test_frames_are_those_of_predict(shown: Shown, run_folders: dict[str, Path]) -> None:
    for tokens, expected in zip(SENTENCES, predict(run_folders["srl"], lines()), strict=True):
        found = find_frames(of(shown, "srl"), tokens)
        assert [frame.place for frame in found] == [frame["index"] for frame in expected["frames"]]
        for frame, wanted in zip(found, expected["frames"], strict=True):
            assert [(a.label, a.start, a.end) for a in frame.arguments] == [
                (a["role"], a["start"], a["end"]) for a in wanted["arguments"]
            ]
            assert 0.5 < frame.probability <= 1 and all(0 <= a.probability <= 1 for a in frame.arguments)
    (frame,) = find_frames(of(shown, "srl"), SENTENCES[1])
    assert [a.label for a in frame.arguments] == ["ARG0", "ARG1"]


def test_probability_of_an_argument_by_enumeration(shown: Shown) -> None:
    """The weight of every legal tag sequence that has the argument, over the weight of all."""
    trained, tokens = of(shown, "srl"), ("Bo", "sold", "Oslo", ".")
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
    (frame,) = find_frames(trained, tokens)
    assert frame.arguments
    for argument in frame.arguments:
        span = (argument.label, argument.start, argument.end)
        agree = sum(w for n, w in weights.items() if span in to_spans(trained.labels.decode(n), "BIO"))
        assert argument.probability == pytest.approx(agree / sum(weights.values()), abs=1e-5)


def test_label_probabilities_are_those_of_predict(shown: Shown, run_folders: dict[str, Path]) -> None:
    for tokens, expected in zip(SENTENCES, predict(run_folders["sentiment"], lines()), strict=True):
        found = find_label(of(shown, "sentiment"), tokens)
        assert found == pytest.approx(expected["probabilities"], abs=1e-5)
        assert sum(found.values()) == pytest.approx(1)
