"""Pairs of texts given by users, with their tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from elmo_tasks.core.errors import InputError, quoted
from elmo_tasks.text.results import sentence_of
from elmo_tasks.text.tokeniser import Sentence, split_text

Pair: TypeAlias = "tuple[Sentence, Sentence]"

PAIR_LINE = 'expected a premise, a tab and a hypothesis, or {"premise": ..., "hypothesis": ...}'
PAIR_FORM = "a pair is a tuple (premise, hypothesis) of two texts or two token lists"


def rows_of_table(given: Any) -> Any:
    """The rows of an array or frame with two columns, as lists; anything else as it is."""
    if len(getattr(given, "shape", ())) != 2 or given.shape[1] != 2:
        return given
    return (given.to_numpy() if hasattr(given, "to_numpy") else given).tolist()


def split_pair(line: str, source: str) -> list[str]:
    """The two texts of a line with a tab between them. Raises InputError, which begins with `source`."""
    halves = line.split("\t")
    if len(halves) != 2:
        raise InputError(f"{source}: the number of tabs is {len(halves) - 1}, not 1; {PAIR_LINE}")
    return halves


def checked_pair(item: Any, name: str) -> Pair:
    """A pair with its tokens. Raises InputError, which begins with `name`, if it is not a pair or a text is empty."""
    if not isinstance(item, (tuple, list)) or len(item) != 2:
        raise InputError(f"{name}: {quoted(item)} is not a pair; {PAIR_FORM}")
    return whole_text(item[0], f"{name}: the premise"), whole_text(item[1], f"{name}: the hypothesis")


def whole_of(text: str, sentences: Sequence[Sentence]) -> Sentence:
    """A text with the tokens of all its sentences."""
    return Sentence(text, 0, len(text), tuple(token for sentence in sentences for token in sentence.tokens))


def whole_text(given: Any, name: str) -> Sentence:
    """The tokens of a raw text with all its sentences, or of a token list.

    Raises:
        InputError: it is of another type, or has no tokens; the message begins with `name`.
    """
    if isinstance(given, str):
        found = whole_of(given, split_text(given))
    elif isinstance(given, Sequence) and all(isinstance(token, str) and token for token in given):
        found = sentence_of(given)
    else:
        raise InputError(f"{name} must be a text or a list of tokens, not {quoted(given)}; {PAIR_FORM}")
    if not found.tokens:
        raise InputError(f"{name} is empty")
    return found
