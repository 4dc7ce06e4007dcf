"""Jobs for the workers of a test's Ray cluster, which import this file but not the tests."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from elmo_tasks.core.errors import InputError
from elmo_tasks.runs.predicted_blocks import BlockPredictor, LineBlock


class Slow:
    """Its results are kept in the store of the node that computed them. The first process that has job 5 dies."""

    def __init__(self, killed: Path) -> None:
        self.killed = killed

    def __call__(self, job: int) -> bytes:
        if job == 7:
            raise InputError("seven is refused")
        if job == 5 and not self.killed.exists():
            self.killed.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.3)
        return str(job).encode() * 100_000


def deadly() -> Callable[[int], None]:
    """Make the function that kills its process."""
    return kill_this_process


def kill_this_process(job: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Stub(BlockPredictor):
    """Needs no model: what is measured is the memory of the process that reads lines and yields results."""

    def __call__(self) -> Any:
        return describe


def describe(block: LineBlock) -> list[dict[str, Any]]:
    """What `predict` yields for a model that finds nothing, with the numbers of the lines."""
    return [{"tokens": line.split(), "entities": [], "line": block.first + n} for n, line in enumerate(block.lines)]
