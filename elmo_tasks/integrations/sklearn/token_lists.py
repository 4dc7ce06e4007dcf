"""What people give as `X`: texts or lists of tokens, in anything that can be gone through."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from elmo_tasks.core.errors import InputError, quoted
from elmo_tasks.data.objects import check_token, raw_tokens
from elmo_tasks.text.tokens import split_tokens

TOKENIZERS: dict[str, Callable[[str], tuple[str, ...]]] = {"whitespace": split_tokens, "raw": raw_tokens}
"""How a text is split: at blanks, tabs and line breaks, or by the package's tokeniser, as raw text."""


def token_lists(documents: Iterable[Any], name: str = "X", tokenizer: str = "whitespace") -> list[tuple[str, ...]]:
    """One tuple of tokens per document; `tokenizer`, one of `TOKENIZERS`, splits the texts.

    A generator or an open file (a document per line) is read once.

    Examples:
        >>> token_lists(["Rain at noon", ["Rain", "at", "noon"]])
        [('Rain', 'at', 'noon'), ('Rain', 'at', 'noon')]
        >>> token_lists(["It rained."], tokenizer="raw")
        [('It', 'rained', '.')]

    Raises:
        InputError: an unknown tokenizer, one text alone, a table of several columns, a generator or file without
            documents, or a document that is neither a text nor strings; the message has its number.
    """
    if tokenizer not in TOKENIZERS:
        raise InputError(f"tokenizer: expected {' or '.join(TOKENIZERS)}, got {quoted(tokenizer)}")
    if isinstance(documents, (str, bytes)):
        raise InputError(f"{name}: expected a list of texts or of token lists, got one {type(documents).__name__}")
    shape = getattr(documents, "shape", None)
    if shape is not None and len(shape) != 1:
        raise InputError(f"{name}: expected one column of texts, got an array of shape {tuple(shape)}; give the column")
    found = []
    for number, document in enumerate(documents):
        if isinstance(document, str):
            tokens: tuple[Any, ...] = TOKENIZERS[tokenizer](document)
        else:
            tokens = tuple(document) if isinstance(document, Iterable) and not isinstance(document, bytes) else (None,)
        if not all(isinstance(token, str) for token in tokens):
            raise InputError(f"{name}[{number}]: expected a text or a list of tokens, got {document!r:.60}")
        found.append(tokens)
    if not found and isinstance(documents, Iterator):
        raise InputError(
            f"{name}: the {type(documents).__name__} has no documents left; it can be read only once, give a list"
        )
    return found


def full_token_lists(documents: Iterable[Any], name: str, tokenizer: str = "whitespace") -> list[tuple[str, ...]]:
    """The same, for where a document must have tokens. Raises InputError for one without."""
    found = token_lists(documents, name, tokenizer)
    for number, tokens in enumerate(found):
        if not tokens:
            raise InputError(f"{name}[{number}]: expected a document with tokens, got an empty one; leave it out")
    return found


def check_writable(sentences: Sequence[tuple[str, ...]], name: str) -> None:
    """Raises InputError for a token that the files of a run cannot hold: one word per line, in UTF-8."""
    for number, tokens in enumerate(sentences):
        for token in tokens:
            check_token(token, f"{name}[{number}]")
