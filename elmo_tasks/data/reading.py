"""Options for reading the files of a data set, and notes about what was read."""

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
from elmo_tasks.text.examples import Example, LabelledSentence, sentences_of

Note: TypeAlias = Callable[[str], object]
"""A callback that receives one line about anything that was read in a possibly surprising way."""

Reader: TypeAlias = Callable[..., Sequence[Example]]
"""A function from a file to examples. It may accept the keywords `columns` and `encoding` (see `ReadingConfig`),
`map_labels` (a `LabelMap`) and `note` (a `Note`)."""

LONG_SENTENCE = 1000
"""Length in tokens above which the blank lines between sentences may be missing."""

_GLUED = re.compile(r"[^\W\d_]{3,}[.!?,;]")


@dataclass(frozen=True)
class ReadingConfig:
    """Options for reading the files of a data set.

    columns: which column is which, by number from 1 or by name: `token=1,tag=3`, `label=2,text=1`,
    `text=review,label=sentiment`.
    encoding: the encoding of all files.
    map_labels: new names for labels, `person=PER,*=drop`, see `LabelMap`.
    dev_fraction, test_fraction: the share of the training sentences, from 0 to 1, to hold out as dev or test split if
    the data has none.
    phrases: whether every phrase of a training tree is an example, not only the whole sentence (Stanford Sentiment
    Treebank); dev and test always consist of sentences.
    """

    columns: str = ""
    encoding: str = "utf-8"
    map_labels: str = ""
    dev_fraction: float = bounded(0.0, least=0, below=1)
    test_fraction: float = bounded(0.0, least=0, below=1)
    phrases: bool = False

    def held_out(self) -> dict[str, float]:
        """The splits to hold out of train, with their shares."""
        shares = {"dev": self.dev_fraction, "test": self.test_fraction}
        return {split: share for split, share in shares.items() if share > 0}


def note_joined(source: str, token: str, count: int, note: Note) -> None:
    """Report that `count` tokens contain a space; the first is `token` in `source`."""
    said = f"{source}: the token {quoted(token)} contains a space; it stays one token, with a no-break space"
    note(f"{said} (as do {count - 1} others)" if count > 1 else said)


def no_note(text: str) -> None:
    """Ignore a note."""


def parse_columns(text: str) -> dict[str, str]:
    """Parse `"token=1,tag=3"` into `{"token": "1", "tag": "3"}`. Raises InputError if it is malformed."""
    columns: dict[str, str] = {}
    for part in filter(None, text.split(",")):
        name, sign, column = (piece.strip() for piece in part.partition("="))
        if not (name and sign and column) or name in columns:
            raise InputError(f"--columns must be name=column pairs such as token=1,tag=3, not {text!r}")
        columns[name] = column
    return columns


def positions_of(columns: Mapping[str, str], known: Sequence[str]) -> dict[str, int]:
    """Convert column numbers to indices from 0. Raises InputError for an unknown name or an invalid number."""
    check_columns(columns, known)
    for name, column in columns.items():
        if not (column.isascii() and column.isdecimal() and 0 < int(column[:9]) < 10_000):
            raise InputError(f"--columns: {name} must be a column number from 1, not {column!r}")
    return {name: int(column) - 1 for name, column in columns.items()}


def check_columns(columns: Mapping[str, str], known: Sequence[str]) -> None:
    """Raises InputError for a column that the reader does not use."""
    for name in columns:
        if name not in known:
            raise InputError(f"--columns: {name!r} is not a column of this task; name {' and '.join(known)}")


def bind(reader: Reader, reading: ReadingConfig, note: Note) -> Callable[[Path], Sequence[Example]]:
    """Bind the user's options to a reader.

    Raises:
        InputError: an option is set that the reader does not support.
    """
    accepted = inspect.signature(reader).parameters
    given: dict[str, Any] = {}
    for name, value in (("columns", parse_columns(reading.columns)), ("encoding", reading.encoding)):
        if name in accepted:
            given[name] = value
        elif getattr(reading, name) != getattr(ReadingConfig, name):
            raise InputError(f"--{name}: the reader for this task's files does not support it; leave it out")
    if "note" in accepted:
        given["note"] = note
    return partial(reader, **given)


def note_oddities(examples: Sequence[Example], note: Note) -> None:
    """Report a very long sentence, and texts that are not tokenised."""
    lengths = [max(map(len, sentences_of(example))) for example in examples]
    longest = max(range(len(examples)), key=lengths.__getitem__, default=None)
    if longest is not None and lengths[longest] > LONG_SENTENCE:
        note(
            f"{examples[longest].source}: a sentence of {lengths[longest]} tokens; are the blank lines between "
            "sentences missing?"
        )
    texts = [example for example in examples if isinstance(example, LabelledSentence)]
    glued = [
        (example.source, token)
        for example in texts
        if (token := next((token for token in reversed(example.tokens) if _GLUED.fullmatch(token)), None))
    ]
    if 2 * len(glued) > len(texts) > 0:
        note(
            f"{glued[0][0]}: the texts do not look tokenised: {glued[0][1]!r} is one token, which has no word vector; "
            "put spaces between words and punctuation"
        )
