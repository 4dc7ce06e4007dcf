"""Check what a run is applied to: texts, lists of tokens, or pairs of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from elmo_tasks.core.errors import InputError, quoted
from elmo_tasks.text.pairs import PAIR_FORM, Pair, checked_pair, rows_of_table

Given: TypeAlias = "str | Sequence[str]"
"""A raw text, or the tokens of one sentence."""


def kind_of(item: object) -> type:
    """`str` for a text, `list` for anything else."""
    return str if isinstance(item, str) else list


def checked_list(given: Any) -> list[Given]:
    """The items of a list of texts or of token lists. Raises InputError if there are none, or their kinds differ."""
    if isinstance(given, bytes) or not isinstance(given, Iterable):
        raise InputError(
            f"the input must be a text, a list of texts or a list of token lists, not {quoted(given)} of type "
            f"{type(given).__name__}"
        )
    items = list(given)
    if not items:
        raise InputError("the list is empty; give at least one text or one list of tokens")
    kind = kind_of(items[0])
    return [checked(item, f"item {number}", kind, empty=False) for number, item in enumerate(items)]


def checked(item: Any, name: str, kind: type, *, empty: bool) -> Given:
    """Check a text or the tokens of a sentence. empty: whether it may have no tokens."""
    if kind is str:
        if not isinstance(item, str):
            raise InputError(
                f"{name}: {quoted(item)} is not a text like the others; give only texts, or only token lists"
            )
        if not empty and not item.strip():
            raise InputError(f"{name}: the text {quoted(item)} has no words; leave it out")
        return item
    if isinstance(item, str):
        raise InputError(f"{name}: the text {quoted(item)} is among token lists; give only texts, or only token lists")
    if isinstance(item, bytes) or not isinstance(item, Iterable):
        raise InputError(f"{name}: must be a text or a token list, not {quoted(item)} of type {type(item).__name__}")
    tokens = tuple(item)
    wrong = [token for token in tokens if not isinstance(token, str) or not token]
    if wrong:
        raise InputError(f"{name}: tokens must be words, not {quoted(wrong[0])}")
    if not empty and not tokens:
        raise InputError(f"{name}: the list has no tokens; leave it out")
    return tokens


def is_one_pair(given: object) -> bool:
    """Whether the argument of a run is one pair: a tuple of two things, unless both are tuples, which are two pairs."""
    return isinstance(given, tuple) and len(given) == 2 and not all(isinstance(part, tuple) for part in given)


def checked_pairs(given: Any) -> list[Pair]:
    """The pairs of an iterable or of a table with two columns, with their tokens.

    Raises:
        InputError: there are none, or an item is not a pair.
    """
    items = items_of(rows_of_table(given), "pair", PAIR_FORM)
    return [checked_pair(item, f"item {number}") for number, item in enumerate(items)]


def items_of(given: Any, what: str, expected: str) -> list[Any]:
    """The items of an iterable of pairs or documents. Raises InputError, which ends with `expected`, if it has none."""
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise InputError(f"the input must be a {what} or a list of {what}s, not {quoted(given)}; {expected}")
    items = list(given)
    if not items:
        raise InputError(f"the list is empty; give at least one {what}; {expected}")
    return items
