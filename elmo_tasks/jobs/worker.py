"""What runs in the processes of a pool."""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.paths import adopt_variables, let_waiting_threads_sleep

_LOOK = 0.1  # seconds between two looks at the parent process


@dataclass(frozen=True)
class Surroundings:
    """What a process on another machine takes over from the one that started the jobs.

    folder: the current folder, for relative paths; variables: the environment variables of this package.
    """

    folder: str
    variables: Mapping[str, str]


_made: tuple[bytes, Callable[[Any], Any]] | None = None  # the function of the last job, with all that it has loaded


def perform(made: bytes, job: Any, around: Surroundings | None = None) -> Any:
    """Run a job. made: the pickled `Make`, whose function is kept for further jobs.

    Raises:
        InputError: the job raised it, or this machine lacks the package or a module that the function needs.
    """
    global _made
    if _made is None or _made[0] != made:
        _made = None  # what it has loaded is not needed any more
        if around is not None:
            if Path(around.folder).is_dir():  # another machine may not have it
                os.chdir(around.folder)
            adopt_variables(around.variables)
        let_waiting_threads_sleep()  # before the function imports torch
        try:
            make = pickle.loads(made)
        except ImportError as error:
            raise InputError(
                f"a worker cannot import {error.name}; install the same packages on every machine"
            ) from None
        _made = made, make()
    return _made[1](job)


def end_with(parent: int) -> None:
    """Prepare a process of a pool on this machine: it ends together with the process `parent` that started it.

    Ctrl-C reaches all processes of a terminal; the parent decides what to do about it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK)
    os._exit(1)


@contextmanager
def output_into(log: Path) -> Iterator[None]:
    """Within the block, everything that this process and its libraries print is appended to a file."""
    with log.open("ab") as file:
        kept = [os.dup(number) for number in (1, 2)]
        try:
            for number in (1, 2):
                os.dup2(file.fileno(), number)
            yield
        finally:
            for number, copy in zip((1, 2), kept, strict=True):
                os.dup2(copy, number)
                os.close(copy)
