"""Text for the terminal: on one line, without control characters, in the encoding of the terminal."""

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

_JOINERS = "\u200c\u200d"  # occur inside Persian words and emoji
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t", "\b": r"\b", "\f": r"\f"}
_HANDLER = "elmo-tasks.json-escapes"


def printable(text: object) -> str:
    r"""The text on one line, with everything escaped that a terminal would interpret.

    Line breaks, control characters (including ESC), lone surrogates and invisible format characters (including marks of
    writing direction) are escaped as in JSON; all others are unchanged.

    >>> print(printable("a\nb \x1b[31mred \u202eder"))
    a\nb \u001b[31mred \u202eder
    """
    string = str(text)
    if string.isascii() and string.isprintable():
        return string
    return "".join(_escaped(character) if _acts(character) else character for character in string)


def say(text: object, *, stream: TextIO | None = None) -> None:
    """Print a `printable` line to standard output or to `stream`, and flush it."""
    print(printable(text), file=stream or sys.stdout, flush=True)


_LOUDNESS: ContextVar[str] = ContextVar("loudness", default="")


@contextmanager
def loudness(level: str) -> Iterator[None]:
    """Within the block, `quiet` suppresses the output of `remark`, and `verbose` shows that of `detail`."""
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
    """`say` something other than a result, such as progress; suppressed by `--quiet`."""
    if not is_quiet():
        say(text, stream=stream)


def say_json(value: Any, *, indent: int | None = None) -> None:
    r"""Print a JSON value to standard output, on one line without `indent`. It can be parsed back unchanged.

    >>> say_json({"word": "caf\u00e9 \x9b"})
    {"word": "café \u009b"}
    """
    for line in json.dumps(value, ensure_ascii=False, indent=indent).split("\n"):
        print(printable(line))


def json_line(value: Any) -> str:
    """A JSON value on one line, `printable`."""
    return printable(json.dumps(value, ensure_ascii=False))


def tabbed(cells: Iterable[str]) -> str:
    r"""Join cells with tabs, on one line.

    >>> tabbed(["a\tb", "c"])
    'a\\tb\tc'
    """
    return "\t".join(map(printable, cells))


def write_lines(lines: Iterable[str], stream: TextIO, *, at_once: bool = False) -> None:
    """Write lines that are already `printable`, such as those of `json_line`. at_once: flush each one."""
    for line in lines:
        print(line, file=stream, flush=at_once)


def write_what_cannot_be_encoded() -> None:
    r"""Let standard output and error escape characters missing in their encoding as `\u00e9`, instead of failing.

    Such escapes are also valid in JSON, where non-ASCII characters only occur inside strings.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            with suppress(OSError):  # a pipe has no position; the handler is already set by then
                stream.reconfigure(errors=_HANDLER)


def encodable(text: str, encoding: str) -> str:
    """The text as shown by a stream with that encoding."""
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
