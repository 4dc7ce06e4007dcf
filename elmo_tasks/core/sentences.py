"""Check tokenised sentences given by users."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from elmo_tasks.core.errors import InputError


def checked_sentences(sentences: Iterable[Sequence[str]], name: str = "sentences") -> list[Sequence[str]]:
    """Return the sentences as a list; iterables are consumed once.

    A string is also a sequence, so without this check its letters would be treated as words.

    Args:
        sentences: lists, tuples or arrays of tokens; sentences without tokens are allowed.
        name: their name in messages.

    Raises:
        InputError: a string is given instead of a list, or a token is not a string; the message has the position.

    Examples:
        >>> checked_sentences([["Rain", "fell"], []])
        [['Rain', 'fell'], []]
    """
    if isinstance(sentences, (str, bytes)):
        raise InputError(
            f"{name} must be a list of token lists, such as [text.split()], not a string: {sentences!r:.60}"
        )
    found = list(sentences)
    given: list[Any] = [*found]
    for number, tokens in enumerate(given):
        if isinstance(tokens, (str, bytes)):
            raise InputError(
                f"{name}[{number}]: must be a list of tokens, such as text.split(), not a string: {tokens!r:.60}"
            )
        try:
            others = [token for token in tokens if not isinstance(token, str)]
        except TypeError:  # not iterable
            raise InputError(f"{name}[{number}]: must be a list of tokens, not {tokens!r:.60}") from None
        if others:
            raise InputError(f"{name}[{number}]: the token {others[0]!r:.60} is not a string")
    return found


def checked_sentence(tokens: Sequence[str], name: str = "sentence") -> Sequence[str]:
    """Check a single sentence in the same way.

    Raises:
        InputError: a string is given instead of a list, or a token is not a string.
    """
    if isinstance(tokens, (str, bytes)):
        raise InputError(f"{name} must be a list of tokens, such as text.split(), not a string: {tokens!r:.60}")
    return checked_sentences([tokens], name)[0]
