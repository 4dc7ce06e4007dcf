"""The shipped sample corpus is what its README says."""

from __future__ import annotations

from collections import Counter

import pytest

from elmo_tasks.data.catalog import SAMPLE, load_data
from elmo_tasks.data.conll import read_conll

SPLITS = ("train", "dev", "test")


def rows(split: str) -> list[list[list[str]]]:
    """Sentences of (token, tag) pairs, read without the package's reader."""
    blocks = (SAMPLE / f"{split}.txt").read_text(encoding="utf-8").strip().split("\n\n")
    return [[line.split(" ") for line in block.split("\n")] for block in blocks]


@pytest.mark.parametrize("split", SPLITS)
def test_readme_counts(split: str) -> None:
    sentences = rows(split)
    types = Counter(tag[2:] for sentence in sentences for _, tag in sentence if tag.startswith("B-"))
    cells = [split, len(sentences), sum(map(len, sentences)), *(types[name] for name in ("PER", "LOC", "ORG", "MISC"))]
    assert f"| {' | '.join(map(str, cells))} |" in (SAMPLE / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("split", SPLITS)
def test_tags_are_legal_iob2(split: str) -> None:
    for sentence in rows(split):
        before = "O"
        for token, tag in sentence:
            assert token
            assert tag == "O" or tag[:2] == "B-" or before[1:] == tag[1:], (token, tag)
            before = tag


@pytest.mark.parametrize("split", SPLITS)
def test_four_types_in_every_split(split: str) -> None:
    assert {tag[2:] for sentence in rows(split) for _, tag in sentence if tag != "O"} == {"PER", "LOC", "ORG", "MISC"}


def test_at_least_420_sentences_and_none_twice() -> None:
    texts = [" ".join(token for token, _ in sentence) for split in SPLITS for sentence in rows(split)]
    assert len(texts) >= 420
    assert len(set(texts)) == len(texts)


def test_the_reader_agrees() -> None:
    data = load_data("sample", read_conll)
    for split in SPLITS:
        assert [list(zip(s.tokens, s.tags, strict=True)) for s in data.get(split)] == [
            [(token, tag) for token, tag in sentence] for sentence in rows(split)
        ]
