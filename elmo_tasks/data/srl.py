"""Semantic roles in column files: the formats of the English Web Treebank set, CoNLL-2005 and CoNLL-2012.

All three have one row per token, a column that marks the predicates and, after it, one column of bracketed spans per
predicate, in the order of the predicates. Universal PropBank 2 has other columns, see `propbank`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from elmo_tasks.core.errors import InputError, quoted
from elmo_tasks.data.conllu import read_conllu
from elmo_tasks.data.lines import read_lines
from elmo_tasks.data.propbank import read_propbank
from elmo_tasks.data.reading import Note, no_note
from elmo_tasks.text.brackets import from_brackets
from elmo_tasks.text.examples import TaggedSentence
from elmo_tasks.text.tokens import split_tokens

NO_PREDICATE = "-"
_EXPECTED = "sentences in the columns of CoNLL-2005, CoNLL-2012 or `number word POS lemma roleset predicate...`"


@dataclass(frozen=True)
class RoleRow:
    """The cells of a token, with the line number."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """Column indices of a format: the word, the predicate mark, the first span column, and `behind` columns after them.

    start: the number of a sentence's first row, if the first column numbers the rows.
    """

    word: int
    mark: int
    spans: int
    behind: int = 0
    start: int | None = None

    @property
    def least(self) -> int:
        """The number of columns of a sentence without predicates."""
        return self.spans + self.behind


NUMBERED = [Layout(word=1, mark=4, spans=5, start=start) for start in (0, 1)]
CONLL2012 = Layout(word=3, mark=7, spans=11, behind=1)  # the last column is coreference


def read_srl(path: Path, *, encoding: str = "utf-8", note: Note = no_note) -> list[TaggedSentence]:
    """Read a file, or a folder with `*gold_conll` files at any depth, and detect the format of each file.

    If a folder has several languages, only files below `english` are read. Each sentence yields first the sentence
    itself, with `predicate` None and a tag B-V on each predicate, then one example per predicate with the BIO tags of
    its arguments and of V. A span column with only `*` that belongs to no predicate, as in one sentence of CoNLL-2012,
    is ignored and reported to `note`.

    Raises:
        InputError: there is no such file, it has no sentences or no predicates, or the format is unknown; a row has
            another number of columns than the rest, a sentence another number of span columns than predicates,
            brackets are unbalanced or nested, or a column has no V, two, or one on the wrong row; with `file:line`.
    """
    if path.is_dir():
        files = sorted(path.rglob("*gold_conll"))
        files = [file for file in files if "english" in file.parts] or files
        if not files:
            raise InputError(f"{path}: there are no *_gold_conll files below this folder")
    else:
        files = [path]
    stray, overlaps = list[str](), list[str]()
    examples = [example for file in files for example in _read_file(file, encoding, stray, overlaps)]
    for places, what in (
        (stray, "ignored an empty span column without a predicate"),
        (overlaps, "ignored a span that overlaps another one or its predicate"),
    ):
        if places:
            more = f" and in {len(places) - 1} other places" if len(places) > 1 else ""
            note(f"{places[0]}{more}: {what}")
    if all(example.predicate is None for example in examples):
        raise InputError(
            f"{path}: none of the {len(examples)} sentences has a predicate; expected predicates with arguments"
        )
    return examples


def _read_file(path: Path, encoding: str, stray: list[str], overlaps: list[str]) -> list[TaggedSentence]:
    conllu = read_conllu(path, encoding)
    if conllu is not None:
        return read_propbank(conllu, overlaps)
    blocks = list(_blocks(path, encoding))
    if not blocks:
        raise InputError(f"{path}: the file is empty; expected {_EXPECTED}")
    plain = [rows for block in blocks if (rows := [row for row in block if not row.cells[0].startswith("#")])]
    if not plain:
        raise InputError(f"{path}: the file has only comments; expected {_EXPECTED}")
    layout = CONLL2012 if blocks[0][0].cells[0] == "#begin" else _layout(plain, path)
    if layout is None:  # CoNLL-2005 has no comments: a word may begin with `#`
        return [example for rows in blocks for example in _sentence(rows, _conll2005(rows, path), path, stray)]
    return [example for rows in plain for example in _sentence(rows, layout, path, stray)]


def _blocks(path: Path, encoding: str) -> Iterator[list[RoleRow]]:
    """Yield the rows between blank lines."""
    rows: list[RoleRow] = []
    for number, line in enumerate([*read_lines(path, encoding), ""], 1):
        cells = split_tokens(line)
        if cells:
            rows.append(RoleRow(number, cells))
        elif rows:
            yield rows
            rows = []


def _layout(sentences: Sequence[Sequence[RoleRow]], path: Path) -> Layout | None:
    """Detect the format of a file; None means CoNLL-2005.

    The first sentence with several words decides, because a single word may be a number. sentences: without comments.

    Raises:
        InputError: the first column cannot be words, and no other format fits.
    """
    rows = next((rows for rows in sentences if len(rows) > 1), sentences[0])
    columns = list(zip(*(row.cells for row in rows), strict=False))
    first, numbers = columns[0], [tuple(str(place + start) for place in range(len(rows))) for start in (0, 1)]
    if first in numbers:
        return NUMBERED[numbers.index(first)]
    if len(columns) >= CONLL2012.least and columns[2] == numbers[0] and all("*" in cell for cell in columns[5]):
        return CONLL2012
    documents = len(set(first)) == 1 and numbers[0] in columns[1:3]
    if len(rows) > 1 and (documents or all(cell.isdecimal() for cell in first)):
        raise InputError(
            f"{path}:{rows[0].line}: the first column contains neither words nor numbers from 0 or 1: "
            f"{quoted(' '.join(first))}; expected {_EXPECTED}"
        )
    return None


def _conll2005(rows: Sequence[RoleRow], path: Path) -> Layout:
    """The layout of CoNLL-2005: first the word, and the mark (the verb's lemma) in the last column without spans."""
    width = min(len(row.cells) for row in rows)
    mark = next((c for c in reversed(range(width)) if any("*" not in row.cells[c] for row in rows)), 0)
    if mark == 0:
        raise InputError(
            f"{path}:{rows[0].line}: no column marks the predicates: {quoted(' '.join(rows[0].cells))}; expected "
            f"{_EXPECTED}"
        )
    return Layout(word=0, mark=mark, spans=mark + 1)


def _sentence(rows: Sequence[RoleRow], layout: Layout, path: Path, stray: list[str]) -> Iterator[TaggedSentence]:
    """Yield a sentence and its predicates. stray: receives the place of a sentence with a column of no predicate."""
    width = max(len(rows[0].cells), layout.least)
    _check_rows(rows, layout, width, path)
    tokens = tuple(row.cells[layout.word] for row in rows)
    marked = [place for place, row in enumerate(rows) if row.cells[layout.mark] != NO_PREDICATE]
    columns = list(range(layout.spans, width - layout.behind))
    if len(columns) > len(marked):
        full = [column for column in columns if any(row.cells[column] != "*" for row in rows)]
        if len(full) == len(marked):
            columns = full
            stray.append(f"{path}:{rows[0].line}")
    if len(columns) != len(marked):
        raise InputError(
            f"{path}:{rows[0].line}: the sentence has {len(columns)} span columns for {len(marked)} marked predicates; "
            "there must be one per predicate"
        )
    sources = [f"{path}:{row.line}" for row in rows]
    yield TaggedSentence(tokens, mark_predicates(len(tokens), marked), source=sources[0])
    for number, (column, place) in enumerate(zip(columns, marked, strict=True), 1):
        tags = from_brackets([row.cells[column] for row in rows], sources)
        verbs = [at for at, tag in enumerate(tags) if tag == "B-V"]
        if len(verbs) != 1:
            raise InputError(
                f"{sources[verbs[1] if verbs else place]}: the column of predicate {number}, {quoted(tokens[place])}, "
                f"has {len(verbs)} spans V; it must have exactly one"
            )
        if verbs[0] != place:
            raise InputError(
                f"{sources[verbs[0]]}: the V of predicate {number} is on {quoted(tokens[verbs[0]])}, but the marked "
                f"row is {quoted(tokens[place])} on line {rows[place].line}"
            )
        yield TaggedSentence(tokens, tags, place, sources[0])


def _check_rows(rows: Sequence[RoleRow], layout: Layout, width: int, path: Path) -> None:
    """Raises InputError for a row of another width or number, and for a malformed cell in a span column."""
    for place, row in enumerate(rows):
        if len(row.cells) != width:
            raise InputError(
                f"{path}:{row.line}: the row has {len(row.cells)} columns, but the sentence has {width}: "
                f"{quoted(' '.join(row.cells))}"
            )
        if layout.start is not None and row.cells[0] != str(layout.start + place):
            raise InputError(
                f"{path}:{row.line}: the first column must be {layout.start + place}, because the rows of each "
                f"sentence are numbered from {layout.start}, not {quoted(row.cells[0])}"
            )
        for column in range(layout.spans, width - layout.behind):
            if "*" not in row.cells[column]:
                raise InputError(
                    f"{path}:{row.line}: column {column + 1} must have spans such as (ARG0* or *, not "
                    f"{quoted(row.cells[column])}; expected {_EXPECTED}"
                )


def mark_predicates(length: int, places: Sequence[int]) -> tuple[str, ...]:
    """The tags of a sentence itself: B-V on each predicate."""
    return tuple("B-V" if place in places else "O" for place in range(length))
