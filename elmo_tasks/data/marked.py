"""Sentences to find propositions in: a tokenised line, or a JSON object that marks the predicates too."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from elmo_tasks.core.errors import InputError
from elmo_tasks.data.labelled import split_tokens

_EXPECTED = 'expected {"tokens": [words], "predicates": [positions from 0]} or a tokenised sentence'


class MarkedLine(NamedTuple):
    """A sentence; predicates: the positions of its predicates from 0, None if they are to be found."""

    tokens: tuple[str, ...]
    predicates: tuple[int, ...] | None = None


def read_marked(line: str, source: str = "") -> MarkedLine:
    """A line of input. One that begins with `{"` is JSON: `tokens`, and `predicates` if they are known (`[]`: none).

    Raises:
        InputError: such a line is not JSON, a key is of the wrong kind or unknown, a position is not in the sentence.
    """
    if not line.lstrip().startswith('{"'):
        return MarkedLine(split_tokens(line))
    try:
        value: Any = json.loads(line)
    except ValueError as error:
        raise InputError(f"{source}: {_EXPECTED}, got damaged JSON ({error})") from None
    unknown = sorted(value.keys() - {"tokens", "predicates"})
    if unknown:
        raise InputError(f"{source}: {_EXPECTED}, got the unknown key {unknown[0]!r}")
    tokens, places = value.get("tokens"), value.get("predicates")
    if not isinstance(tokens, list) or not all(isinstance(token, str) and token.strip() for token in tokens):
        raise InputError(f"{source}: {_EXPECTED}, got tokens {tokens!r}")
    if places is None:
        return MarkedLine(tuple(tokens))
    whole = isinstance(places, list) and all(isinstance(place, int) and place is not True for place in places)
    if not whole or not all(0 <= place < len(tokens) for place in places):
        raise InputError(f"{source}: {_EXPECTED}, got predicates {places!r} for {len(tokens)} tokens")
    return MarkedLine(tuple(tokens), tuple(places))
