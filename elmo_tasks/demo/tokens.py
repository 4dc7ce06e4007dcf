"""What was typed, as the tokens of one sentence."""

from __future__ import annotations

import re
from dataclasses import dataclass

from elmo_tasks.text.tokens import split_tokens

CHARACTERS = 10_000
"""Most characters of a text that are read."""

LONGEST = 200
"""Most characters of a word (what blanks divide) that are read: splitting brackets off is work for each of them."""

LIMIT = 160
"""Most tokens that are answered: as long as the longest sentence of PropBank on the English Web Treebank (CoNLL-2003
has 124 at most, SST 52). What is longer is hardly one sentence, and the work grows with tokens times predicates."""

_OPENING = "([{\"'\u201c\u201e\u2018\u2019\u00ab\u2039\u00bf\u00a1$\u00a3\u20ac"
_CLOSING = ")]}\"'\u201d\u201c\u2019\u00bb\u203a,;:!?\u2026%"
_CLITICS = r"(?:n['\u2019]t|['\u2019](?:s|re|ve|ll|d|m))"  # as the treebanks split them
_WHOLE = re.compile(
    rf"(?i:{_CLITICS})|``|''|\.{{2,}}"
    r"|(?:[^\W\d_]\.){2,}"  # U.S.
    r"|[A-Z]\."  # initials
    r"|(?i:mr|mrs|ms|dr|prof|st|jr|sr|vs|inc|corp|co|ltd|etc)\."
)
_CLITIC = re.compile(rf"(.*[^\W_])({_CLITICS})", re.IGNORECASE | re.DOTALL)
_DOTS = re.compile(r"(.*[^.])(\.+)", re.DOTALL)


@dataclass(frozen=True)
class Sentence:
    """tokens: what is answered; cut: whether more was typed; shortened: whether a word was too long."""

    tokens: tuple[str, ...]
    cut: bool
    shortened: bool


def read_sentence(text: str, *, tokenised: bool, limit: int = LIMIT) -> Sentence:
    """The first `limit` tokens of a text, of at most `CHARACTERS` characters. The time is bounded, whatever is typed.

    tokenised: what blanks divide is a token; otherwise punctuation and clitics are split off as the treebanks do, which
    leaves text that is tokenised already as it is.
    """
    # A browser may send half of a surrogate pair, which no encoding can write.
    read = text[:CHARACTERS].encode("utf-8", "replace").decode("utf-8")
    tokens: list[str] = []
    shortened = False
    for piece in split_tokens(read) if tokenised else read.split():
        if len(tokens) >= limit:
            return Sentence(tuple(tokens[:limit]), True, shortened)
        shortened |= len(piece) > LONGEST
        tokens += [piece[:LONGEST]] if tokenised else split_word(piece[:LONGEST])
    return Sentence(tuple(tokens[:limit]), len(tokens) > limit or bool(text[CHARACTERS:].strip()), shortened)


def split_word(word: str) -> list[str]:
    """The tokens of a word without blanks.

    >>> [split_word(word) for word in ('("No,', "don't", "Mr.", "U.S.", "$3.50.", "end...", "Anna's", "dogs'")]
    [['(', '"', 'No', ','], ['do', "n't"], ['Mr.'], ['U.S.'], ['$', '3.50', '.'], ['end', '...'], ['Anna', "'s"], \
['dogs', "'"]]
    """
    before: list[str] = []
    after: list[str] = []
    while len(word) > 1 and not _WHOLE.fullmatch(word):
        if word[0] in _OPENING or word[:2] == "``":
            size = 2 if word[:2] in ("``", "''") else 1
            before.append(word[:size])
            word = word[size:]
        elif word[-1] in _CLOSING and not _CLITIC.fullmatch(word):
            size = 2 if word[-2:] == "''" else 1
            after.append(word[-size:])
            word = word[:-size]
        elif divided := _CLITIC.fullmatch(word) or _DOTS.fullmatch(word):
            word, last = divided.groups()
            after.append(last)
        else:
            break
    return [*before, *([word] if word else []), *reversed(after)]
