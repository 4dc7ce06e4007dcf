"""CoNLL-U and CoNLL-U Plus: the columns of Universal Dependencies, or those that a file declares."""

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

    names: the column names; further columns, which the file does not declare, have no name.
    """

    path: Path
    names: tuple[str, ...]
    sentences: list[list[ColumnRow]]

    def column(self, name: str, missing: str) -> list[list[str]]:
        """Return a column of each sentence, chosen by its name, its number from 1, or the key of an attribute in MISC.

        missing: the value for words without the attribute.

        Raises:
            InputError: there is no such column or key; the message lists the existing ones.
        """
        if name.isascii() and name.isdecimal():
            place = int(name[:4]) - 1
            if not 0 <= place < len(self.sentences[0][0].cells):
                raise self.fault(f"there is no column {quoted(name)}")
        elif (upper := name.upper()) in self.names:
            place = self.names.index(upper)
        elif name in self.keys:
            return [[attributes(self.cell(row, "MISC")).get(name, missing) for row in rows] for rows in self.sentences]
        else:
            raise self.fault(f"there is no column or MISC key {quoted(name)}")
        return [[row.cells[place] for row in rows] for rows in self.sentences]

    def cell(self, row: ColumnRow, name: str) -> str:
        """A row's cell in a column, `_` if the file lacks the column."""
        return row.cells[self.names.index(name)] if name in self.names else EMPTY

    def form(self, row: ColumnRow) -> str:
        """The word of a row. Spaces in it, which Universal Dependencies allow (`10 000`), become no-break spaces."""
        return self.cell(row, "FORM").replace(" ", "\u00a0")

    @cached_property
    def keys(self) -> list[str]:
        """The keys of the attributes in MISC, in file order."""
        cells = (self.cell(row, "MISC") for rows in self.sentences for row in rows)
        return list(dict.fromkeys(key for cell in cells for key in attributes(cell)))

    def fault(self, wrong: str) -> InputError:
        """An error that also lists the columns and the keys in MISC."""
        keys = f" and the keys {_listed(self.keys)} in MISC" if self.keys else ""
        return InputError(
            f"{self.path}:{self.sentences[0][0].line}: {wrong}; the file is CoNLL-U with the columns "
            f"{_listed(self.names)}{keys}"
        )

    def rows(self, tags: Sequence[Sequence[str]]) -> list[list[ColumnRow]]:
        """Rows of a word and its tag, as in a file of two columns."""
        return [
            [row._replace(cells=(self.form(row), tag)) for row, tag in zip(rows, own, strict=True)]
            for rows, own in zip(self.sentences, tags, strict=True)
        ]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(quoted(name, 22)[1:-1] for name in names[:16]) + (", ..." if len(names) > 16 else "")


def attributes(misc: str) -> dict[str, str]:
    """Parse `"SpaceAfter=No|NER=B-PER"` into a dictionary; parts without `=` are left out."""
    return {key: value for part in misc.split("|") if "=" in part for key, _, value in (part.partition("="),)}


def read_conllu(path: Path, encoding: str = "utf-8") -> ConlluFile | None:
    """Read the sentences of a file, or return None if it is not CoNLL-U.

    A file is CoNLL-U Plus if a comment declares its columns (`# global.columns = ID FORM ...`), and CoNLL-U if its
    first row has ten or more tab-separated columns and plausible values in ID, HEAD and DEPS (CoNLL-2009 has not).

    Raises:
        InputError: the file does not exist or is not text in `encoding`, a row has too few columns or no number, or
            there is no column FORM.
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
                    f"{path}:{number}: not a row of CoNLL-U, which has {len(names)} tab-separated columns and begins "
                    f"with the number of a word: {quoted(line)}"
                )
            if "-" not in cells[0] and "." not in cells[0]:
                rows.append(ColumnRow(number, line, cells))
    if not sentences:
        raise InputError(f"{path}: the file has no sentences; expected CoNLL-U")
    file = ConlluFile(path, names, sentences)
    if "FORM" not in names:
        raise file.fault("there is no column FORM with the words; merge the file with the treebank that has them")
    return file


def _columns_of(path: Path, encoding: str) -> tuple[str, ...] | None:
    """The columns of a CoNLL-U file, judged by its first lines; None for other files."""
    for _, line in open_lines(path, encoding=encoding):
        if found := _DECLARED.fullmatch(line.strip()):
            return tuple(found[1].upper().split())
        if line.strip() and not line.startswith("#"):
            cells = line.split("\t")
            fits = len(cells) >= len(COLUMNS) and _NUMBER.fullmatch(cells[0]) and _HEAD.fullmatch(cells[6])
            return COLUMNS if fits and _DEPS.fullmatch(cells[8]) else None
    return None


def tag_column_of(file: ConlluFile, is_tag: Callable[[str], bool]) -> list[list[str]]:
    """Find the span tags: the only MISC key whose values are all tags, or else the last column.

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
    what = "several MISC keys have" if fitting else "no column has"
    raise file.fault(f"{what} span tags; name one, for example --columns tag={fitting[0] if fitting else 'NER'}")
