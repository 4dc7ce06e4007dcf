"""The one check of what people give as tokenised sentences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from elmo_tasks.core.errors import InputError


def checked_sentences(sentences: Iterable[Sequence[str]], name: str = "sentences") -> list[Sequence[str]]:
    """The sentences as a list; anything that can be iterated over is read once.

    A string has a length and items too, so without this check its letters would be taken for words.

    Args:
        sentences: lists, tuples or arrays of tokens; a sentence without tokens is fine.
        name: what the caller calls them, for messages.

    Raises:
        InputError: a string where a list belongs, or a token that is not a string; the message has the position.

    Examples:
        >>> checked_sentences([["Rain", "fell"], []])
        [['Rain', 'fell'], []]
    """
    if isinstance(sentences, (str, bytes)):
        raise InputError(f"{name}: got one string, {sentences!r:.60}; give a list of token lists: [text.split()]")
    found = list(sentences)
    given: list[Any] = [*found]
    for number, tokens in enumerate(given):
        if isinstance(tokens, (str, bytes)):
            raise InputError(
                f"{name}[{number}]: got a string, {tokens!r:.60}, instead of a list of tokens; split it: text.split()"
            )
        try:
            others = [token for token in tokens if not isinstance(token, str)]
        except TypeError:  # nothing that has items
            raise InputError(f"{name}[{number}]: got {tokens!r:.60} instead of a list of tokens") from None
        if others:
            raise InputError(f"{name}[{number}]: got the token {others[0]!r:.60}, which is not a string")
    return found


def checked_sentence(tokens: Sequence[str], name: str = "sentence") -> Sequence[str]:
    """One sentence, checked likewise.

    Raises:
        InputError: a string instead of a list, or a token that is not a string.
    """
    if isinstance(tokens, (str, bytes)):
        raise InputError(f"{name}: got a string, {tokens!r:.60}, instead of a list of tokens; split it: text.split()")
    return checked_sentences([tokens], name)[0]
