"""Sense corpora: words in sentences, each annotated with its sense.

A corpus is a folder with a `train` and a `test` file of JSON Lines, one occurrence per line:
`{"tokens": ["The", "dog", "began", "to", "bark", "."], "index": 4, "lemma": "bark", "sense": "bark: cry of a dog"}`;
`index` counts from 0. An optional file `senses.json` lists the senses of each lemma, the first sense first:
`{"bark": ["bark: cover of a tree", "bark: cry of a dog"]}`. Lemmas without training occurrences fall back on it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elmo_tasks.core.errors import InputError, quoted
from elmo_tasks.data.json_lines import load_json
from elmo_tasks.data.labelled import check_tokens
from elmo_tasks.data.lines import read_lines
from elmo_tasks.data.splits import find_split


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One word in one sentence. `sense` is None if it is not annotated; `source` is `file:line`."""

    tokens: tuple[str, ...]
    index: int
    lemma: str
    sense: str | None = None
    source: str = ""


@dataclass(frozen=True)
class SenseCorpus:
    """Occurrences with their senses; `inventory` lists the senses of lemmas, the first sense first, if a file does."""

    name: str
    train: tuple[Occurrence, ...]
    test: tuple[Occurrence, ...]
    inventory: dict[str, tuple[str, ...]]


def read_sense_corpus(folder: Path, name: str = "", encoding: str = "utf-8") -> SenseCorpus:
    """Read a folder. Raises InputError for a missing split, an empty file or a damaged line, with `file:line`."""
    inventory = folder / "senses.json"
    return SenseCorpus(
        name or folder.name,
        tuple(read_occurrences(find_split(folder, "train"), encoding)),
        tuple(read_occurrences(find_split(folder, "test"), encoding)),
        _read_inventory(inventory, encoding) if inventory.exists() else {},
    )


def read_occurrences(path: Path, encoding: str = "utf-8") -> list[Occurrence]:
    """Read one file of JSON Lines. Raises InputError with `file:line`."""
    found = [
        _occurrence(line, f"{path}:{number}")
        for number, line in enumerate(read_lines(path, encoding), 1)
        if line.strip()
    ]
    if not found:
        raise InputError(f"{path}: the file is empty; expected JSON Lines with tokens, index, lemma and sense")
    return found


def _occurrence(line: str, source: str) -> Occurrence:
    expected = 'expected a JSON object with "tokens", "index", "lemma" and "sense"'
    row: Any = load_json(line, source, expected)
    try:
        tokens, index, lemma, sense = (row[key] for key in ("tokens", "index", "lemma", "sense"))
    except (KeyError, TypeError):
        raise InputError(f"{source}: a key is missing in {quoted(line)}; {expected}") from None
    if not (isinstance(tokens, list) and tokens and all(isinstance(token, str) for token in tokens)):
        raise InputError(f'{source}: "tokens" must be a list of words, not {quoted(tokens)}')
    check_tokens(tokens, source)
    if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < len(tokens):
        raise InputError(f'{source}: "index" must be from 0 to {len(tokens) - 1}, not {quoted(index)}')
    if not (isinstance(lemma, str) and isinstance(sense, str)):
        raise InputError(f'{source}: "lemma" and "sense" must be text, not {quoted(lemma)} and {quoted(sense)}')
    return Occurrence(tuple(tokens), index, lemma, sense, source)


def _read_inventory(path: Path, encoding: str) -> dict[str, tuple[str, ...]]:
    try:
        found: Any = json.loads("\n".join(read_lines(path, encoding)))
        return {str(lemma): (str(senses[0]), *map(str, senses[1:])) for lemma, senses in found.items()}
    except (ValueError, AttributeError, LookupError, TypeError, RecursionError):
        raise InputError(f'{path}: not a JSON object such as {{"bark": ["first sense", "second"]}}') from None
