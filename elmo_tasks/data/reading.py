"""How the files of a data set are read: what a user may say about them, and what a reader has to tell."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from elmo_tasks.core.errors import InputError, quoted
from elmo_tasks.core.settings import bounded
from elmo_tasks.text.examples import Example, LabelledSentence

Note: TypeAlias = Callable[[str], object]
"""Receives one line about anything that was read in a way that not everyone would expect."""

Reader: TypeAlias = Callable[..., Sequence[Example]]
"""A file to examples. It may take the keywords `columns` and `encoding` (of `ReadingConfig`), `map_labels` (of
`label_map`) and `note` (a `Note`)."""

LONG_SENTENCE = 1000
"""Tokens; the blank lines between sentences may be missing where there are more."""

_GLUED = re.compile(r"[^\W\d_]{3,}[.!?,;]")


@dataclass(frozen=True)
class ReadingConfig:
    """How the files of a data set are read.

    columns: where things are in files of columns, from 1 or by name: `token=1,tag=3`, `label=2,text=1`,
    `text=review,label=sentiment`.
    encoding: of all files.
    map_labels: other names for labels, `person=PER,*=drop`, see `LabelMap`.
    dev_fraction, test_fraction: the share of the training sentences, from 0 to 1, that is held out as dev or test split
    where the data has none.
    """

    columns: str = ""
    encoding: str = "utf-8"
    map_labels: str = ""
    dev_fraction: float = bounded(0.0, least=0, below=1)
    test_fraction: float = bounded(0.0, least=0, below=1)

    def held_out(self) -> dict[str, float]:
        """The splits that are held out of train, and their shares."""
        shares = {"dev": self.dev_fraction, "test": self.test_fraction}
        return {split: share for split, share in shares.items() if share > 0}


def note_joined(source: str, token: str, count: int, note: Note) -> None:
    """Tell that `count` tokens hold a blank, the first of them `token` in `source`."""
    more = f" and {count - 1} others" if count > 1 else ""
    note(f"{source}: the token {quoted(token)}{more} holds a blank; it stays one token, with a no-break space")


def no_note(text: str) -> None:
    """For callers that want no notes."""


def parse_columns(text: str) -> dict[str, str]:
    """`"token=1,tag=3"` as `{"token": "1", "tag": "3"}`. Raises InputError for another form."""
    columns: dict[str, str] = {}
    for part in filter(None, text.split(",")):
        name, sign, column = (piece.strip() for piece in part.partition("="))
        if not (name and sign and column) or name in columns:
            raise InputError(f"--columns: expected name=column pairs such as token=1,tag=3, got {text!r}")
        columns[name] = column
    return columns


def positions_of(columns: Mapping[str, str], known: Sequence[str]) -> dict[str, int]:
    """Columns by number, counted from 0. Raises InputError for a name that is not `known` or no number from 1."""
    check_columns(columns, known)
    for name, column in columns.items():
        if not (column.isascii() and column.isdecimal() and 0 < int(column[:9]) < 10_000):
            raise InputError(f"--columns: expected the number of a column, from 1, for {name}, got {column!r}")
    return {name: int(column) - 1 for name, column in columns.items()}


def check_columns(columns: Mapping[str, str], known: Sequence[str]) -> None:
    """Raises InputError for a column that the reader does not look for."""
    for name in columns:
        if name not in known:
            raise InputError(f"--columns: expected {' and '.join(known)}, got {name!r}")


def bind(reader: Reader, reading: ReadingConfig, note: Note) -> Callable[[Path], Sequence[Example]]:
    """The reader with what the user says about the files.

    Raises:
        InputError: the user says something that the reader does not take.
    """
    accepted = inspect.signature(reader).parameters
    given: dict[str, Any] = {}
    for name, value in (("columns", parse_columns(reading.columns)), ("encoding", reading.encoding)):
        if name in accepted:
            given[name] = value
        elif getattr(reading, name) != getattr(ReadingConfig, name):
            raise InputError(f"--{name}: the reader of this task's files has no such choice; leave it out")
    if "note" in accepted:
        given["note"] = note
    return partial(reader, **given)


def note_oddities(examples: Sequence[Example], note: Note) -> None:
    """Tell of a very long sentence, and of texts that are not tokenised."""
    longest = max(examples, key=lambda example: len(example.tokens), default=None)
    if longest is not None and len(longest.tokens) > LONG_SENTENCE:
        note(
            f"{longest.source}: a sentence of {len(longest.tokens)} tokens; are the blank lines between sentences "
            "missing?"
        )
    texts = [example for example in examples if isinstance(example, LabelledSentence)]
    glued = [
        (example.source, token)
        for example in texts
        if (token := next((token for token in reversed(example.tokens) if _GLUED.fullmatch(token)), None))
    ]
    if 2 * len(glued) > len(texts) > 0:
        note(
            f"{glued[0][0]}: the texts are not tokenised: {glued[0][1]!r} is one token, which has no word vector; "
            "put blanks between words and punctuation"
        )
