"""Signals that ask the program to end: all of them are a KeyboardInterrupt that knows its signal."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_USUAL = (signal.SIG_DFL, signal.default_int_handler)


class Interrupted(KeyboardInterrupt):
    """The program was asked to end. `number` is the signal's."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def signals_interrupt() -> Iterator[list[int]]:
    """While the block runs, SIGINT, SIGTERM and SIGHUP raise `Interrupted`.

    A signal that is ignored (`nohup`) or has a handler already is left as it is. Yields the signals that have come,
    since some libraries catch a KeyboardInterrupt. Outside the main thread no handler can be set, and none is.
    """
    came: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        came.append(number)
        raise Interrupted(number)

    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.getsignal(number) for number in _SIGNALS}
        before = {number: handler for number, handler in before.items() if handler in _USUAL}
    try:
        for number in before:
            signal.signal(number, interrupt)
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
