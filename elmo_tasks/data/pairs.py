"""Labelled pairs of sentences: JSON Lines as of SNLI and MultiNLI, tables as of SICK, and the lines of `predict`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from elmo_tasks.core.errors import InputError, quoted
from elmo_tasks.data.json_lines import json_array, load_json
from elmo_tasks.data.label_map import LabelMap
from elmo_tasks.data.labelled import as_label, check_tokens, file_kind
from elmo_tasks.data.lines import read_lines
from elmo_tasks.data.object_rows import Kind, Row, plain, rows_of
from elmo_tasks.data.objects import joined_words, label_of, raw_tokens, words_of
from elmo_tasks.data.reading import Note, check_columns, no_note
from elmo_tasks.data.tables import read_cells, usual_names
from elmo_tasks.text.examples import SentencePair
from elmo_tasks.text.pairs import PAIR_LINE, split_pair

USUAL: Mapping[str, Sequence[str]] = {
    "premise": ("premise", "sentence1", "sentence_a", "sentence_1", "text1", "text_a", "s1"),
    "hypothesis": ("hypothesis", "sentence2", "sentence_b", "sentence_2", "text2", "text_b", "s2"),
    "label": ("label", "labels", "gold_label", "gold", "entailment_judgment", "entailment_label", "judgment", "class"),
}
NO_GOLD = "-"
"""The label of pairs of SNLI and MultiNLI on which the annotators disagreed."""

_RELATIONS = ("entailment", "neutral", "contradiction")
_EXPECTED = 'expected a JSON object such as {"premise": "It rains.", "hypothesis": "It is wet.", "label": "entailment"}'


def read_pairs(
    path: Path,
    *,
    columns: Mapping[str, str] | None = None,
    encoding: str = "utf-8",
    map_labels: LabelMap | None = None,
    note: Note = no_note,
) -> list[SentencePair]:
    """Read a file of labelled pairs of sentences.

    A file is JSON Lines, or an array of objects, with the keys `premise`, `hypothesis` and `label`, or a table with a
    header that names them: CSV if it has that extension, otherwise with tabs. Other common names are recognised, such
    as those of SNLI and MultiNLI (`sentence1`, `sentence2`, `gold_label`) and of SICK (`sentence_A`, `sentence_B`,
    `entailment_judgment`). Texts are split by the package's tokeniser, as in `predict`, which hardly changes texts that
    are tokenised already; a list of tokens in JSON is not changed. The parses of SNLI are not read.

    Pairs without a gold label (`-`) are left out. The labels entailment, neutral and contradiction are read in any
    case; all others are read as they are.

    columns: where `premise`, `hypothesis` and `label` are: JSON keys, names in the header, or numbers from 1;
    map_labels: new names for labels; pairs with a dropped label are left out; note: receives the number of pairs
    without gold.

    Raises:
        InputError: the file does not exist, has no pairs with gold or is not text in `encoding`, or a row lacks a
            sentence or a label or is not a valid JSON object; always with `file:line`.
    """
    columns = columns or {}
    check_columns(columns, tuple(USUAL))
    lines = read_lines(path, encoding)
    found = list(_rows(path, lines, columns))
    if not found:
        raise InputError(f"{path}: the file is empty; expected lines with a premise, a hypothesis and a label")
    return _with_gold(found, str(path), map_labels, note)


def read_pair(line: str, source: str = "") -> SentencePair:
    """Read the pair of an input line: two texts separated by a tab, or JSON with a premise and a hypothesis.

    An empty line is a pair without tokens.

    Raises:
        InputError: there are not two sentences, one of them is empty, or the JSON is not valid.
    """
    if not line.strip():
        return SentencePair((), (), source=source)
    if line.lstrip().startswith('{"'):
        value = load_json(line, source, PAIR_LINE)
        keys = usual_names([key for key in value if isinstance(key, str)], USUAL)
        if missing := [what for what in ("premise", "hypothesis") if what not in keys]:
            raise InputError(f"{source}: there is no {missing[0]} among {quoted(list(value))}; {PAIR_LINE}")
        first, second = value[keys["premise"]], value[keys["hypothesis"]]
    else:
        first, second = split_pair(line, source)
    return SentencePair(
        _sentence(first, "premise", source, PAIR_LINE),
        _sentence(second, "hypothesis", source, PAIR_LINE),
        source=source,
    )


def read_pair_objects(
    given: Any, name: str, columns: Mapping[str, Any] | None = None, note: Note = no_note
) -> list[SentencePair]:
    """Convert Python objects to pairs of sentences with one label each.

    given: a list of `(premise, hypothesis, label)` or `((premise, hypothesis), label)`, a tuple of three parallel
    lists, or anything with the columns `premise`, `hypothesis` and `label` that `rows_of` accepts: dictionaries, a
    pandas frame, a Hugging Face data set. A sentence is a text, which is tokenised, or a list of tokens. The other
    arguments and the errors are those of `read_tagged_objects`.
    """
    columns = dict(columns or {})
    for role in columns:
        if role not in USUAL:
            raise InputError(f"columns: the keys must be premise, hypothesis and label, not {quoted(role)}")
    if isinstance(given, tuple) and len(given) == 3:
        given = dict(zip(USUAL, given, strict=True))
    elif isinstance(given, (list, Iterator)):
        given = [_as_row(item, f"{name}[{number}]") for number, item in enumerate(given)]
    sides = []
    for role in ("premise", "hypothesis"):
        kind = Kind(role, "label", {key: USUAL[key] for key in (role, "label")})
        sides.append(rows_of(given, name, kind, {key: columns[key] for key in (role, "label") if key in columns}))
    if not sides[0]:
        raise InputError(f"{name}: there are no pairs; give at least one")
    sources = [row.source for row in sides[0]]
    without = [row.names is not None and plain(row.gold) == -1 for row in sides[0]]  # as data sets of the hub have it
    labels = [NO_GOLD if none else label_of(row) for none, row in zip(without, sides[0], strict=True)]
    premises, hypotheses = (
        joined_words([_words(row, what) for row in rows], sources, note)
        for what, rows in zip(("premise", "hypothesis"), sides, strict=True)
    )
    pairs = zip(premises, hypotheses, map(_relation, labels), sources, strict=True)
    return _with_gold([SentencePair(*pair) for pair in pairs], name, None, note)


def _words(row: Row, what: str) -> tuple[str, ...]:
    words = words_of(plain(row.given), row.source, raw=True)
    if not words:
        raise InputError(f"{row.source}: the {what} is empty; leave out this row")
    return words


def _as_row(item: Any, source: str) -> Any:
    item = plain(item)
    if isinstance(item, (tuple, list)):
        if len(item) == 2 and isinstance(item[0], (tuple, list)) and len(item[0]) == 2:
            item = (*item[0], item[1])
        if len(item) != 3:
            raise InputError(f"{source}: not a premise, a hypothesis and a label: {quoted(item)}")
        return dict(zip(USUAL, item, strict=True))
    return item


def _rows(path: Path, lines: Sequence[str], columns: Mapping[str, str]) -> Iterator[SentencePair]:
    kind = file_kind(path, lines)
    if kind in ("array", "json"):
        full = ((number, line) for number, line in enumerate(lines, 1) if line.strip())
        values = (
            json_array(lines, str(path), _EXPECTED)
            if kind == "array"
            else ((number, load_json(line, f"{path}:{number}", _EXPECTED)) for number, line in full)
        )
        for number, value in values:
            yield _json_row(value, f"{path}:{number}", columns)
        return
    for number, cells in read_cells(path, lines, columns, comma=kind == "csv", usual=USUAL):
        source = f"{path}:{number}"
        premise, hypothesis = (_sentence(cells[what], what, source, "") for what in ("premise", "hypothesis"))
        yield SentencePair(premise, hypothesis, _relation(cells["label"]), source)


def _json_row(row: Any, source: str, columns: Mapping[str, str]) -> SentencePair:
    if not isinstance(row, dict):
        raise InputError(f"{source}: {quoted(row)} is not an object; {_EXPECTED}")
    keys = usual_names([key for key in row if isinstance(key, str)], USUAL) | dict(columns)
    for what in USUAL:
        if keys.get(what, what) not in row:
            raise InputError(
                f"{source}: there is no key for the {what} among {quoted(list(row))}; pass --columns {what}=KEY"
            )
    label = row[keys["label"]]
    if isinstance(label, bool) or not isinstance(label, (str, int)) or label == "":
        raise InputError(f"{source}: the label must be text or an integer, not {quoted(label)}; {_EXPECTED}")
    premise, hypothesis = (_sentence(row[keys[what]], what, source, _EXPECTED) for what in ("premise", "hypothesis"))
    return SentencePair(premise, hypothesis, _relation(as_label(label, source)), source)


def _sentence(given: Any, what: str, source: str, expected: str) -> tuple[str, ...]:
    """The tokens of a text or list of tokens. Raises InputError if it is neither, or empty."""
    hint = f"; {expected}" if expected else ""
    if isinstance(given, str):
        tokens = _tokens_of(given)
    elif isinstance(given, list) and all(isinstance(token, str) and token for token in given):
        check_tokens(given, source)
        tokens = tuple(given)
    else:
        raise InputError(f"{source}: the {what} must be a text or a list of words, not {quoted(given)}{hint}")
    if not tokens:
        raise InputError(f"{source}: the {what} is empty{hint}")
    return tokens


@lru_cache(maxsize=64)
def _tokens_of(text: str) -> tuple[str, ...]:
    """`raw_tokens`, each word once in memory: SNLI has 12 million. The pairs of a premise usually follow each other."""
    return tuple(map(sys.intern, raw_tokens(text)))


def _relation(label: str) -> str:
    return label.lower() if label.lower() in _RELATIONS else label


def _with_gold(pairs: Sequence[SentencePair], name: str, map_labels: LabelMap | None, note: Note) -> list[SentencePair]:
    """Leave out pairs without gold, and rename the labels of the others."""
    gold = [pair for pair in pairs if pair.label != NO_GOLD]
    if len(gold) < len(pairs):
        note(f"{name}: left out {len(pairs) - len(gold)} of {len(pairs)} pairs, which have no gold label")
    if not gold:
        raise InputError(f"{name}: none of the {len(pairs)} pairs has a gold label")
    if not map_labels:
        return gold
    renamed = [(pair, map_labels(pair.label)) for pair in gold]
    return [
        SentencePair(pair.premise, pair.hypothesis, label, pair.source) for pair, label in renamed if label is not None
    ]
