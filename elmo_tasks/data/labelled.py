"""Labelled texts: files with one label and one text per line, tables, JSON Lines, trees, or folders of texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

from elmo_tasks.core.errors import InputError, quoted
from elmo_tasks.data.json_lines import json_array, load_json
from elmo_tasks.data.label_map import LabelMap
from elmo_tasks.data.lines import COMPRESSED, read_lines
from elmo_tasks.data.reading import check_columns
from elmo_tasks.data.tables import header_of, read_table, usual_names
from elmo_tasks.data.trees import is_tree, read_tree
from elmo_tasks.text.examples import LabelledSentence
from elmo_tasks.text.tokens import split_tokens

_JSON_LINES = (".jsonl", ".ndjson", ".json")
_NO_LABELS = ("unsup",)  # texts of aclImdb without a label

_Rows: TypeAlias = Iterable[tuple[int, str, tuple[str, ...]]]  # line, label, tokens


def read_labelled(
    path: Path,
    *,
    columns: Mapping[str, str] | None = None,
    encoding: str = "utf-8",
    map_labels: LabelMap | None = None,
    phrases: bool = False,
) -> list[LabelledSentence]:
    """Read a file of labelled texts, or a folder with one folder per label and one text per file.

    A file is, in this order: JSON Lines `{"label", "text" or "tokens"}` (or other usual keys), or an array of such
    objects, judged by its extension or first character; a table if it has the extension .csv or a header line
    `label<TAB>text` (in any order); trees of the Stanford Sentiment Treebank if it begins with `(`, a number and a
    space; otherwise lines of a label, a tab or space, and a tokenised text. If all lines have a tab, the label ends
    there; otherwise it is the first word. Empty lines are skipped.

    columns: where `label` and `text` are: JSON keys, names in the header of a table, or numbers from 1; map_labels:
    new names for labels; texts with a dropped label are left out; phrases: read every node of a tree as an example (the
    same phrase as often as it occurs), not only the root.

    Raises:
        InputError: the file does not exist, has no examples or is not text in `encoding`, or a row has no label or text
            or is not a valid JSON object or tree; always with `file:line`; or phrases are wanted, but there are no
            trees.
    """
    columns = columns or {}
    check_columns(columns, ("label", "text"))
    if phrases and (path.is_dir() or file_kind(path, read_lines(path, encoding)) != "trees"):
        raise InputError(f"{path}: reading.phrases needs trees such as (3 (2 It) (4 works)); leave it out")
    if path.is_dir():
        examples = list(_read_folders(path, encoding))
    else:
        lines = read_lines(path, encoding)
        examples = [
            LabelledSentence(tokens, label, f"{path}:{number}")
            for number, label, tokens in _rows(path, lines, file_kind(path, lines), columns, phrases)
        ]
    if not examples:
        raise InputError(f"{path}: the file is empty; expected lines with a label and a text")
    if not map_labels:
        return examples
    renamed = [(example, map_labels(example.label)) for example in examples]
    return [replace(example, label=label) for example, label in renamed if label is not None]


def file_kind(path: Path, lines: Sequence[str]) -> str:
    """The kind of a file of labelled texts: `array`, `json`, `trees`, `csv`, `tsv` or `text`, see `read_labelled`."""
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix not in COMPRESSED]
    suffix = suffixes[-1] if suffixes else ""
    first = next((line for line in lines if line.strip()), "")
    second = next((line for line in lines[lines.index(first) + 1 :] if line.strip()), "") if first else ""
    if first.lstrip().startswith(("[{", "[ {")) or (first.strip() == "[" and second.lstrip().startswith("{")):
        return "array"
    if suffix in _JSON_LINES or first.lstrip().startswith("{"):
        return "json"
    if is_tree(first):
        return "trees"
    return "csv" if suffix == ".csv" else "tsv" if "\t" in first else "text"


def _rows(path: Path, lines: Sequence[str], kind: str, columns: Mapping[str, str], phrases: bool) -> _Rows:
    full = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if kind == "array":
        values = json_array(lines, str(path), _EXPECTED)
        return ((number, *_json_row(value, f"{path}:{number}", columns)) for number, value in values)
    if kind == "json":
        loaded = ((number, load_json(line, f"{path}:{number}", _EXPECTED)) for number, line in full)
        return ((number, *_json_row(value, f"{path}:{number}", columns)) for number, value in loaded)
    if kind == "trees":
        nodes = ((number, read_tree(line, f"{path}:{number}")) for number, line in full)
        return ((number, *node) for number, found in nodes for node in islice(found, None if phrases else 1))
    if kind == "csv" or columns or (kind == "tsv" and header_of(full[0][1].split("\t"))):
        return read_table(path, lines, columns, comma=kind == "csv")
    return _text_rows(path, full)


def _text_rows(path: Path, full: Sequence[tuple[int, str]]) -> _Rows:
    """Lines of a label and a text, without a header."""
    tabs = bool(full) and all("\t" in line for _, line in full)
    if tabs:
        _check_order(path, full)
    first_words = {line.split(" ", 1)[0] for _, line in full if "\t" not in line}
    for number, line in full:
        label, _, text = line.partition("\t") if "\t" in line else line.lstrip(" ").partition(" ")
        label = label.strip(" ")
        if " " in label and not tabs:  # other lines show that a space ends the label
            if label.split(" ", 1)[0] not in first_words:
                raise InputError(
                    f"{path}:{number}: the label {quoted(label)} ends at a tab, but other lines have no tab; separate "
                    "label and text in the same way on all lines"
                )
            label, _, text = line.partition(" ")
        tokens = split_tokens(text)
        if not label or not tokens:
            raise InputError(f"{path}:{number}: not a label, a space or tab, and a text: {quoted(line)}")
        yield number, label, tokens


def _check_order(path: Path, full: Sequence[tuple[int, str]]) -> None:
    """Raises InputError if texts seem to precede labels: many different first cells of several words, few last ones of
    one word."""
    firsts, lasts = zip(*((line.split("\t")[0], line.split("\t")[-1]) for _, line in full), strict=True)
    several = sum(" " in first.strip(" ") for first in firsts)
    if (
        2 * several > len(full) >= 4
        and 2 * len(set(lasts)) <= len(set(firsts))
        and not any(" " in last for last in lasts)
    ):
        count = full[0][1].count("\t") + 1
        raise InputError(
            f"{path}:{full[0][0]}: the text {quoted(firsts[0])} comes before the label; pass "
            f"--columns text=1,label={count}"
        )


_EXPECTED = 'expected a JSON object such as {"label": "1", "text": "a fine film"}'


def _json_row(row: Any, source: str, columns: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    if not isinstance(row, dict):
        raise InputError(f"{source}: {quoted(row)} is not an object; {_EXPECTED}")
    usual = usual_names([key for key in row if isinstance(key, str)])
    label_key = columns.get("label", usual.get("label", "label"))
    text_key = columns.get("text", "tokens" if "tokens" in row else usual.get("text", "text"))
    for key in (label_key, text_key):
        if key not in row:
            keys = sorted(map(str, row), key=lambda name: len(str(row[name])))
            guess = f"label={keys[0][:40]},text={keys[-1][:40]}" if len(keys) > 1 else "label=KEY,text=KEY"
            raise InputError(
                f"{source}: there is no key {quoted(key)} among {quoted(list(row))}; pass --columns {guess}"
            )
    label, text = row[label_key], row[text_key]
    if isinstance(label, float) and label.is_integer():  # pandas may write integers as floats
        label = int(label)
    if isinstance(label, bool) or not isinstance(label, (str, int)) or label == "":
        raise InputError(f"{source}: the label must be text or an integer, not {quoted(label)}; {_EXPECTED}")
    tokens = split_tokens(text) if isinstance(text, str) else text
    if not isinstance(tokens, (list, tuple)) or not all(isinstance(token, str) and token for token in tokens):
        raise InputError(f'{source}: neither a text nor a list of words: {quoted(text)}; {_EXPECTED}, or "tokens"')
    check_tokens(tokens, source)
    if not tokens:
        raise InputError(f"{source}: the row has no text; {_EXPECTED}")
    return as_label(label, source), tuple(tokens)


def check_tokens(tokens: Sequence[str], source: str) -> None:
    """Raises InputError for a token that contains a space, a tab or a line break."""
    for token in tokens:
        if split_tokens(token) != (token,):
            raise InputError(f"{source}: a token must not contain spaces or line breaks: {quoted(token)}")


def as_label(label: str | int, source: str) -> str:
    """Return a label as one line of text, as our tables and files need it."""
    try:
        text = " ".join(split_tokens(str(label)))
    except ValueError:  # an integer with thousands of digits
        text = ""
    if not text:
        raise InputError(f"{source}: the label must be text or an integer, not {quoted(label)}")
    return text


def _read_folders(path: Path, encoding: str) -> Iterator[LabelledSentence]:
    """Read folders `pos/`, `neg/`, ... with one text per file, as in aclImdb."""
    folders = sorted(folder for folder in path.iterdir() if folder.is_dir() and folder.name not in _NO_LABELS)
    files = [(folder.name, file) for folder in folders for file in sorted(folder.glob("*.txt*"))]
    if not files:
        raise InputError(
            f"{path}: no texts found; expected a file of labelled texts, or one folder per label with .txt files"
        )
    for label, file in files:
        tokens = split_tokens(" ".join(read_lines(file, encoding)))
        if not tokens:
            raise InputError(f"{file}:1: the file is empty; expected a text")
        yield LabelledSentence(tokens, as_label(label, str(path)), f"{file}:1")
