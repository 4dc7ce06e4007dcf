"""Files of one label and one text a line: `label text`, JSON Lines, or trees with a label at the root."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from elmo_tasks.core.errors import InputError
from elmo_tasks.data.conll import read_text
from elmo_tasks.data.trees import is_tree, read_tree
from elmo_tasks.text.examples import LabelledSentence

_TOKEN = re.compile(r"[^ \t]+")  # other blanks, such as U+00A0, belong to a token
_JSON_LINES = (".jsonl", ".ndjson", ".json")


def read_labelled(path: Path) -> list[LabelledSentence]:
    """Read a file of `label<TAB or blank>tokenised text` lines, of JSON Lines `{"label", "text" or "tokens"}`, or of
    trees of the Stanford Sentiment Treebank, one a line.

    A file is JSON Lines by its extension or if it begins with `{`, and trees if it begins with `(`, a number and a
    blank. In lines of text a label is what stands before the first tab, or, in a line without tabs, its first word; in
    JSON it is any text or integer. Empty lines are skipped.

    Raises:
        InputError: no such file, no example in it, not UTF-8, a row without label or text or that is no such JSON
            object or tree, always with `file:line`.
    """
    text = read_text(path)
    in_json = path.suffix.lower() in _JSON_LINES or text.lstrip().startswith("{")
    row = _json_row if in_json else read_tree if is_tree(text) else _text_row
    examples = [
        LabelledSentence(tokens, label, source)
        for source, line in _lines(path, text)
        for label, tokens in [row(line, source)]
    ]
    if not examples:
        raise InputError(f"{path}: expected lines of a label and a text, got an empty file")
    return examples


def split_tokens(text: str) -> tuple[str, ...]:
    """The tokens of a tokenised text: what blanks and tabs divide."""
    return tuple(_TOKEN.findall(text))


def _lines(path: Path, text: str) -> Iterator[tuple[str, str]]:
    """(`file:line`, line) of the lines that are not empty."""
    return ((f"{path}:{number}", line) for number, line in enumerate(text.split("\n"), 1) if line.strip())


def _text_row(line: str, source: str) -> tuple[str, tuple[str, ...]]:
    label, _, text = line.partition("\t") if "\t" in line else line.lstrip(" ").partition(" ")
    label, tokens = label.strip(" "), split_tokens(text)
    if not label or not tokens:
        raise InputError(f"{source}: expected a label, a blank or tab and a text, got {line!r}")
    return label, tokens


def _json_row(line: str, source: str) -> tuple[str, tuple[str, ...]]:
    expected = f'{source}: expected a JSON object such as {{"label": "1", "text": "a fine film"}}'
    try:
        row: Any = json.loads(line)
    except json.JSONDecodeError as error:
        raise InputError(f"{expected}, got no JSON ({error.msg} at column {error.colno})") from None
    if not isinstance(row, dict):
        raise InputError(f"{expected}, got {_short(line)}")
    label, text = row.get("label"), row.get("tokens", row.get("text"))
    if isinstance(label, bool) or not isinstance(label, (str, int)) or label == "":
        raise InputError(f"{expected}: a label of text or an integer, got {_short(label)}")
    tokens = split_tokens(text) if isinstance(text, str) else text
    if not isinstance(tokens, (list, tuple)) or not all(isinstance(token, str) and token for token in tokens):
        raise InputError(f'{expected}, or "tokens" with a list of words, got {_short(text)}')
    if not tokens:
        raise InputError(f"{expected}, got a row without text")
    return str(label), tuple(tokens)


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."
