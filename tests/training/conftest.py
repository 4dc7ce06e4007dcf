"""A corpus of a few made-up sentences and the smallest experiment on it."""

from __future__ import annotations

from pathlib import Path

import pytest

NAMES = ("Ada", "Bo", "Cy", "Di", "Ed", "Flo")
CITIES = ("Rome", "Oslo", "Lima", "Bonn")


def sentence(person: str, city: str, long: bool) -> str:
    rows = [(person, "B-PER"), ("lives", "O"), ("in", "O"), (city, "B-LOC"), (".", "O")]
    rows = [("Today", "O"), *rows] if long else rows
    return "".join(f"{token} {tag}\n" for token, tag in rows)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A folder with 24 / 6 / 6 sentences that a model learns in a few epochs."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    pairs = [(name, city) for name in NAMES for city in CITIES]
    chosen = {"train": pairs, "dev": pairs[::4], "test": pairs[1::4]}
    for split, part in chosen.items():
        texts = [sentence(name, city, index % 2 == 0) for index, (name, city) in enumerate(part)]
        (folder / f"{split}.txt").write_text("\n".join(texts), encoding="utf-8")
    return folder


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELMO_TASKS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("ELMO_TASKS_DATA", raising=False)
