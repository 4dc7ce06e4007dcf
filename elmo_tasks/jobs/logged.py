"""A training as a job: with a log of its own, and any failure as one line."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import disk_faults
from elmo_tasks.core.folders import kind_of
from elmo_tasks.core.terminal import say
from elmo_tasks.jobs.worker import output_into

T = TypeVar("T")


def train_logged(
    root: Path, kind: str, folder: Path, log: Path, command: str, work: Callable[[Callable[[str], None]], T]
) -> T:
    """Call `work` with a function that writes lines to the log, and return its result.

    root: the folder of all trainings, marked as `kind`; folder: of this one, whose parent is made; command: the first
    line of the log. All other output goes to the log, too.

    Raises:
        InputError: `work` failed, in which case the log has the message or the traceback; or this machine does not see
            the folder or cannot write to it.
    """
    if kind_of(root) != kind:
        raise InputError(
            f"{Path.cwd() / root}: a worker does not see this folder; put it on a disk that all machines share"
        )
    with disk_faults(root):
        for parent in (log.parent, folder.parent):
            parent.mkdir(parents=True, exist_ok=True)
    with output_into(log), log.open("a", encoding="utf-8") as file:
        say(f"$ {command}", stream=file)
        try:
            return work(lambda line: say(line, stream=file))
        except InputError as error:
            say(f"elmo-tasks: error: {error}", stream=file)
            raise
        except Exception as error:
            traceback.print_exc(file=file)
            raise InputError(f"{type(error).__name__}: {str(error)[:200]}; see {log}") from None
