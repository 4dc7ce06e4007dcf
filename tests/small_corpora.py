"""Made-up corpora that are learned within seconds: one line or sentence for each name and place, for each task."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

NAMES, PLACES = ("Ada", "Bo", "Cy", "Di", "Ed", "Flo"), ("Rome", "Oslo", "Lima", "Bonn")


def entities(name: str, place: str) -> str:
    rows = [(name, "B-PER"), ("lives", "O"), ("in", "O"), (place, "B-LOC"), (".", "O")]
    return "".join(f"{token} {tag}\n" for token, tag in rows) + "\n"


def opinion(name: str, place: str) -> str:
    good = sorted(PLACES).index(place) % 2
    return f"{'positive' if good else 'negative'} {name} is {'warm' if good else 'dull'} .\n"


def roles(name: str, place: str) -> str:
    rows = [(name, "-", "(ARG0*)"), ("sold", "sell", "(V*)"), (place, "-", "(ARG1*)"), (".", "-", "*")]
    return "".join("\t".join(row) + "\n" for row in rows) + "\n"


def classes(name: str, place: str) -> str:
    return f"{name}_NOUN lives_VERB in_ADP {place}_NOUN ._PUNCT\n"


def write_corpus(folder: Path, line: Callable[[str, str], str]) -> Path:
    """A new folder whose three splits are the same sentences."""
    folder.mkdir()
    text = "".join(line(name, place) for name in NAMES for place in PLACES)
    for split in ("train", "dev", "test"):
        (folder / f"{split}.txt").write_text(text, encoding="utf-8")
    return folder
