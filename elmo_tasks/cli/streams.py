"""Standard output and standard error, which may be closed before or while the program runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.terminal import say


class OutputClosed(Exception):
    """Standard output has been closed, and the verb has nothing to do but write there."""


class _Stream:
    """A text stream whose reader may go away.

    note: what to do then: None ends the verb with `OutputClosed`; a text is printed once to standard error, and
    everything written afterwards is discarded.
    """

    def __init__(self, stream: TextIO, note: str | None) -> None:
        self._stream, self._note = stream, note

    def write(self, text: str) -> int:
        """Like the method of a file."""
        try:
            return self._stream.write(text)
        except BrokenPipeError:
            self._closed()
            return len(text)

    def flush(self) -> None:
        """Like the method of a file."""
        try:
            self._stream.flush()
        except BrokenPipeError:
            self._closed()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _closed(self) -> None:
        with suppress(OSError, ValueError):  # the buffered text must go somewhere when the program ends
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
        if self._note is None:
            raise OutputClosed from None
        if self._note:
            say(self._note, stream=sys.stderr)


@contextmanager
def guarded_streams(verb: str, *, keeps_on: bool) -> Iterator[None]:
    """Guard standard output and error while a verb runs.

    keeps_on: whether the verb continues after standard output is closed, because its result is a file.

    Raises:
        InputError: standard output is closed, and the result of the verb would go there.
        OutputClosed: standard output is closed while the verb runs.
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
            raise InputError("standard output is closed, so the result cannot be written; redirect it to a file")
        note = f"elmo-tasks {verb}: standard output was closed; continuing without it"
        sys.stdout = cast(TextIO, _Stream(out, note if keeps_on else None))
        yield
        sys.stdout.flush()
    finally:
        sys.stdout, sys.stderr = before
