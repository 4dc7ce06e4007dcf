"""The trigram against the same formula over dictionaries, and against its own claim to be a distribution."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from elmo_tasks.pretraining.corpus import encode_corpus
from elmo_tasks.pretraining.trigram import Trigram, trigram_perplexity
from elmo_tasks.pretraining.windows import BEGIN, END, UNKNOWN

TEXT = "a b a\nb a b b\na a b\nb\na b a c\n"


def by_dictionary(sentences: list[list[str]], history: tuple[str, str], word: str, vocabulary: list[str]) -> float:
    """The formula, gram by gram."""
    padded = [["<S>", "<S>", *words, "</S>"] for words in sentences]
    probability = 1 / len(vocabulary)
    for order in (1, 2, 3):
        grams = Counter(tuple(line[end - order : end]) for line in padded for end in range(3, len(line) + 1))
        values = list(grams.values())
        discount = values.count(1) / (values.count(1) + 2 * values.count(2)) if 1 in values else 0.5
        before = history[len(history) - order + 1 :]
        after = {gram: count for gram, count in grams.items() if gram[:-1] == before}
        total = sum(after.values())
        if total:
            count = after.get((*before, word), 0)
            probability = (max(count - discount, 0) + discount * len(after) * probability) / total
    return probability


def ids(sentences: list[list[str]], names: list[str], last: int) -> np.ndarray:
    return np.array([n for words in sentences for n in (*(names.index(w) for w in words), last)])


def test_the_formula() -> None:
    names = ["<S>", "</S>", "<UNK>", "a", "b", "c", "d"]
    sentences = [line.split() for line in TEXT.splitlines()]
    model = Trigram(ids(sentences, names, END), first=BEGIN, last=END, vocabulary=len(names))
    test = [["a", "b", "c"], ["d", "d"], ["b", "a", "b", "b"]]
    found = model.log_probabilities(ids(test, names, END))
    expected = []
    for words in test:
        padded = ["<S>", "<S>", *words, "</S>"]
        expected += [
            math.log(by_dictionary(sentences, (padded[i - 2], padded[i - 1]), padded[i], names))
            for i in range(2, len(padded))
        ]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("history", [[], ["a"], ["a", "b"], ["d", "b"], ["d", "d"]])
def test_probabilities_sum_to_one(history: list[str]) -> None:
    names = ["<S>", "</S>", "<UNK>", "a", "b", "c", "d"]
    sentences = [line.split() for line in TEXT.splitlines()]
    model = Trigram(ids(sentences, names, END), first=BEGIN, last=END, vocabulary=len(names))
    total = 0.0
    for word in range(len(names)):
        total += math.exp(model.log_probabilities(np.array([*map(names.index, history), word]))[-1])
    assert total == pytest.approx(1.0)


def test_perplexity_of_both_directions(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text(TEXT)
    corpus = encode_corpus([tmp_path / "t.txt"], tmp_path / "encoded")
    vocabulary = {"<S>": BEGIN, "</S>": END, "<UNK>": UNKNOWN, "a": 3, "b": 4}  # c is unknown
    sentences = [line.split() for line in TEXT.replace("c", "<UNK>").splitlines()]
    turned = [words[::-1] for words in sentences]
    logs = {}
    for name, text in (("ahead", sentences), ("behind", turned)):
        logs[name] = [
            math.log(by_dictionary(text, (line[i - 2], line[i - 1]), line[i], list(vocabulary)))
            for line in (["<S>", "<S>", *words, "</S>"] for words in text)
            for i in range(2, len(line))
        ]
    expected = sum(math.exp(-sum(part) / len(part)) for part in logs.values()) / 2
    found = trigram_perplexity(corpus, vocabulary, [line.split() for line in TEXT.splitlines()])
    assert found == pytest.approx(expected, rel=1e-9)
