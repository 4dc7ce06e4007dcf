"""Convert `X`, any iterable of texts or lists of tokens, to lists of tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from elmo_tasks.core.errors import InputError, quoted
from elmo_tasks.data.objects import check_token, raw_tokens
from elmo_tasks.text.tokens import split_tokens

TOKENIZERS: dict[str, Callable[[str], tuple[str, ...]]] = {"whitespace": split_tokens, "raw": raw_tokens}
"""How texts are split: at spaces, tabs and line breaks, or by the package's tokeniser for raw text."""


def token_lists(documents: Iterable[Any], name: str = "X", tokenizer: str = "whitespace") -> list[tuple[str, ...]]:
    """Convert each document to a tuple of tokens; texts are split by `tokenizer`, one of `TOKENIZERS`.

    A generator or an open file (one document per line) is read once.

    Examples:
        >>> token_lists(["Rain at noon", ["Rain", "at", "noon"]])
        [('Rain', 'at', 'noon'), ('Rain', 'at', 'noon')]
        >>> token_lists(["It rained."], tokenizer="raw")
        [('It', 'rained', '.')]

    Raises:
        InputError: the tokenizer is unknown, `documents` is a single text, a table with several columns or an exhausted
            generator or file, or a document is neither a text nor a list of strings; the message has its number.
    """
    if tokenizer not in TOKENIZERS:
        raise InputError(f"tokenizer must be {' or '.join(TOKENIZERS)}, not {quoted(tokenizer)}")
    if isinstance(documents, (str, bytes)):
        raise InputError(f"{name} must be a list of texts or of token lists, not one {type(documents).__name__}")
    shape = getattr(documents, "shape", None)
    if shape is not None and len(shape) != 1:
        raise InputError(f"{name} must be one column of texts, not an array of shape {tuple(shape)}; pass the column")
    found = []
    for number, document in enumerate(documents):
        if isinstance(document, str):
            tokens: tuple[Any, ...] = TOKENIZERS[tokenizer](document)
        else:
            tokens = tuple(document) if isinstance(document, Iterable) and not isinstance(document, bytes) else (None,)
        if not all(isinstance(token, str) for token in tokens):
            raise InputError(f"{name}[{number}]: must be a text or a list of tokens, not {document!r:.60}")
        found.append(tokens)
    if not found and isinstance(documents, Iterator):
        raise InputError(
            f"{name}: the {type(documents).__name__} has no documents left, as it can be read only once; pass a list"
        )
    return found


def full_token_lists(documents: Iterable[Any], name: str, tokenizer: str = "whitespace") -> list[tuple[str, ...]]:
    """Like `token_lists`, if documents must have tokens. Raises InputError for one without."""
    found = token_lists(documents, name, tokenizer)
    for number, tokens in enumerate(found):
        if not tokens:
            raise InputError(f"{name}[{number}]: the document has no tokens; leave it out")
    return found


def check_writable(sentences: Sequence[tuple[str, ...]], name: str) -> None:
    """Raises InputError for a token that the files of a run (one word per line, UTF-8) cannot store."""
    for number, tokens in enumerate(sentences):
        for token in tokens:
            check_token(token, f"{name}[{number}]")
