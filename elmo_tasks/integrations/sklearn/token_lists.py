"""Convert `X`, any iterable of texts or lists of tokens, or of pairs of them, to lists of tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from elmo_tasks.core.errors import InputError, quoted
from elmo_tasks.data.objects import check_token, raw_tokens
from elmo_tasks.text.pairs import rows_of_table
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
    split = _tokenizer(tokenizer)
    if isinstance(documents, (str, bytes)):
        raise InputError(f"{name} must be a list of texts or of token lists, not one {type(documents).__name__}")
    shape = getattr(documents, "shape", None)
    if shape is not None and len(shape) != 1:
        raise InputError(f"{name} must be one column of texts, not an array of shape {tuple(shape)}; pass the column")
    found = []
    for number, document in enumerate(documents):
        tokens = _tokens(document, split)
        if tokens is None:
            raise InputError(f"{name}[{number}]: must be a text or a list of tokens, not {document!r:.60}")
        found.append(tokens)
    _refuse_exhausted(documents, found, name)
    return found


def full_token_lists(documents: Iterable[Any], name: str, tokenizer: str = "whitespace") -> list[tuple[str, ...]]:
    """Like `token_lists`, if documents must have tokens. Raises InputError for one without."""
    found = token_lists(documents, name, tokenizer)
    for number, tokens in enumerate(found):
        if not tokens:
            raise InputError(f"{name}[{number}]: the document has no tokens; leave it out")
    return found


def pair_lists(
    pairs: Iterable[Any], name: str = "X", tokenizer: str = "raw"
) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Convert each pair of texts or token lists to two tuples of tokens.

    pairs: a list, array or generator of pairs, or an array or frame with two columns.

    Examples:
        >>> pair_lists([("It rained.", ["It", "was", "wet"])])
        [(('It', 'rained', '.'), ('It', 'was', 'wet'))]

    Raises:
        InputError: the tokenizer is unknown, `pairs` has not two columns, is a single text or is exhausted, an item is
            not a pair, or one of its halves is neither a text nor a list of strings, or is empty; the message has its
            number.
    """
    split = _tokenizer(tokenizer)
    shape = getattr(pairs, "shape", None)
    if isinstance(pairs, (str, bytes)) or (shape is not None and len(shape) != 1 and tuple(shape[1:]) != (2,)):
        given = f"one {type(pairs).__name__}" if shape is None else f"an array of shape {tuple(shape)}"
        raise InputError(f"{name} must be a list of pairs of texts, or have two columns of them, not {given}")
    found = []
    for number, pair in enumerate(rows_of_table(pairs)):
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise InputError(f"{name}[{number}]: must be a pair of texts or token lists, not {quoted(pair)}")
        halves = []
        for what, half in zip(("premise", "hypothesis"), pair, strict=True):
            tokens = _tokens(half, split)
            if tokens is None:
                raise InputError(f"{name}[{number}]: the {what} must be a text or a list of tokens, not {quoted(half)}")
            if not tokens:
                raise InputError(f"{name}[{number}]: the {what} has no tokens; leave the pair out")
            halves.append(tokens)
        found.append((halves[0], halves[1]))
    _refuse_exhausted(pairs, found, name)
    return found


def check_writable(sentences: Sequence[tuple[str, ...]], name: str) -> None:
    """Raises InputError for a token that the files of a run (one word per line, UTF-8) cannot store."""
    for number, tokens in enumerate(sentences):
        for token in tokens:
            check_token(token, f"{name}[{number}]")


def _tokenizer(name: str) -> Callable[[str], tuple[str, ...]]:
    if name not in TOKENIZERS:
        raise InputError(f"tokenizer must be {' or '.join(TOKENIZERS)}, not {quoted(name)}")
    return TOKENIZERS[name]


def _tokens(document: Any, split: Callable[[str], tuple[str, ...]]) -> tuple[str, ...] | None:
    """The tokens of a text or list of strings; None for anything else."""
    if isinstance(document, str):
        return split(document)
    if isinstance(document, bytes) or not isinstance(document, Iterable):
        return None
    tokens = tuple(document)
    return tokens if all(isinstance(token, str) for token in tokens) else None


def _refuse_exhausted(given: Iterable[Any], found: Sequence[Any], name: str) -> None:
    if not found and isinstance(given, Iterator):
        raise InputError(
            f"{name}: the {type(given).__name__} has no documents left, as it can be read only once; pass a list"
        )
