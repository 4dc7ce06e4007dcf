"""Signals that ask the program to end raise a KeyboardInterrupt that contains the signal."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_SOON = 0.01  # seconds
_USUAL = (signal.SIG_DFL, signal.default_int_handler)


class Interrupted(KeyboardInterrupt):
    """The program was asked to end. `number` is the number of the signal."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def signals_interrupt() -> Iterator[list[int]]:
    """While the block runs, SIGINT, SIGTERM and SIGHUP raise `Interrupted`.

    A signal that is ignored (`nohup`) or already has a handler is not changed. Yields the list of received signals,
    because some libraries catch KeyboardInterrupt. A signal that arrives while Python finalises an object, where the
    exception would only be printed, is raised again. Outside the main thread no handlers can be set.
    """
    came, again = list[int](), list[threading.Timer]()

    def interrupt(number: int, frame: FrameType | None) -> None:
        came.append(number)
        raise Interrupted(number)

    def unraisable(what: sys.UnraisableHookArgs) -> None:
        if isinstance(what.exc_value, Interrupted):
            again.append(threading.Timer(_SOON, signal.raise_signal, [what.exc_value.number]))
            with suppress(RuntimeError):  # the interpreter ends anyway
                again[-1].start()
        else:
            hook(what)

    before, hook = {}, sys.unraisablehook
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.getsignal(number) for number in _SIGNALS}
        before = {number: handler for number, handler in before.items() if handler in _USUAL}
    try:
        sys.unraisablehook = unraisable
        for number in before:
            signal.signal(number, interrupt)
        yield came
    finally:
        sys.unraisablehook = hook
        for timer in again:  # the caller knows what has come
            timer.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)
