"""Occurrences, and the nearest of them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from elmo_tasks.analysis.occurrences import (
    occurrence_vectors,
    occurrences_in,
    position_of,
    query_occurrence,
    weights_of_layer,
)
from elmo_tasks.analysis.similar import nearest
from elmo_tasks.core.errors import InputError
from elmo_tasks.data.senses import Occurrence
from elmo_tasks.embedders.frozen import bilm_embedder

# (word before, word) -> layer 0, layer 1
VECTORS = {
    ("", "bark"): [[1.0, 0.0], [1.0, 0.0]],
    ("dogs", "bark"): [[1.0, 0.0], [3.0, 0.3]],
    ("oak", "bark"): [[1.0, 0.0], [0.0, 2.0]],
    ("old", "bark"): [[1.0, 0.0], [1.0, 1.0]],
    ("dogs", "howl"): [[0.0, 1.0], [1.0, 0.05]],
}
TOP = torch.tensor([0.0, 1.0])


def occurrence(*tokens: str, word: str = "bark", source: str = "") -> Occurrence:
    return Occurrence(tokens, tokens.index(word), word, None, source)


def test_the_nearest_by_hand(by_hand: type) -> None:
    """Cosines with (1, 0): oak 0, old .7071, dogs .9950; the query's own sentence is none of them."""
    query = occurrence("bark")
    candidates = [occurrence("oak", "bark"), query, occurrence("old", "bark"), occurrence("dogs", "bark")]
    found = nearest(by_hand(VECTORS), query, candidates, TOP, 2)
    assert [neighbour.occurrence.tokens[0] for neighbour in found] == ["dogs", "old"]
    assert [neighbour.cosine for neighbour in found] == pytest.approx([0.99504, 0.70711], abs=1e-4)


def test_the_layers_are_weighed(by_hand: type) -> None:
    embedder = by_hand(VECTORS)
    candidates = [occurrence("oak", "bark"), occurrence("old", "bark")]
    bottom = nearest(embedder, occurrence("bark"), candidates, torch.tensor([1.0, 0.0]), 5)
    assert [neighbour.cosine for neighbour in bottom] == pytest.approx([1, 1])
    assert [neighbour.occurrence.tokens[0] for neighbour in bottom] == ["oak", "old"]  # of equals the earlier first
    both = nearest(embedder, occurrence("bark"), candidates[:1], torch.tensor([0.5, 0.5]), 5)
    assert both[0].cosine == pytest.approx(0.5 / (0.25 + 1) ** 0.5)  # (1, 0) with (.5, 1)


def test_a_sentence_that_comes_again_counts_once(by_hand: type) -> None:
    again = [occurrence("dogs", "bark", source=f"f:{n}") for n in range(5)]
    found = nearest(by_hand(VECTORS), occurrence("bark"), [*again, occurrence("oak", "bark")], TOP, 3)
    assert [neighbour.occurrence.source for neighbour in found] == ["f:0", ""]


@pytest.mark.usefixtures("exact_arithmetic")
def test_streaming_is_the_same_as_sorting(tiny_bilm: str) -> None:
    """Against a full sort, over several blocks."""
    embedder = bilm_embedder(tiny_bilm)
    candidates = [occurrence(f"w{n * 7 % 1201}", "bark", f"x{n % 13}") for n in range(1201)]
    query, weights = occurrence("the", "bark"), weights_of_layer("average", 3)
    target, *others = torch.einsum("nld,l->nd", occurrence_vectors(embedder, [query, *candidates]), weights)
    cosines = torch.cosine_similarity(torch.stack(others), target[None])
    found = nearest(embedder, query, iter(candidates), weights, 7)
    assert [neighbour.cosine for neighbour in found] == pytest.approx(cosines.sort(descending=True).values[:7].tolist())


def test_memory_holds_a_block(by_hand: type) -> None:
    """Candidates are taken from the stream as they are needed."""
    embedder, taken = by_hand(VECTORS), 0

    def stream() -> Iterator[Occurrence]:
        nonlocal taken
        for number in range(2000):
            taken += 1
            if number == 1500:
                assert len(embedder.calls) > 4  # earlier blocks are done with
            yield occurrence("dogs", "bark", str(number))

    assert len(nearest(embedder, occurrence("bark"), stream(), TOP, 3)) == 3
    assert taken == 2000 and max(embedder.calls) <= 256


def test_occurrences_in_text(tmp_path: Path) -> None:
    path = tmp_path / "text.txt.gz"
    path.write_bytes(gzip.compress(b"Bark !\n\nembark now\nthe bark of a BARK\n"))
    found = list(occurrences_in(path, "bark"))
    assert [(o.index, o.lemma, o.source) for o in found] == [
        (0, "Bark", f"{path}:1"),
        (1, "bark", f"{path}:4"),
        (4, "BARK", f"{path}:4"),
    ]
    assert len(list(occurrences_in(path, None))) == 9
    assert [(o.index, o.lemma) for o in occurrences_in(path, "BARK", exact=True)] == [(4, "BARK")]


def test_occurrences_in_a_sense_corpus(tmp_path: Path) -> None:
    path = tmp_path / "senses.jsonl"
    rows = [{"tokens": ["dogs", "bark"], "index": 1, "lemma": "bark", "sense": "dog"}]
    rows.append({"tokens": ["a", "bank"], "index": 1, "lemma": "bank", "sense": "river"})
    path.write_text("\n".join(map(json.dumps, rows)))
    (found,) = occurrences_in(path, "Bark")
    assert (found.sense, found.index) == ("dog", 1)


def test_positions() -> None:
    tokens = ("The", "bark", "of", "Bark")
    assert position_of("bark", tokens) == 1
    assert position_of("BARK", tokens, 4) == 3
    with pytest.raises(InputError, match=r"--position: 'bark' is not at 9 in the sentence; its positions are 2, 4"):
        position_of("bark", tokens, 9)
    with pytest.raises(InputError, match="the word 'oak' is not in the sentence 'The bark of Bark'"):
        position_of("oak", tokens)


def test_the_query_is_the_files_first_without_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("No .\nA bark , a bark .\n")
    assert query_occurrence("bark", None, path).index == 1
    assert query_occurrence("bark", None, path, 5).index == 4
    assert query_occurrence("bark", "Dogs bark", path).tokens == ("Dogs", "bark")
    with pytest.raises(InputError, match="text.txt: the word 'oak' does not occur"):
        query_occurrence("oak", None, path)


def test_layers_by_name(tmp_path: Path) -> None:
    assert weights_of_layer("1", 3).tolist() == [0, 1, 0]
    assert weights_of_layer("average", 2).tolist() == [0.5, 0.5]
    run = {"task": "ner", "data": "sample", "seed": 1, "embedders": ["elmo"], "headline": "f1", "dev": {"f1": 0.5}}
    run |= {"command": "", "mix": {"elmo": {"weights": [0.2, 0.8], "gamma": 1.0}}}
    (tmp_path / "metrics.json").write_text(json.dumps(run))
    assert weights_of_layer(str(tmp_path), 2).tolist() == pytest.approx([0.2, 0.8])
    with pytest.raises(InputError, match="the run has no mix of 3 layers, only .*elmo"):
        weights_of_layer(str(tmp_path), 3)
    for wrong in ("3", "-1", "top"):
        with pytest.raises(InputError, match="--layer must be average, 0 to 2 or the folder of a run, not"):
            weights_of_layer(wrong, 3)
