"""CoNLL-U and CoNLL-U Plus: the columns of Universal Dependencies, and those that a file declares itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from elmo_tasks.core.errors import InputError, quoted
from elmo_tasks.data.columns import ColumnRow
from elmo_tasks.data.lines import open_lines, read_lines

COLUMNS = ("ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC")
EMPTY = "_"
_DECLARED = re.compile(r"#\s*global\.columns\s*=(.*)")
_NUMBER = re.compile(r"[0-9]+([-.][0-9]+)?")  # 3-4: a contraction, 5.1: an empty node
_HEAD, _DEPS = re.compile(r"[0-9]+|_"), re.compile(r"_|.*:.*")


@dataclass(frozen=True)
class ConlluFile:
    """The words of a file, sentence by sentence; contractions and empty nodes are left out.

    names: of the columns; those behind them, which the file does not declare, have none.
    """

    path: Path
    names: tuple[str, ...]
    sentences: list[list[ColumnRow]]

    def column(self, name: str, missing: str) -> list[list[str]]:
        """A column of each sentence: by its name, its number from 1, or the key of an attribute in MISC.

        missing: stands where a word does not have the attribute.

        Raises:
            InputError: there is no such column and no such key; the message lists those that there are.
        """
        if name.isascii() and name.isdecimal():
            place = int(name[:4]) - 1
            if not 0 <= place < len(self.sentences[0][0].cells):
                raise self.fault(f"expected a column {quoted(name)}")
        elif (upper := name.upper()) in self.names:
            place = self.names.index(upper)
        elif name in self.keys:
            return [[attributes(self.cell(row, "MISC")).get(name, missing) for row in rows] for rows in self.sentences]
        else:
            raise self.fault(f"expected a column or a key of MISC {quoted(name)}")
        return [[row.cells[place] for row in rows] for rows in self.sentences]

    def cell(self, row: ColumnRow, name: str) -> str:
        """What a row has in a column, `_` if the file lacks it."""
        return row.cells[self.names.index(name)] if name in self.names else EMPTY

    def form(self, row: ColumnRow) -> str:
        """A word. Universal Dependencies allow blanks in it (`10 000`), which become no-break spaces."""
        return self.cell(row, "FORM").replace(" ", "\u00a0")

    @cached_property
    def keys(self) -> list[str]:
        """The keys of the attributes in MISC, in the order of the file."""
        cells = (self.cell(row, "MISC") for rows in self.sentences for row in rows)
        return list(dict.fromkeys(key for cell in cells for key in attributes(cell)))

    def fault(self, expected: str) -> InputError:
        """A message that lists the columns and the keys of MISC."""
        keys = f" and the keys {_listed(self.keys)} in MISC" if self.keys else ""
        return InputError(
            f"{self.path}:{self.sentences[0][0].line}: {expected}, got CoNLL-U with the columns "
            f"{_listed(self.names)}{keys}"
        )

    def rows(self, tags: Sequence[Sequence[str]]) -> list[list[ColumnRow]]:
        """Rows of a word and its tag, as a file of two columns has them."""
        return [
            [row._replace(cells=(self.form(row), tag)) for row, tag in zip(rows, own, strict=True)]
            for rows, own in zip(self.sentences, tags, strict=True)
        ]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(quoted(name, 22)[1:-1] for name in names[:16]) + (", ..." if len(names) > 16 else "")


def attributes(misc: str) -> dict[str, str]:
    """`"SpaceAfter=No|NER=B-PER"` as a dictionary; parts without `=` are left out."""
    return {key: value for part in misc.split("|") if "=" in part for key, _, value in (part.partition("="),)}


def read_conllu(path: Path, encoding: str = "utf-8") -> ConlluFile | None:
    """The sentences of a file, None if it is not CoNLL-U.

    It is CoNLL-U Plus if a comment declares its columns (`# global.columns = ID FORM ...`), and CoNLL-U if the first
    row has ten or more columns between tabs, of which ID, HEAD and DEPS look like it. CoNLL-2009 has others there.

    Raises:
        InputError: no such file, not text in `encoding`, a row with too few columns or without a number, no FORM.
    """
    names = _columns_of(path, encoding)
    if names is None:
        return None
    sentences: list[list[ColumnRow]] = []
    rows: list[ColumnRow] = []
    for number, line in enumerate([*read_lines(path, encoding), ""], 1):
        if not line.strip():
            if rows:
                sentences.append(rows)
            rows = []
        elif not line.startswith("#"):
            cells = tuple(cell.strip(" ") for cell in line.split("\t"))
            if len(cells) < len(names) or not (names[0] != "ID" or _NUMBER.fullmatch(cells[0])):
                raise InputError(
                    f"{path}:{number}: expected a row of {len(names)} columns between tabs that begins with the number "
                    f"of a word, as CoNLL-U has them, got {quoted(line)}"
                )
            if "-" not in cells[0] and "." not in cells[0]:
                rows.append(ColumnRow(number, line, cells))
    if not sentences:
        raise InputError(f"{path}: has no sentences; expected CoNLL-U")
    file = ConlluFile(path, names, sentences)
    if "FORM" not in names:
        raise file.fault("expected words in a column FORM; merge this file with the treebank that has them")
    return file


def _columns_of(path: Path, encoding: str) -> tuple[str, ...] | None:
    """The columns of a CoNLL-U file, by its first lines."""
    for _, line in open_lines(path, encoding=encoding):
        if found := _DECLARED.fullmatch(line.strip()):
            return tuple(found[1].upper().split())
        if line.strip() and not line.startswith("#"):
            cells = line.split("\t")
            fits = len(cells) >= len(COLUMNS) and _NUMBER.fullmatch(cells[0]) and _HEAD.fullmatch(cells[6])
            return COLUMNS if fits and _DEPS.fullmatch(cells[8]) else None
    return None


def tag_column_of(file: ConlluFile, is_tag: Callable[[str], bool]) -> list[list[str]]:
    """The tags of spans: the one key of MISC whose values all are tags, or else the last column.

    Raises:
        InputError: there is no such column or key, or there are several.
    """
    columns = {key: file.column(key, "O") for key in file.keys}
    fitting = [key for key, column in columns.items() if all(is_tag(tag) for tags in column for tag in tags)]
    if len(fitting) == 1:
        return columns[fitting[0]]
    last = [[row.cells[-1].replace(EMPTY, "O") for row in rows] for rows in file.sentences]
    distinct = {tag for tags in last for tag in tags}
    if not fitting and distinct != {"O"} and all(map(is_tag, distinct)):
        return last
    what = "several keys of MISC with" if fitting else "no column with"
    raise file.fault(f"found {what} tags of spans; name one, such as --columns tag={fitting[0] if fitting else 'NER'}")
