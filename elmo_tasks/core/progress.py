"""Progress of long work: reported by low-level code, and shown only if a caller watches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol


class Watch(Protocol):
    """Shows progress. Called often; `done == total` ends the stage."""

    def __call__(self, stage: str, done: int, total: int | None, unit: str = "tokens") -> None:
        """stage: the current work, such as `computing`; done, total: in units, None while the total is unknown."""


_WATCH: ContextVar[Watch | None] = ContextVar("watch", default=None)


@contextmanager
def watched(watch: Watch | None) -> Iterator[None]:
    """Pass progress reported within the block to `watch`; None ignores it."""
    before = _WATCH.set(watch)
    try:
        yield
    finally:
        _WATCH.reset(before)


def report_progress(stage: str, done: int, total: int | None, unit: str = "tokens") -> None:
    """Report progress to the current watcher, if any. By default there is none, for use as a library."""
    watch = _WATCH.get()
    if watch is not None:
        watch(stage, done, total, unit)
