"""Files with one label per token, such as parts of speech: columns, CoNLL-U, or lines of `word_TAG` or `word/TAG`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from elmo_tasks.core.errors import InputError, quoted
from elmo_tasks.data.columns import ColumnSentence, column_sentences, drop_numbers, join_blanks, read_blocks
from elmo_tasks.data.conll import DOCUMENT_START
from elmo_tasks.data.conllu import EMPTY, read_conllu
from elmo_tasks.data.label_map import LabelMap
from elmo_tasks.data.lines import read_lines
from elmo_tasks.data.reading import Note, check_columns, no_note, positions_of
from elmo_tasks.text.examples import TaggedSentence
from elmo_tasks.text.tokens import split_tokens

SEPARATORS = ("_", "/")


def read_tagged(
    path: Path,
    *,
    columns: Mapping[str, str] | None = None,
    encoding: str = "utf-8",
    map_labels: LabelMap | None = None,
    note: Note = no_note,
) -> list[TaggedSentence]:
    """Read sentences with one label per token. The labels are not changed.

    A file is CoNLL-U (the label is UPOS), lines of `word_TAG` or `word/TAG`, or columns with the token first (second,
    if the first column numbers the rows) and the label last.

    columns: where `token` and `tag` are, by number from 1; in CoNLL-U `tag` may also be a column name or the key of an
    attribute in MISC; map_labels: new names for the labels.

    Raises:
        InputError: the file does not exist, has no sentences or is not text in `encoding`, a row or a word has no
            label, or a label is to be dropped; always with `file:line`.
    """
    given = columns or {}
    check_columns(given, ("token", "tag"))
    sentences = _of_conllu(path, given, encoding) or (not given and _of_words(path, encoding))
    if not sentences:
        sentences = _of_columns(path, given, encoding, note)
    examples = [
        TaggedSentence(tuple(tokens), tuple(tags), source=f"{path}:{lines[0]}")
        for tokens, tags, lines in join_blanks(path, sentences, note)
    ]
    return [_renamed(example, map_labels) for example in examples] if map_labels else examples


def _of_conllu(path: Path, columns: Mapping[str, str], encoding: str) -> list[ColumnSentence]:
    file = None if "token" in columns else read_conllu(path, encoding)
    if file is None:
        return []
    name = columns.get("tag", "UPOS")
    tags = file.column(name, EMPTY)
    if all(tag == EMPTY for own in tags for tag in own):
        raise file.fault(f"the column {quoted(name)} is empty; name the column with the labels: --columns tag=NAME")
    return column_sentences(path, file.rows(tags), 0, 1)


def _of_words(path: Path, encoding: str) -> list[ColumnSentence]:
    """Read `word_TAG`, if most lines consist of it: one sentence per line, or one word per line."""
    lines = [(number, split_tokens(line)) for number, line in enumerate(read_lines(path, encoding), 1)]
    full = [(number, pieces) for number, pieces in lines if pieces]
    fitting = {
        separator: sum(all(_is_word(piece, separator) for piece in pieces) for _, pieces in full)
        for separator in SEPARATORS
    }
    separator = max(fitting, key=fitting.__getitem__)
    if 2 * fitting[separator] <= len(full):
        return []
    for number, pieces in full:
        for piece in pieces:
            if not _is_word(piece, separator):
                raise InputError(
                    f"{path}:{number}: {quoted(piece)} is not a word, {separator} and its label; if the file has "
                    "columns, pass --columns token=1,tag=2"
                )
    if all(len(pieces) == 1 for _, pieces in full):
        full = _joined(lines)
    parts = [(number, [piece.rpartition(separator) for piece in pieces]) for number, pieces in full]
    return [
        ColumnSentence([word for word, _, _ in own], [tag for _, _, tag in own], [number] * len(own))
        for number, own in parts
    ]


def _is_word(piece: str, separator: str) -> bool:
    word, _, tag = piece.rpartition(separator)
    return bool(word and tag)


def _joined(lines: Sequence[tuple[int, tuple[str, ...]]]) -> list[tuple[int, tuple[str, ...]]]:
    """Join the pieces between blank lines into one line each."""
    found: list[tuple[int, tuple[str, ...]]] = []
    inside = False
    for number, pieces in lines:
        if pieces and inside:
            found[-1] = (found[-1][0], found[-1][1] + pieces)
        elif pieces:
            found.append((number, pieces))
        inside = bool(pieces)
    return found


def _of_columns(path: Path, columns: Mapping[str, str], encoding: str, note: Note) -> list[ColumnSentence]:
    blocks = read_blocks(path, encoding, DOCUMENT_START, lambda cell: True)
    if not blocks:
        raise InputError(f"{path}: the file has no sentences; expected columns `token ... label`")
    if columns:
        positions = positions_of(columns, ("token", "tag"))
        return column_sentences(path, blocks, positions.get("token", 0), positions.get("tag", -1))
    token, blocks = drop_numbers(path, blocks)
    width = len(blocks[0][0].cells)
    if width > token + 2:
        note(
            f"{path}: the labels are read from the last of {width} columns; choose another one with --columns, for "
            f"example token={token + 1},tag={token + 2}"
        )
    return column_sentences(path, blocks, token, -1)


def _renamed(example: TaggedSentence, rename: LabelMap) -> TaggedSentence:
    tags = [rename(tag) for tag in example.tags]
    for tag, new in zip(example.tags, tags, strict=True):
        if new is None:
            raise InputError(
                f"{example.source}: --map-labels drops {quoted(tag)}, but each token needs a label; rename it"
            )
    return TaggedSentence(example.tokens, tuple(tag for tag in tags if tag), source=example.source)
