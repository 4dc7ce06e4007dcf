"""Propositions: semantic roles in the columns of the English Web Treebank set, of CoNLL-2005 and of CoNLL-2012.

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
    """A token's cells and the line they are on."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """Which columns hold what: word, predicate mark, first and last (exclusive, from the end) of the spans.

    start: the number of a sentence's first row, where the first column numbers them.
    """

    word: int
    mark: int
    spans: int
    behind: int = 0
    start: int | None = None

    @property
    def least(self) -> int:
        """Columns of a sentence without predicates."""
        return self.spans + self.behind


NUMBERED = [Layout(word=1, mark=4, spans=5, start=start) for start in (0, 1)]
CONLL2012 = Layout(word=3, mark=7, spans=11, behind=1)  # the last column is coreference


def read_srl(path: Path, *, encoding: str = "utf-8", note: Note = no_note) -> list[TaggedSentence]:
    """Read a file, or a folder with `*gold_conll` files at any depth (those below `english` where there are several
    languages), in any of the layouts, which a file shows itself.

    Of each sentence come first the sentence itself, its `predicate` None and a tag B-V on each predicate, then one
    example per predicate with the BIO tags of its arguments and of V. A column of spans that has only `*` and belongs
    to no predicate, which one sentence of CoNLL-2012 has, is ignored and reported to `note`.

    Raises:
        InputError: nothing there, no sentence in it, another layout, no predicate in any sentence, a ragged row, as
            many predicates as there are not columns, unbalanced or nested brackets, a column with no V or with two or
            with one elsewhere; with `file:line`.
    """
    if path.is_dir():
        files = sorted(path.rglob("*gold_conll"))
        files = [file for file in files if "english" in file.parts] or files
        if not files:
            raise InputError(f"{path}: expected *_gold_conll files below this folder, found none")
    else:
        files = [path]
    stray, overlaps = list[str](), list[str]()
    examples = [example for file in files for example in _read_file(file, encoding, stray, overlaps)]
    for places, what in (
        (stray, "an empty column of spans without a predicate is ignored"),
        (overlaps, "a span that overlaps another one, or its predicate, is ignored"),
    ):
        if places:
            more = f" and in {len(places) - 1} other places" if len(places) > 1 else ""
            note(f"{places[0]}{more}: {what}")
    if all(example.predicate is None for example in examples):
        raise InputError(f"{path}: expected predicates with their arguments, got {len(examples)} sentences without any")
    return examples


def _read_file(path: Path, encoding: str, stray: list[str], overlaps: list[str]) -> list[TaggedSentence]:
    conllu = read_conllu(path, encoding)
    if conllu is not None:
        return read_propbank(conllu, overlaps)
    blocks = list(_blocks(path, encoding))
    if not blocks:
        raise InputError(f"{path}: expected {_EXPECTED}, got an empty file")
    plain = [rows for block in blocks if (rows := [row for row in block if not row.cells[0].startswith("#")])]
    if not plain:
        raise InputError(f"{path}: expected {_EXPECTED}, got none")
    layout = CONLL2012 if blocks[0][0].cells[0] == "#begin" else _layout(plain, path)
    if layout is None:  # CoNLL-2005: nothing is a comment, a word may begin with `#`
        return [example for rows in blocks for example in _sentence(rows, _conll2005(rows, path), path, stray)]
    return [example for rows in plain for example in _sentence(rows, layout, path, stray)]


def _blocks(path: Path, encoding: str) -> Iterator[list[RoleRow]]:
    """The rows between blank lines."""
    rows: list[RoleRow] = []
    for number, line in enumerate([*read_lines(path, encoding), ""], 1):
        cells = split_tokens(line)
        if cells:
            rows.append(RoleRow(number, cells))
        elif rows:
            yield rows
            rows = []


def _layout(sentences: Sequence[Sequence[RoleRow]], path: Path) -> Layout | None:
    """A file's layout, None for that of CoNLL-2005, by its first sentence of several words: one alone may be a number.

    sentences: without comments.

    Raises:
        InputError: the first column cannot be words, and the others are not those of a layout.
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
            f"{path}:{rows[0].line}: expected {_EXPECTED}, got a first column that is neither words nor numbers from 0 "
            f"or 1: {quoted(' '.join(first))}"
        )
    return None


def _conll2005(rows: Sequence[RoleRow], path: Path) -> Layout:
    """The word comes first; the mark (the verb's lemma) is in the last column that holds no spans."""
    width = min(len(row.cells) for row in rows)
    mark = next((c for c in reversed(range(width)) if any("*" not in row.cells[c] for row in rows)), 0)
    if mark == 0:
        raise InputError(
            f"{path}:{rows[0].line}: expected {_EXPECTED}, got {quoted(' '.join(rows[0].cells))} without a column that "
            "marks the predicates"
        )
    return Layout(word=0, mark=mark, spans=mark + 1)


def _sentence(rows: Sequence[RoleRow], layout: Layout, path: Path, stray: list[str]) -> Iterator[TaggedSentence]:
    """The sentence itself and its predicates. stray: gets the place of a sentence with a column of no predicate."""
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
            f"{path}:{rows[0].line}: expected a column of spans for each marked predicate of the sentence, got "
            f"{len(columns)} columns for {len(marked)} predicates"
        )
    sources = [f"{path}:{row.line}" for row in rows]
    yield TaggedSentence(tokens, mark_predicates(len(tokens), marked), source=sources[0])
    for number, (column, place) in enumerate(zip(columns, marked, strict=True), 1):
        tags = from_brackets([row.cells[column] for row in rows], sources)
        verbs = [at for at, tag in enumerate(tags) if tag == "B-V"]
        if len(verbs) != 1:
            raise InputError(
                f"{sources[verbs[1] if verbs else place]}: expected one span V in the column of predicate {number}, "
                f"{quoted(tokens[place])}, got {len(verbs)}"
            )
        if verbs[0] != place:
            raise InputError(
                f"{sources[verbs[0]]}: expected the V of predicate {number} on the row that is marked, "
                f"{quoted(tokens[place])} of line {rows[place].line}, got it on {quoted(tokens[verbs[0]])}"
            )
        yield TaggedSentence(tokens, tags, place, sources[0])


def _check_rows(rows: Sequence[RoleRow], layout: Layout, width: int, path: Path) -> None:
    """Raises InputError for a row of another width or number, and for a cell that is none of a column of spans."""
    for place, row in enumerate(rows):
        if len(row.cells) != width:
            raise InputError(
                f"{path}:{row.line}: expected {width} columns as in the rest of the sentence, got {len(row.cells)}: "
                f"{quoted(' '.join(row.cells))}"
            )
        if layout.start is not None and row.cells[0] != str(layout.start + place):
            raise InputError(
                f"{path}:{row.line}: expected the number {layout.start + place} in the first column, as the file's "
                f"sentences are numbered from {layout.start}, got {quoted(row.cells[0])}"
            )
        for column in range(layout.spans, width - layout.behind):
            if "*" not in row.cells[column]:
                raise InputError(
                    f"{path}:{row.line}: expected {_EXPECTED}, spans such as (ARG0* or * in column {column + 1}, got "
                    f"{quoted(row.cells[column])}"
                )


def mark_predicates(length: int, places: Sequence[int]) -> tuple[str, ...]:
    """Tags of a sentence itself: B-V on each predicate."""
    return tuple("B-V" if place in places else "O" for place in range(length))
