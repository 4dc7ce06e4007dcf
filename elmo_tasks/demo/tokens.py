"""Convert the typed text to tokenised sentences."""

from __future__ import annotations

from dataclasses import dataclass

from elmo_tasks.text.tokeniser import split_text
from elmo_tasks.text.tokens import split_tokens

CHARACTERS = 10_000
"""Maximum number of characters of a text that are read."""

LONGEST = 200
"""Maximum number of characters of a token that are read."""

LIMIT = 160
"""Maximum number of analysed tokens: the length of the longest sentence in PropBank on the English Web Treebank (124 in
CoNLL-2003, 52 in SST). The work grows with tokens times predicates."""


@dataclass(frozen=True)
class Typed:
    """sentences: the analysed sentences; cut: whether more was typed; shortened: whether a token was too long."""

    sentences: tuple[tuple[str, ...], ...]
    cut: bool
    shortened: bool


def read_typed(text: str, *, tokenised: bool, limit: int = LIMIT) -> Typed:
    """Read the first `limit` tokens of a text, of at most `CHARACTERS` characters, in bounded time.

    tokenised: whether the text is one sentence with tokens separated by spaces; otherwise it is split into sentences
    and tokens as in `predict --text`.
    """
    # A browser may send half of a surrogate pair, which no encoding can write.
    read = text[:CHARACTERS].encode("utf-8", "replace").decode("utf-8")
    if tokenised:
        found = [split_tokens(read)]
    else:
        found = [tuple(token.text for token in sentence.tokens) for sentence in split_text(read)]
    sentences: list[tuple[str, ...]] = []
    left = limit
    for tokens in found:
        if kept := tuple(token[:LONGEST] for token in tokens[:left]):
            sentences.append(kept)
            left -= len(kept)
    shortened = any(len(token) > LONGEST for tokens in found for token in tokens)
    cut = sum(map(len, found)) > limit or bool(text[CHARACTERS:].strip())
    return Typed(tuple(sentences), cut, shortened)
