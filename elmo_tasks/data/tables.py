"""Tables of labelled texts or pairs of texts: CSV and TSV files, with or without a header."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from elmo_tasks.core.errors import InputError, quoted
from elmo_tasks.data.reading import positions_of
from elmo_tasks.text.tokens import split_tokens

LABELS = ("label", "labels", "class", "sentiment", "target", "category", "polarity", "rating", "stars")
TEXTS = ("text", "sentence", "review", "tweet", "comment", "content", "phrase")
USUAL: Mapping[str, Sequence[str]] = {"label": LABELS, "text": TEXTS}
_PARTS = re.compile(r"[_.-]")


def usual_names(names: Sequence[str], usual: Mapping[str, Sequence[str]] = USUAL) -> dict[str, str]:
    """Find the names that mean `label` and `text`.

    These are the words themselves, or else other common names (`Review`), or else names that end in one
    (`airline_sentiment`). If no name or several names qualify, the entry is left out.

    usual: the common names of each entry, if not of `label` and `text`.
    """
    found = {}
    for what, known in usual.items():
        itself = [name for name in names if name.lower() == what]
        whole = itself or [name for name in names if name.lower() in known]
        ending = [name for name in names if _PARTS.split(name.lower())[-1] in known]
        if len(fitting := whole or ending) == 1:
            found[what] = fitting[0]
    return found


def header_of(cells: Sequence[str], usual: Mapping[str, Sequence[str]] = USUAL) -> dict[str, int] | None:
    """Indices of `label` and `text`, from 0, if the cells are a header that names both; else None.

    usual: as for `usual_names`.
    """
    names = [cell.strip().strip('"') for cell in cells]
    found = usual_names(names, usual)
    return {what: names.index(name) for what, name in found.items()} if len(found) == len(usual) else None


def read_table(
    path: Path, lines: Sequence[str], columns: Mapping[str, str], *, comma: bool
) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """Yield (line, label, tokens) for each row, see `read_cells`."""
    for number, cells in read_cells(path, lines, columns, comma=comma):
        yield number, cells["label"], split_tokens(cells["text"])


def read_cells(
    path: Path,
    lines: Sequence[str],
    columns: Mapping[str, str],
    *,
    comma: bool,
    usual: Mapping[str, Sequence[str]] = USUAL,
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line, cells) for each row; cells: `label` and `text`, or whatever `usual` has, with single spaces.

    columns: `label` and `text` by number (from 1; the file then has no header, unless its first row is a common one)
    or by their name in the header; one that is not given must have a common name there. comma: cells are separated by
    commas (or semicolons) and may be quoted, even across lines; otherwise by tabs. usual: as for `usual_names`.

    Raises:
        InputError: there is no usable header, or a row has no label, no text or malformed quotes, with `file:line`.
    """
    rows = _cells(path, lines, comma=comma)
    begin = next(rows, None)
    if begin is None:
        return
    number, first = begin
    header = header_of(first, usual)
    if columns:
        if missing := sorted(usual.keys() - columns.keys()):
            found = usual_names([cell.strip() for cell in first], usual)
            if absent := next((what for what in missing if what not in found), None):
                raise InputError(
                    f"{path}:{number}: no column has a common name for the {absent}, such as {absent}; pass "
                    f"--columns {absent}=NAME with one of {quoted(', '.join(first), 200)}"
                )
            columns = {**columns, **{what: found[what] for what in missing}}
        if all(column.isdecimal() for column in columns.values()):
            places = positions_of(columns, tuple(usual))
        else:
            places, header = _by_name(path, first, columns), {}
    elif header is None:
        guess = _guess(first, next(rows, begin)[1]) if usual is USUAL else _numbered(usual)
        raise InputError(
            f"{path}:{number}: the header does not name {_listed(usual)}: {quoted(', '.join(first))}; name their "
            f"columns, for example --columns {guess}"
        )
    else:
        places = header
    if header is None:
        yield number, _row(path, number, first, places)
    for number, cells in rows:
        yield number, _row(path, number, cells, places)


def _cells(path: Path, lines: Sequence[str], *, comma: bool) -> Iterator[tuple[int, list[str]]]:
    if not comma:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield number, line.split("\t")
        return
    first = next((line for line in lines if line.strip()), "")
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader((line + "\n" for line in lines), delimiter=delimiter, strict=True)
    before = 0
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield before + 1, cells
            before = reader.line_num
    except csv.Error as error:
        raise InputError(f"{path}:{before + 1}: not valid CSV ({error}); double the quotes inside a cell") from None


def _row(path: Path, number: int, cells: Sequence[str], places: Mapping[str, int]) -> dict[str, str]:
    if len(cells) <= max(places.values()):
        raise InputError(
            f"{path}:{number}: at least {max(places.values()) + 1} columns are needed, but the row has {len(cells)}"
        )
    found = {what: " ".join(split_tokens(cells[place])) for what, place in places.items()}
    for what in sorted(places):
        if not found[what]:
            raise InputError(
                f"{path}:{number}: the {what} (column {places[what] + 1}) is empty: {quoted(', '.join(cells))}"
            )
    return found


def _listed(names: Iterable[str]) -> str:
    *others, last = sorted(names)
    return f"{', '.join(others)} and {last}"


def _numbered(names: Iterable[str]) -> str:
    return ",".join(f"{name}={number}" for number, name in enumerate(names, 1))


def _by_name(path: Path, header: Sequence[str], columns: Mapping[str, str]) -> dict[str, int]:
    names = [cell.strip() for cell in header]
    for column in columns.values():
        if names.count(column) != 1:
            many = "are several columns" if column in names else "is no column"
            raise InputError(f"{path}:1: there {many} {quoted(column)}; the header is {quoted(', '.join(names), 200)}")
    return {name: names.index(column) for name, column in columns.items()}


def _guess(header: Sequence[str], row: Sequence[str]) -> str:
    """Guess the columns: the longest cell is the text, the shortest the label; by name if the first row has names."""
    by_length = sorted(range(min(len(header), len(row))), key=lambda place: len(row[place]))
    if len(by_length) < 2:
        return "label=1,text=2"
    label, text = by_length[0], by_length[-1]
    named = all(name.strip().replace("_", "").isalpha() and "," not in name for name in (header[label], header[text]))
    if named and header[label] != row[label]:
        return f"label={header[label].strip()},text={header[text].strip()}"
    return f"label={label + 1},text={text + 1}"
