"""Text for the terminal: on one line, harmless, and in whatever encoding the terminal has."""

from __future__ import annotations

import codecs
import io
import json
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, TextIO

_JOINERS = "\u200c\u200d"  # within words of Persian, and within emoji
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t", "\b": r"\b", "\f": r"\f"}
_HANDLER = "elmo-tasks.json-escapes"


def printable(text: object) -> str:
    r"""The text on one line, with nothing in it that a terminal would act on.

    Line breaks, control characters (ESC among them), lone surrogates and invisible format characters (marks that turn
    the direction of writing among them) are written as JSON writes them; all others stay.

    >>> print(printable("a\nb \x1b[31mred \u202eder"))
    a\nb \u001b[31mred \u202eder
    """
    string = str(text)
    if string.isascii() and string.isprintable():
        return string
    return "".join(_escaped(character) if _acts(character) else character for character in string)


def say(text: object, *, stream: TextIO | None = None) -> None:
    """Print a line, `printable`, on standard output or on `stream`; whoever reads a pipe gets it at once."""
    print(printable(text), file=stream or sys.stdout, flush=True)


_LOUDNESS: ContextVar[str] = ContextVar("loudness", default="")


@contextmanager
def loudness(level: str) -> Iterator[None]:
    """Within the block, `quiet` keeps back what `remark` says, and `verbose` shows what `detail` says."""
    before = _LOUDNESS.set(level)
    try:
        yield
    finally:
        _LOUDNESS.reset(before)


def is_quiet() -> bool:
    """Whether only results and errors are wanted (`--quiet`)."""
    return _LOUDNESS.get() == "quiet"


def is_verbose() -> bool:
    """Whether details are wanted (`--verbose`)."""
    return _LOUDNESS.get() == "verbose"


def remark(text: object, *, stream: TextIO | None = None) -> None:
    """`say` what is no result, such as how far a run is; `--quiet` keeps it back."""
    if not is_quiet():
        say(text, stream=stream)


def say_json(value: Any, *, indent: int | None = None) -> None:
    r"""Print a JSON value on standard output, on one line without `indent`. Whatever it has reads back as it was.

    >>> say_json({"word": "caf\u00e9 \x9b"})
    {"word": "café \u009b"}
    """
    for line in json.dumps(value, ensure_ascii=False, indent=indent).split("\n"):
        print(printable(line))


def json_line(value: Any) -> str:
    """A JSON value on one line, `printable`."""
    return printable(json.dumps(value, ensure_ascii=False))


def tabbed(cells: Iterable[str]) -> str:
    r"""Cells with tabs between them, on one line.

    >>> tabbed(["a\tb", "c"])
    'a\\tb\tc'
    """
    return "\t".join(map(printable, cells))


def write_lines(lines: Iterable[str], stream: TextIO, *, at_once: bool = False) -> None:
    """Write lines that are harmless already, such as those of `json_line`. at_once: flush each."""
    for line in lines:
        print(line, file=stream, flush=at_once)


def write_what_cannot_be_encoded() -> None:
    r"""Let standard output and error write characters that their encoding lacks as `\u00e9`, instead of failing.

    Such an escape is valid within JSON too, where characters beyond ASCII occur within strings alone.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            with suppress(OSError):  # a stream that has become a pipe has no position; the handler is set by then
                stream.reconfigure(errors=_HANDLER)


def encodable(text: str, encoding: str) -> str:
    """The text as a stream of that encoding will show it."""
    return text.encode(encoding, _HANDLER).decode(encoding)


def _acts(character: str) -> bool:
    kind = unicodedata.category(character)
    return kind in ("Cc", "Cs", "Zl", "Zp") or (kind == "Cf" and character not in _JOINERS)


def _escaped(character: str) -> str:
    """`\\u001b`; two of them for a character beyond 16 bits."""
    if character in _SHORT:
        return _SHORT[character]
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place : place + 2].hex()}" for place in range(0, len(units), 2))


def _escape_what_cannot_be_encoded(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_escaped, error.object[error.start : error.end])), error.end


codecs.register_error(_HANDLER, _escape_what_cannot_be_encoded)
