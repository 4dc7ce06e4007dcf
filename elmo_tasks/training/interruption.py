"""Ctrl-C while Lightning trains."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import lightning


@contextmanager
def interruptible(trainer: lightning.Trainer) -> Iterator[None]:
    """Around `trainer.fit`: an interruption, or a request to end (SIGTERM), is a KeyboardInterrupt as anywhere else.

    Lightning (2.6) ends the process itself, with code 1 for Ctrl-C and 0 for SIGTERM, and Ctrl-C has no effect from
    then on.

    Raises:
        KeyboardInterrupt: interrupted.
    """
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit:
        if not trainer.interrupted:
            raise
        signal.signal(signal.SIGINT, handler)
        raise KeyboardInterrupt from None
