"""Column files such as CoNLL-2003: one token per line, blank lines between sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from elmo_tasks.core.errors import InputError, quoted
from elmo_tasks.data.columns import (
    ColumnRow,
    ColumnSentence,
    column_of,
    column_sentences,
    drop_numbers,
    join_blanks,
    read_blocks,
)
from elmo_tasks.data.conllu import read_conllu, tag_column_of
from elmo_tasks.data.label_map import LabelMap
from elmo_tasks.data.reading import Note, check_columns, no_note, positions_of
from elmo_tasks.text.examples import TaggedSentence
from elmo_tasks.text.spans import SCHEMES, beginnings, convert, detect_scheme, from_io, is_io, split_tag

DOCUMENT_START = "-DOCSTART-"


def read_conll(
    path: Path,
    *,
    token_column: int | None = None,
    tag_column: int | None = None,
    scheme: str = "auto",
    columns: Mapping[str, str] | None = None,
    encoding: str = "utf-8",
    map_labels: LabelMap | None = None,
    note: Note = no_note,
) -> list[TaggedSentence]:
    """Read a file of two or more columns, separated by spaces or tabs.

    The token is in the first column (the second if the first one numbers the rows), the tag in the last. Tags may be
    IOB1, BIO (IOB2), BIOES, BILOU, BMES or IO; `scheme` names one, or "auto" detects it from the whole file. The
    result is always BIO. `-DOCSTART-` rows and comments (`# id = 3`) before a sentence are not tokens.

    token_column, tag_column: column indices from 0, if the columns are elsewhere; columns: the same as given on the
    command line, counted from 1: `{"token": "2", "tag": "3"}`; map_labels: new names for the span types; note:
    receives a line about anything that was read in a possibly surprising way.

    Raises:
        InputError: the file does not exist, has no sentences or is not text in `encoding`, or has a row with too few
            columns, a malformed tag or an illegal tag sequence; always with `file:line`.
    """
    if scheme not in ("auto", *SCHEMES):
        raise InputError(f"scheme must be one of auto, {', '.join(SCHEMES)}, not {scheme!r}")
    conllu = read_conllu(path, encoding) if token_column is tag_column is None else None
    if conllu is not None and "token" not in (columns or {}):
        check_columns(columns or {}, ("token", "tag"))
        named = (columns or {}).get("tag")
        blocks = conllu.rows(conllu.column(named, "O") if named else tag_column_of(conllu, _is_tag))
        token_column, tag_column = 0, 1
    else:
        token_column, tag_column = _chosen(columns, token_column, tag_column)
        blocks = _blocks(path, encoding, is_tag=_is_tag)
    outer = False
    if token_column is None:
        token_column, blocks = drop_numbers(path, blocks)
        outer = tag_column is None and token_column == 1 and _two_levels(blocks)
    if outer:
        note(f"{path}: two tag columns; the outer spans (column 3) are read; use --columns token=2,tag=4 for the inner")
    tag_column = 2 if outer else -1 if tag_column is None else tag_column
    sentences = join_blanks(path, column_sentences(path, blocks, token_column, tag_column), note)
    if is_io({tag for sentence in sentences for tag in sentence.tags}):
        sentences = [sentence._replace(tags=from_io(sentence.tags)) for sentence in sentences]
    else:
        _check_tags(path, blocks, sentences, token_column)
    found = detect_scheme(sentence.tags for sentence in sentences) if scheme == "auto" else scheme
    if found == "IOB1" and scheme == "auto":
        _note_mixture(path, sentences, note)
    rename = map_labels or LabelMap()
    examples = []
    for tokens, tags, lines in sentences:
        sources = [f"{path}:{line}" for line in lines]
        bio = rename.tags(convert(tags, found, "BIO", sources))
        examples.append(TaggedSentence(tuple(tokens), bio, source=sources[0]))
    return examples


def read_tokens(
    path: Path,
    *,
    token_column: int = 0,
    tag_column: int = -1,
    mark: str = DOCUMENT_START,
    encoding: str = "utf-8",
) -> list[TaggedSentence]:
    """Read the same files with tags that label single tokens, such as parts of speech; tags are not changed.

    mark: rows that begin with it are not tokens (`#` for comments, if the first column is a number).

    Raises:
        InputError: the file does not exist, has no sentences or is not text in `encoding`, or a row has too few
            columns, with `file:line`.
    """
    sentences = column_sentences(path, _blocks(path, encoding, mark), token_column, tag_column)
    return [
        TaggedSentence(tuple(tokens), tuple(tags), source=f"{path}:{lines[0]}")
        for tokens, tags, lines in join_blanks(path, sentences, no_note)
    ]


def _chosen(columns: Mapping[str, str] | None, token: int | None, tag: int | None) -> tuple[int | None, int | None]:
    """Column indices from 0. The user's columns take precedence; if only the tag is named, the token comes first."""
    if not columns:
        return token, tag
    positions = positions_of(columns, ("token", "tag"))
    return positions.get("token", 0), positions.get("tag", -1)


def _blocks(
    path: Path, encoding: str, mark: str = DOCUMENT_START, is_tag: Callable[[str], bool] | None = None
) -> list[list[ColumnRow]]:
    blocks = read_blocks(path, encoding, mark, is_tag)
    if not blocks:
        raise InputError(f"{path}: the file has no sentences; expected columns `token ... tag`")
    return blocks


def _is_tag(tag: str) -> bool:
    try:
        split_tag(tag)
    except InputError:
        return False
    return True


def _two_levels(blocks: Sequence[Sequence[ColumnRow]]) -> bool:
    """Whether numbered rows have the columns of GermEval: number, word, outer tag, inner tag."""
    return all(len(row.cells) == 4 and _is_tag(row.cells[2]) for rows in blocks for row in rows)


def _check_tags(
    path: Path, blocks: Sequence[Sequence[ColumnRow]], sentences: Sequence[ColumnSentence], token: int
) -> None:
    """Raises InputError for the first malformed tag; the message names a column that contains tags, if there is one."""
    wrong: list[tuple[int, str]] = []
    known: set[str] = set()
    total = 0
    for _, tags, lines in sentences:
        total += len(tags)
        for tag, line in zip(tags, lines, strict=True):
            if tag not in known and not _is_tag(tag):
                wrong.append((line, tag))
            else:
                known.add(tag)
    if not wrong:
        return
    line, tag = wrong[0]
    better = column_of(blocks, _is_tag)
    if better is not None:
        advice = f"column {better + 1} has tags; pass --columns token={token + 1},tag={better + 1}"
    elif tag[-2:] in ("-B", "-I", "-E", "-S"):
        advice = f"the prefix comes first; write {tag[-1]}-{tag[:-2][:40]}"
    elif len(wrong) == 1 and line == sentences[0].lines[0]:
        advice = "delete this line if it is a header"
    elif len(wrong) < total / 2:
        advice = "correct this row"
    else:
        advice = (
            "this task reads spans (BIO, IOB1, BIOES, BILOU, BMES, or IO with O); for one label per token use the "
            "task tagging"
        )
    raise InputError(f"{path}:{line}: {quoted(tag)} is not a tag such as O, B-PER or I-PER; {advice}")


def _note_mixture(path: Path, sentences: Sequence[ColumnSentence], note: Note) -> None:
    """Report a file in which some spans begin with B- and others with I-, which neither BIO nor IOB1 allows."""
    counts: Counter[str] = Counter()
    first: dict[str, str] = {}
    for _, tags, lines in sentences:
        for prefix, positions in zip("BI", beginnings(tags), strict=True):
            counts[prefix] += len(positions)
            if positions and prefix not in first:
                at = positions[0]
                before = quoted(tags[at - 1]) if at else "the beginning of a sentence"
                first[prefix] = f"{path}:{lines[at]}: {quoted(tags[at])} after {before}"
    if counts["B"] and counts["I"]:
        odd, usual = ("I", "B") if counts["I"] <= counts["B"] else ("B", "I")
        more = f" and in {counts[odd] - 1} other places" if counts[odd] > 1 else ""
        note(
            f"{first[odd]}{more} begins a span, although {counts[usual]} spans in the file begin with {usual}-; it is "
            "read as conlleval does"
        )
