"""How far long work is: deep code reports it, and whoever sits at the terminal chooses to see it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol


class Watch(Protocol):
    """Shows how far work is. Called often; `done == total` ends the stage."""

    def __call__(self, stage: str, done: int, total: int | None, unit: str = "tokens") -> None:
        """stage: what is being done, such as `computing`; done, total: units of it, None while the total is unknown."""


_WATCH: ContextVar[Watch | None] = ContextVar("watch", default=None)


@contextmanager
def watched(watch: Watch | None) -> Iterator[None]:
    """Let `watch` see what is reported within the block; None sees nothing."""
    before = _WATCH.set(watch)
    try:
        yield
    finally:
        _WATCH.reset(before)


def report_progress(stage: str, done: int, total: int | None, unit: str = "tokens") -> None:
    """Report to whoever watches. Nobody does unless `watched` says so, as in other people's programs."""
    watch = _WATCH.get()
    if watch is not None:
        watch(stage, done, total, unit)
