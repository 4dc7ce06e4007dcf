"""Standard output and standard error, which may be closed, or be closed while the program runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.terminal import say


class OutputClosed(Exception):
    """Nobody reads standard output any more, and the verb has nothing else to do than to write there."""


class _Stream:
    """A text stream whose reader may go away.

    note: what to do when that happens: None ends the verb with `OutputClosed`, a text is printed to standard error
    once, and what is written from then on is discarded.
    """

    def __init__(self, stream: TextIO, note: str | None) -> None:
        self._stream, self._note = stream, note

    def write(self, text: str) -> int:
        """As a file's."""
        try:
            return self._stream.write(text)
        except BrokenPipeError:
            self._closed()
            return len(text)

    def flush(self) -> None:
        """As a file's."""
        try:
            self._stream.flush()
        except BrokenPipeError:
            self._closed()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _closed(self) -> None:
        with suppress(OSError, ValueError):  # what the stream still holds must go somewhere when the program ends
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
        if self._note is None:
            raise OutputClosed from None
        if self._note:
            say(self._note, stream=sys.stderr)


@contextmanager
def guarded_streams(verb: str, *, keeps_on: bool) -> Iterator[None]:
    """Standard output and error for one verb.

    keeps_on: the verb's result is a file, so that it goes on when nobody reads its output any more.

    Raises:
        InputError: standard output is closed, and the verb's result would go there.
        OutputClosed: it is closed while the verb runs.
    """
    for number in range(3):  # a file that is opened later must not become one of the standard streams
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    before = sys.stdout, sys.stderr
    out = before[0] or open(os.devnull, "w")  # noqa: PTH123, SIM115 (for the rest of the program)
    err = before[1] or open(os.devnull, "w")  # noqa: PTH123, SIM115
    try:
        sys.stderr = cast(TextIO, _Stream(err, "" if keeps_on else None))
        if before[0] is None and not keeps_on:
            raise InputError("standard output is closed, so there is no place for the result; redirect it to a file")
        note = f"elmo-tasks {verb}: nobody reads standard output any more; the work continues without it"
        sys.stdout = cast(TextIO, _Stream(out, note if keeps_on else None))
        yield
        sys.stdout.flush()
    finally:
        sys.stdout, sys.stderr = before
