"""A lock for threads that also survives a fork."""

from __future__ import annotations

import os
from threading import Lock


class ForkSafeLock:
    """A lock that is never held at a fork, so that in the child it is free and what it guards is whole.

    A fork waits for it; hold it briefly. It is not re-entrant, and lives as long as the process: make one per module,
    not one per object.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        if hasattr(os, "register_at_fork"):  # not on Windows
            os.register_at_fork(
                before=self._lock.acquire, after_in_parent=self._lock.release, after_in_child=self._lock.release
            )

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *error: object) -> None:
        self._lock.release()
