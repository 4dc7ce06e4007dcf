"""A lock for threads that also survives a fork."""

from __future__ import annotations

import os
from threading import Lock


class ForkSafeLock:
    """A lock that is never held during a fork, so that it is free in the child and the guarded data is consistent.

    A fork waits for it, so hold it only briefly. It is not re-entrant and lives as long as the process: make one per
    module, not one per object.
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
