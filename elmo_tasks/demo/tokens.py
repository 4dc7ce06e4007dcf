"""What was typed, as tokenised sentences."""

from __future__ import annotations

from dataclasses import dataclass

from elmo_tasks.text.tokeniser import split_text
from elmo_tasks.text.tokens import split_tokens

CHARACTERS = 10_000
"""Most characters of a text that are read."""

LONGEST = 200
"""Most characters of a token that are read."""

LIMIT = 160
"""Most tokens that are answered: as long as the longest sentence of PropBank on the English Web Treebank (CoNLL-2003
has 124 at most, SST 52). The work grows with tokens times predicates."""


@dataclass(frozen=True)
class Typed:
    """sentences: what is answered; cut: whether more was typed; shortened: whether a token was too long."""

    sentences: tuple[tuple[str, ...], ...]
    cut: bool
    shortened: bool


def read_typed(text: str, *, tokenised: bool, limit: int = LIMIT) -> Typed:
    """The first `limit` tokens of a text, of at most `CHARACTERS` characters. The time is bounded, whatever is typed.

    tokenised: the text is one sentence, and what blanks divide is a token; otherwise it is split into sentences and
    tokens as `predict --text` does.
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
