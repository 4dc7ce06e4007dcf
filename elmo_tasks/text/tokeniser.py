"""Split raw text into sentences and tokens with character offsets: the only tokeniser of the package.

Sentences are split by sentencex, the splitter of the Wikimedia foundation. Tokens follow the Penn Treebank, like the
corpora that the tasks are trained on: punctuation and clitics are separate tokens (`do n't`, `Anna 's`, `$ 3.50`);
hyphenated words and abbreviations are single tokens. No character is changed: a quotation mark stays `"`, a bracket
`(`. This module imports nothing slow, so that programs without torch can use it.

Examples:
    >>> for sentence in split_text("Dr. Haddad (Nadia) flew home.  She didn't stay."):
    ...     print(sentence.start, sentence.end, [token.text for token in sentence.tokens])
    0 29 ['Dr.', 'Haddad', '(', 'Nadia', ')', 'flew', 'home', '.']
    31 47 ['She', 'did', "n't", 'stay', '.']
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

VERSION = 1
"""The version of the rules in this module, increased whenever they split some text differently."""

WINDOW = 10_000
"""Number of characters passed to the sentence splitter at a time, because its time is not linear, and maximum length of
a sentence with several words."""


class Token(NamedTuple):
    """A token, which is `text[start:end]` in the raw text."""

    text: str
    start: int
    end: int


class Sentence(NamedTuple):
    """A sentence, which is `text[start:end]` in the raw text, without surrounding white space, and its tokens."""

    text: str
    start: int
    end: int
    tokens: tuple[Token, ...]


def tokeniser_name() -> str:
    """Name and version of the tokeniser, for records, such as `ptb-1 sentencex-1.0.32`."""
    from importlib.metadata import version

    return f"ptb-{VERSION} sentencex-{version('sentencex')}"


def split_text(text: str, *, offset: int = 0, one_sentence: bool = False) -> list[Sentence]:
    """Split a raw text into sentences, in order. Only white space is outside their tokens.

    A blank line ends a sentence. Any other line break is white space, as in text with a fixed line width. A sentence of
    more than `WINDOW` characters is split at white space. The time is linear in the length of the text.

    offset: added to all positions; one_sentence: treat the text as one sentence of any length, or none if it is only
    white space.
    """
    start, end = _trimmed(text, 0, len(text))
    spans = [(start, end)][: end - start] if one_sentence else _sentence_spans(text)
    return [
        Sentence(text[start:end], start + offset, end + offset, tuple(_tokens(text, start, end, offset)))
        for start, end in spans
    ]


_BLANK_LINE = re.compile(r"(?:\r\n|\n|\r(?!\n))\s*(?:\r\n|\n|\r(?!\n))")
_SPACE = re.compile(r"\s")
_SURROGATE = re.compile("[\ud800-\udfff]")

_EMOJI = "\u2190-\u21ff\u2300-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff"
_MODIFIER = "\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff"  # modifiers of an emoji: presentation, keycap, skin tone
_W = (  # a word character: not white space, punctuation or a symbol; combining marks are word characters
    r"[^\s!-/:-@\[-^`{-~\u00a1-\u00a9\u00ab\u00ac\u00ae-\u00b1\u00b4\u00b6-\u00b8\u00bb\u00bf\u00d7\u00f7\u060c\u061b"
    r"\u061f\u0964\u0965\u2010-\u205e\u20a0-\u20cf\u2200-\u22ff\u2500-\u25ff\u2e00-\u2e7f\u3001-\u3003\u3008-\u3011"
    rf"\uff01-\uff0f\uff1a-\uff20{_EMOJI}]"
)
_PIECE = re.compile(
    rf"""
      (?:https?://|ftp://|www\.)[^\s<>"\u201c\u201d]*[^\s<>"\u201c\u201d.,;:!?'\u2019)\]}}]
    | [\U0001f1e6-\U0001f1ff]{{2}}|[{_EMOJI}][{_MODIFIER}]*(?:\u200d[{_EMOJI}][{_MODIFIER}]*)*  # flags and emoji
    | (?<!{_W})[:;=]['^o-]?(?:[)(\]\[|/\\]+|[DPp](?!{_W}))|[:;]-?\)(?!\S)  # :-) and its kin
    | (?<!{_W})['\u2019](?i:s|m|d|re|ve|ll|em|til|cause|[0-9]0s|[0-9]{{2}})(?!{_W})  # 's on its own, '90s
    | (?<!{_W})['\u2019](?i:t)(?=(?i:is|was)(?!{_W}))
    | (?P<word>
        (?:(?<![^\s(\[{{])[-+@](?={_W})|(?<!{_W})\.(?=[0-9])|\#(?=[^\W\d]))?  # -5, @name, .25, #topic
        {_W}+(?:(?:\.?[-\u2010\u2011]|['\u2019&/@+=*.\\~|]|(?<=[0-9])[,:](?=[0-9])){_W}+)*
        (?:(?<=[A-Z])\$|-(?=\s))?  # US$, mid-
      )
    | (?P<mark>[-=*~\#+$<>])(?P=mark)+|[.!?]{{2,}}|``|''
    | \S
    """,
    re.VERBOSE,
)
_CLITIC = re.compile(
    r"(?i:(?<=.)(?:n['\u2019]t|['\u2019](?:m|d|re|ve|ll)|(?<![0-9])['\u2019]s))\Z",
    re.DOTALL,  # but the 70's
)
_TWO_WORDS = re.compile(r"(?i:(can)not|(gon|wan)na|(got)ta|(gim|lem)me|(d['\u2019])ye)")
_CLOSING = "\"'\u2019\u201d\u00bb)]}"
_INITIALS = re.compile(r"[^\W\d_](?:\.[^\W\d_])*")  # J. and U.S.
_WRITTEN_WITH_A_PERIOD = """
adm al apr approx asst aug ave ca calif capt cf ch cmdr co col colo conn corp cpl dec Del dept dist dr drs eng esq est
etc feb Fig fla Fri ft ga Gen gov Hon hwy inc jan jr kan lt ltd maj Mar Mass messrs mich minn Miss mo mon mr mrs ms mt
mts nev No Nos nov oct okla ont op ore pa penn ph pl pp pres prof pt pvt rd rep reps rev Sat sec Sen Sens sep sept sgt
sr st ste Sun tel tenn tex thu thur thurs tue tues univ va vol vols vs vt Wash Wed wis
"""  # abbreviations that are also words are listed only with a capital
_ABBREVIATIONS = frozenset(_WRITTEN_WITH_A_PERIOD.split())


def _sentence_spans(text: str) -> Iterator[tuple[int, int]]:
    begin = 0
    for blank in _BLANK_LINE.finditer(text):
        yield from _spans_of_paragraph(text, begin, blank.start())
        begin = blank.end()
    yield from _spans_of_paragraph(text, begin, len(text))


def _spans_of_paragraph(text: str, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the sentences of `text[begin:end]`, which has no blank line, reading `WINDOW` characters at a time.

    The last sentence of a window may continue after it, so the next window begins with it, unless it is the only one.
    """
    from sentencex import get_sentence_boundaries

    begin, end = _trimmed(text, begin, end)
    while begin < end:
        stop = end if end - begin <= WINDOW else _space_before(text, begin, begin + WINDOW, end)
        cuts = [begin, stop]
        if stop - begin <= WINDOW:  # otherwise it is one word
            window = _SURROGATE.sub("\ufffd", text[begin:stop])  # lone surrogates cannot be encoded in UTF-8
            found = get_sentence_boundaries("en", window)
            cuts = sorted({*cuts, *(begin + each["start_index"] for each in found)})
            if stop < end and len(cuts) > 2:
                cuts.pop()
        for here, there in pairwise(cuts):
            here, there = _trimmed(text, here, there)
            if here < there:
                yield here, there
        begin = _trimmed(text, cuts[-1], end)[0]


def _space_before(text: str, begin: int, wanted: int, end: int) -> int:
    """The last white space at or before `wanted`; if there is none, the first after it, or `end`."""
    for place in range(wanted, begin, -1):
        if text[place].isspace():
            return place
    following = _SPACE.search(text, wanted, end)
    return following.start() if following else end


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """The same range without leading and trailing white space."""
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end


def _tokens(text: str, start: int, end: int, offset: int) -> Iterator[Token]:
    """Yield the tokens of the sentence `text[start:end]`."""
    final = end - 1  # position of the period that ends the sentence, before closing quotes and brackets
    while final > start and text[final] in _CLOSING:
        final -= 1
    place = start
    while match := _PIECE.search(text, place, end):
        here, place = match.span()
        if match["word"]:
            if text.startswith(".", place, end) and _keeps_period(text, here, place, start, final):
                place += 1
            for cut in _cuts(text[here:place]):
                yield Token(text[here : here + cut], here + offset, here + cut + offset)
                here += cut
        yield Token(text[here:place], here + offset, place + offset)


def _keeps_period(text: str, here: int, place: int, start: int, final: int) -> bool:
    """Whether the word `text[here:place]` and the following period are one token.

    start, final: the start of its sentence, and the position of the period that may end it. `U.S.` always keeps its
    period.
    """
    word = text[here:place].rpartition("-")[2]
    if text.startswith("..", place) or (place == final and "." not in word):
        return False
    if word.isdigit():  # the number of a list item
        return here == start and len(word) < 4
    return bool(_INITIALS.fullmatch(word)) or word in _ABBREVIATIONS or word.lower() in _ABBREVIATIONS


def _cuts(word: str) -> list[int]:
    """The lengths of all tokens of a word except the last: of `do` in `don't`, of `can` in `cannot`."""
    if two := _TWO_WORDS.fullmatch(word):
        return [two.end(two.lastindex or 0)]
    if "'" not in word and "\u2019" not in word:
        return []
    ends = [len(word)]
    while clitic := _CLITIC.search(word, max(0, ends[-1] - 3), ends[-1]):
        ends.append(clitic.start())
    return [after - before for before, after in pairwise([0, *reversed(ends)])][:-1]
