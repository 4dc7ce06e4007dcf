"""Column files: one token a line, blank lines between sentences (CoNLL-2003 and its kin)."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from elmo_tasks.core.errors import InputError
from elmo_tasks.text.examples import TaggedSentence
from elmo_tasks.text.spans import SCHEMES, convert, detect_scheme, split_tag

DOCUMENT_START = "-DOCSTART-"
_COLUMN = re.compile(r"[^ \t]+")  # other blanks, such as U+00A0, belong to a token


def read_conll(
    path: Path, *, token_column: int = 0, tag_column: int = -1, scheme: str = "auto"
) -> list[TaggedSentence]:
    """Read a file of two to any number of columns, split by blanks or tabs.

    Tags may be IOB1, BIO (IOB2), BIOES or BILOU; `scheme` names one, or "auto" finds it from the whole file. What
    comes back is always BIO. `-DOCSTART-` rows are document marks, no tokens.

    Raises:
        InputError: no such file, no sentence in it, not UTF-8, a row with too few columns, a malformed tag or an
            illegal tag sequence, always with `file:line`.
    """
    if scheme not in ("auto", *SCHEMES):
        raise InputError(f"expected a tag scheme among auto, {', '.join(SCHEMES)}, got {scheme!r}")
    rows = _sentences(path, token_column, tag_column, split_tag)
    found = detect_scheme(tags for _, tags, _ in rows) if scheme == "auto" else scheme
    return [
        TaggedSentence(tuple(tokens), convert(tags, found, "BIO", f"{path}:{line}"), source=f"{path}:{line}")
        for tokens, tags, line in rows
    ]


def read_tokens(
    path: Path, *, token_column: int = 0, tag_column: int = -1, mark: str = DOCUMENT_START
) -> list[TaggedSentence]:
    """Read the same files where a tag is a label of its token alone, such as a part of speech; tags stay as they are.

    mark: a row that begins with it is no token (`#` for comments, where the first column is a number).

    Raises:
        InputError: no such file, no sentence in it, not UTF-8 or a row with too few columns, with `file:line`.
    """
    return [
        TaggedSentence(tuple(tokens), tuple(tags), source=f"{path}:{line}")
        for tokens, tags, line in _sentences(path, token_column, tag_column, lambda tag, source: None, mark)
    ]


def _sentences(
    path: Path,
    token_column: int,
    tag_column: int,
    check: Callable[[str, str], object],
    mark: str = DOCUMENT_START,
) -> list[tuple[list[str], list[str], int]]:
    """(tokens, tags, line of the first token) of each sentence; `check` sees each distinct tag and its `file:line`."""
    needed = max(2, *(column + 1 if column >= 0 else -column for column in (token_column, tag_column)))
    known: set[str] = set()
    sentences, tokens, tags, first = [], [], [], 0
    for number, line in enumerate(read_text(path).split("\n"), 1):
        columns = _COLUMN.findall(line)
        if columns and columns[0] != mark:
            if len(columns) < needed:
                raise InputError(
                    f"{path}:{number}: expected at least {needed} columns (token ... tag), got {len(columns)}: {line!r}"
                )
            tag = columns[tag_column]
            if tag not in known:
                check(tag, f"{path}:{number}")
                known.add(tag)
            first = first or number
            tokens.append(columns[token_column])
            tags.append(tag)
        elif tokens:
            sentences.append((tokens, tags, first))
            tokens, tags, first = [], [], 0
    if tokens:
        sentences.append((tokens, tags, first))
    if not sentences:
        raise InputError(f"{path}: expected sentences in columns `token ... tag`, got an empty file")
    return sentences


def read_text(path: Path) -> str:
    """A whole UTF-8 text file. Raises InputError for a missing file or other bytes, with `file:line`."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}:{line}: expected UTF-8 text, got byte {data[error.start]:#04x}") from None
