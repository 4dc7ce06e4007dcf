"""Every test has a separate cache and no data root; the text of a test, encoded and in windows."""

from __future__ import annotations

from pathlib import Path

import pytest

from elmo_tasks.pretraining.corpus import Corpus, encode_corpus
from elmo_tasks.pretraining.windows import Windows, classes_of


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELMO_TASKS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("ELMO_TASKS_DATA", raising=False)


@pytest.fixture
def encoded_text(text: Path, tmp_path: Path) -> Corpus:
    return encode_corpus([text], tmp_path / "encoded")


@pytest.fixture
def windows(encoded_text: Corpus) -> Windows:
    numbers = {word: number for number, word in enumerate(encoded_text.words)}
    return Windows(encoded_text, classes=classes_of(encoded_text.words, numbers), streams=4, steps=10, seed=1)
