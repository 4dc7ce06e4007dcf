"""Check what a run is applied to: texts, lists of tokens, or pairs of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from elmo_tasks.core.errors import InputError, quoted
from elmo_tasks.text.results import sentence_of
from elmo_tasks.text.tokeniser import Sentence, split_text

Given: TypeAlias = "str | Sequence[str]"
"""A raw text, or the tokens of one sentence."""
Pair: TypeAlias = "tuple[Sentence, Sentence]"

_EXPECTED = "a pair is a tuple (premise, hypothesis) of two texts or two token lists"


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
    """Whether the argument of a run is one pair: a tuple of two texts, or of two lists of tokens.

    A tuple of two tuples is two pairs.
    """
    return isinstance(given, tuple) and len(given) == 2 and all(isinstance(part, (str, list)) for part in given)


def checked_pairs(given: Any) -> list[Pair]:
    """The pairs of an iterable, with their tokens. Raises InputError if it has none, or an item is not a pair."""
    return [checked_pair(item, f"item {number}") for number, item in enumerate(items_of(given, "pair", _EXPECTED))]


def items_of(given: Any, what: str, expected: str) -> list[Any]:
    """The items of an iterable of pairs or documents. Raises InputError, which ends with `expected`, if it has none."""
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise InputError(f"the input must be a {what} or a list of {what}s, not {quoted(given)}; {expected}")
    items = list(given)
    if not items:
        raise InputError(f"the list is empty; give at least one {what}; {expected}")
    return items


def checked_pair(item: Any, name: str) -> Pair:
    """A pair with its tokens. Raises InputError, which begins with `name`, if it is not a pair or a text is empty."""
    if not isinstance(item, (tuple, list)) or len(item) != 2:
        raise InputError(f"{name}: {quoted(item)} is not a pair; {_EXPECTED}")
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
        raise InputError(f"{name} must be a text or a list of tokens, not {quoted(given)}; {_EXPECTED}")
    if not found.tokens:
        raise InputError(f"{name} is empty")
    return found
