"""The rows of column files, before the columns are interpreted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from elmo_tasks.core.errors import InputError, quoted
from elmo_tasks.data.lines import read_lines
from elmo_tasks.data.reading import Note, note_joined
from elmo_tasks.text.tokens import split_tokens

BLANKS = " \t"
_WITHIN = re.compile(r"[0-9]+[-.][0-9]+")  # CoNLL-U's ids of contractions and empty nodes


class ColumnRow(NamedTuple):
    """A line and its cells."""

    line: int
    text: str
    cells: tuple[str, ...]


class ColumnSentence(NamedTuple):
    """The tokens and tags of a sentence, with their line numbers."""

    tokens: list[str]
    tags: list[str]
    lines: list[int]


def read_blocks(
    path: Path, encoding: str = "utf-8", mark: str = "", is_tag: Callable[[str], bool] | None = None
) -> list[list[ColumnRow]]:
    """Read the blocks of rows between blank lines. A row whose first cell is `mark` ends a block, like a blank line.

    is_tag: if given, a row at the beginning of a block that starts with `#` is a comment, unless it has as many cells
    as the other rows and ends in a tag. So `#` can be a token.

    Raises:
        InputError: as `read_lines`.
    """
    lines = read_lines(path, encoding)
    full = [line for line in lines if line.strip(BLANKS)]
    indented = bool(full) and all(line[0] in BLANKS for line in full)
    rows = [ColumnRow(number, line, _cells(line, indented=indented)) for number, line in enumerate(lines, 1)]
    widths = Counter(len(row.cells) for row in rows if row.cells and row.cells[0][:1] not in ("#", mark[:1]))
    width = widths.most_common(1)[0][0] if widths else None
    blocks: list[list[ColumnRow]] = []
    block: list[ColumnRow] = []
    for row in rows:
        if not row.cells or (mark and row.cells[0] == mark):
            if block:
                blocks.append(block)
                block = []
            continue
        if is_tag and not block and row.cells[0].startswith("#"):
            like_others = width is None or len(row.cells) == width
            if not (like_others and is_tag(row.cells[-1])):
                continue
        if "\t" in row.text and " " in row.cells[0] and len(row.cells) != width:
            raise InputError(
                f"{path}:{row.line}: the row mixes tabs and spaces ({quoted(row.cells[0])} contains a space); separate "
                "all columns with tabs or all with spaces"
            )
        if row.text[0] in BLANKS and not indented and width is not None and len(row.cells) < width:
            raise InputError(f"{path}:{row.line}: the first of {width} columns is empty: {quoted(row.text)}")
        block.append(row)
    return [*blocks, block] if block else blocks


def drop_numbers(path: Path, blocks: list[list[ColumnRow]]) -> tuple[int, list[list[ColumnRow]]]:
    """Find the token column: the second (1) if the first numbers the rows of each sentence, otherwise the first (0).

    In the former case the rows of contractions and empty nodes (`3-4`, `5.1`) are left out.

    Raises:
        InputError: the first column contains only numbers, but they do not number the rows of a sentence.
    """
    if not all(len(row.cells) > 2 and row.cells[0][:1].isdecimal() for rows in blocks for row in rows):
        return 0, blocks
    plain = [[row for row in rows if not _WITHIN.fullmatch(row.cells[0])] for rows in blocks]
    for start in (0, 1):
        if any(plain) and all(row.cells[0] == str(number) for rows in plain for number, row in enumerate(rows, start)):
            return 1, [rows for rows in plain if rows]
    first = blocks[0][0]
    if sum(map(len, blocks)) > 1 and all(row.cells[0].isdecimal() for rows in blocks for row in rows):
        raise InputError(
            f"{path}:{first.line}: the first column has only numbers, but they do not number the tokens of a sentence: "
            f"{quoted(first.text)}; name the token column, for example --columns token=2,tag={len(first.cells)}"
        )
    return 0, blocks


def column_sentences(path: Path, blocks: Sequence[Sequence[ColumnRow]], token: int, tag: int) -> list[ColumnSentence]:
    """Turn each block into a sentence. token, tag: column indices from 0; negative ones count from the end.

    Raises:
        InputError: a row with too few columns, or without a token or tag.
    """
    needed = max(2, *(column + 1 if column >= 0 else -column for column in (token, tag)))
    found = []
    for rows in blocks:
        for row in rows:
            if len(row.cells) < needed:
                raise InputError(
                    f"{path}:{row.line}: at least {needed} columns are needed (token ... tag), but the row has "
                    f"{len(row.cells)}: {quoted(row.text)}"
                )
            for what, cell in (("token", row.cells[token]), ("tag", row.cells[tag])):
                if not cell:
                    raise InputError(f"{path}:{row.line}: the {what} is empty: {quoted(row.text)}")
        found.append(
            ColumnSentence(
                [row.cells[token] for row in rows], [row.cells[tag] for row in rows], [row.line for row in rows]
            )
        )
    return found


def join_blanks(path: Path, sentences: Sequence[ColumnSentence], note: Note) -> list[ColumnSentence]:
    """Replace spaces inside the tokens of tab-separated files (`New Bremen`) by no-break spaces.

    The files that we write separate their columns with spaces.

    Raises:
        InputError: over a tenth of the tokens contain a space, so that tabs and spaces both seem to be separators.
    """
    odd = [
        (line, token)
        for sentence in sentences
        for token, line in zip(sentence.tokens, sentence.lines, strict=True)
        if " " in token
    ]
    if not odd:
        return list(sentences)
    line, token = odd[0]
    if 10 * len(odd) > sum(len(sentence.tokens) for sentence in sentences):
        raise InputError(
            f"{path}:{line}: the token {quoted(token)} contains a space, although tabs separate the columns; separate "
            "all columns with tabs and put each token in a separate row"
        )
    note_joined(f"{path}:{line}", token, len(odd), note)
    return [
        sentence._replace(tokens=[token.replace(" ", "\u00a0") for token in sentence.tokens]) for sentence in sentences
    ]


def column_of(blocks: Sequence[Sequence[ColumnRow]], fits: Callable[[str], bool]) -> int | None:
    """Index of the last column whose cells all fit and are not all the same; None if there is none."""
    cells = list(zip(*(row.cells for rows in blocks for row in rows), strict=False))
    fitting = [index for index, column in enumerate(cells) if len(set(column)) > 1 and all(map(fits, set(column)))]
    return fitting[-1] if fitting else None


def _cells(line: str, *, indented: bool) -> tuple[str, ...]:
    """Split at tabs and strip the cells if the line contains a tab; otherwise split at spaces."""
    line = line.strip(BLANKS) if indented else line.rstrip(BLANKS)
    if "\t" in line:
        return tuple(cell.strip(" ") for cell in line.split("\t"))
    return split_tokens(line)
