"""One line of input for `predict`: a tokenised sentence, or a JSON object that may also mark predicates."""

from __future__ import annotations

from typing import Any, NamedTuple

from elmo_tasks.core.errors import InputError, quoted
from elmo_tasks.data.json_lines import load_json
from elmo_tasks.data.labelled import check_tokens
from elmo_tasks.text.tokens import split_tokens

_EXPECTED = 'expected {"tokens": [words], "predicates": [positions from 0]} or a tokenised sentence'
_EXPECTED_TEXT = 'expected {"tokens": [words]}, {"text": "tokenised text"} or a tokenised sentence'


class MarkedLine(NamedTuple):
    """A sentence; predicates: the positions of its predicates from 0, or None if they are to be predicted."""

    tokens: tuple[str, ...]
    predicates: tuple[int, ...] | None = None


def read_input(line: str, source: str = "") -> tuple[str, ...]:
    """Read the tokens of a line. If it begins with `{"`, it is JSON with `tokens` or `text`; other keys are ignored.

    Raises:
        InputError: such a line is not JSON, has neither key, or has tokens that are not words.
    """
    if not _is_json(line):
        return split_tokens(line)
    return _tokens(load_json(line, source, _EXPECTED_TEXT), source, _EXPECTED_TEXT)


def read_marked(line: str, source: str = "") -> MarkedLine:
    """Read a sentence with predicates: `tokens` or `text`, and `predicates` if they are known (`[]`: none).

    Raises:
        InputError: such a line is not JSON, a key is unknown or of the wrong kind, or a position is not in the
            sentence.
    """
    if not _is_json(line):
        return MarkedLine(split_tokens(line))
    value: Any = load_json(line, source, _EXPECTED)
    unknown = sorted(value.keys() - {"tokens", "text", "predicates"})
    if unknown:
        raise InputError(f"{source}: unknown key {quoted(unknown[0])}; {_EXPECTED}")
    tokens, places = _tokens(value, source, _EXPECTED), value.get("predicates")
    if places is None:
        return MarkedLine(tokens)
    whole = isinstance(places, list) and all(isinstance(place, int) and place is not True for place in places)
    if not whole or not all(0 <= place < len(tokens) for place in places):
        raise InputError(
            f"{source}: {quoted(places)} are not positions of predicates in {len(tokens)} tokens; {_EXPECTED}"
        )
    return MarkedLine(tokens, tuple(places))


def _is_json(line: str) -> bool:
    return line.lstrip().startswith('{"')


def _tokens(value: Any, source: str, expected: str) -> tuple[str, ...]:
    tokens = value.get("tokens")
    if tokens is None and isinstance(text := value.get("text"), str):
        tokens = list(split_tokens(text))
    if not isinstance(tokens, list) or not all(isinstance(token, str) and token for token in tokens):
        raise InputError(f"{source}: {quoted(tokens)} is not a list of words; {expected}")
    check_tokens(tokens, source)
    return tuple(tokens)
