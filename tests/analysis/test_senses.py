"""Senses by nearest neighbour, worked by hand."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import torch

from elmo_tasks.analysis.senses import load_sense_corpus, nearest_senses, run_sense_probe, sense_orders
from elmo_tasks.core.errors import InputError
from elmo_tasks.data.senses import Occurrence, SenseCorpus


def occurrence(lemma: str, sense: str | None = None) -> Occurrence:
    return Occurrence((lemma,), 0, lemma, sense)


TRAIN = [
    occurrence("bark", "tree"),
    occurrence("bark", "dog"),
    occurrence("bark", "dog"),
    occurrence("bank", "river"),
]
VECTORS = torch.tensor([[0.0, 1.0], [4.0, 0.0], [0.0, 2.0], [1.0, 0.0]])
ORDERS = sense_orders(SenseCorpus("", tuple(TRAIN), (), {}))


def test_a_sense_is_the_mean_of_its_vectors() -> None:
    """dog is the mean (2, 1) of (4, 0) and (0, 2); tree is (0, 1). The lines between them lie at about 58 degrees."""
    test = [occurrence("bark")] * 3
    points = torch.tensor([[1.0, 1.0], [1.0, 2.0], [-1.0, 5.0]])
    # cosines with dog: .949, .8, .263; with tree: .707, .894, .981
    assert nearest_senses(TRAIN, VECTORS, test, points, ORDERS) == ["dog", "tree", "tree"]


def test_only_the_senses_of_the_lemma_compete() -> None:
    assert nearest_senses(TRAIN, VECTORS, [occurrence("bank")], torch.tensor([[0.0, 1.0]]), ORDERS) == ["river"]


def test_equal_vectors_mean_the_first_sense() -> None:
    """With static vectors, all occurrences of a word have the same vector."""
    same = torch.full((4, 3), 0.1)
    assert nearest_senses(TRAIN, same, [occurrence("bark")], same[:1], ORDERS) == ["dog"]


def test_the_first_sense_is_the_most_frequent_or_the_listed_one() -> None:
    assert ORDERS == {"bark": ("dog", "tree"), "bank": ("river",)}
    listed = {"bark": ("tree",), "seal": ("animal", "stamp")}
    assert sense_orders(SenseCorpus("", tuple(TRAIN), (), listed)) == {
        "bark": ("tree", "dog"),
        "bank": ("river",),
        "seal": ("animal", "stamp"),
    }


def test_a_lemma_without_training_gets_its_first_sense() -> None:
    orders = ORDERS | {"seal": ("animal", "stamp")}
    test = [occurrence("seal"), occurrence("crane")]
    assert nearest_senses(TRAIN, VECTORS, test, torch.ones(2, 2), orders) == ["animal", None]


def test_the_record(tiny_bilm: str) -> None:
    corpus = load_sense_corpus("sample-senses")
    record = run_sense_probe(corpus, bilm=tiny_bilm, beside=["random"], seeds=(1, 2))
    found = {(row["embedder"], row["layer"]): row["test"] for row in record["probes"]}
    assert [layer for name, layer in found if name == "random biLM"] == ["0", "1", "2", "average"]
    assert len(found["random biLM", "1"]) == 2
    # Neither a static vector nor the biLM's layer of characters can tell one occurrence of a word from another.
    assert found["random", "0"] == found[f"elmo:{tiny_bilm}", "0"] == [record["first_sense"]]
    assert 0.4 < record["first_sense"] < 0.5 and record["unseen"] == 0
    by_lemma = record["probes"][0]["by_lemma"][0]
    assert len(by_lemma) == 12 and set(by_lemma.values()) <= {0.5, 1 / 3}


def test_the_shipped_corpus() -> None:
    corpus = load_sense_corpus("sample-senses")
    for part, count in ((corpus.train, 6), (corpus.test, 4)):
        assert set(Counter((o.lemma, o.sense) for o in part).values()) == {count}
        assert all(o.tokens[o.index] == o.lemma for o in part)  # spelling does not give the sense away
    senses = Counter(lemma for lemma, _ in {(o.lemma, o.sense) for o in corpus.train})
    assert len(senses) == 12 and min(senses.values()) == 2
    assert {o.tokens for o in corpus.train}.isdisjoint(o.tokens for o in corpus.test)


def test_no_such_corpus(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match="probe senses: there is no folder .*; give one with train and test files of JSON Lines"
    ):
        load_sense_corpus(str(tmp_path / "nowhere"))
