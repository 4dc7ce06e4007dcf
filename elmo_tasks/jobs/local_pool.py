"""Processes on this machine, by loky, which joblib brings."""

from __future__ import annotations

import os
import pickle
import re
from collections.abc import Hashable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any, Generic, cast

from joblib.externals.loky import BrokenProcessPool, ProcessPoolExecutor

from elmo_tasks.jobs.pool import Closing, J, Make, R, WorkerDied
from elmo_tasks.jobs.worker import end_with, perform


class LocalPool(Closing, Generic[J, R]):
    """Each process has an executor of its own, so that the death of one affects no other job, and is known to be its.

    The processes end with this one, whatever ends it.

    Args:
        make: makes the function for the jobs.
        workers: number of processes.
        fresh: whether every job has a new process, so that its peak memory is its own.
    """

    def __init__(self, make: Make[J, R], workers: int, *, fresh: bool = False) -> None:
        self.limit, self._fresh = workers, fresh
        self._made = pickle.dumps(make)
        self._idle = list[Any]()
        self._busy = dict[Future[R], Any]()

    def start(self, job: J) -> Hashable:
        """Give the job to an idle process, or to a new one."""
        executor = self._idle.pop() if self._idle else self._new()
        future = executor.submit(perform, self._made, job)
        self._busy[future] = executor
        return cast(Hashable, future)

    def wait(self, seconds: float) -> list[Hashable]:
        """The futures that are done."""
        return list(wait(self._busy, seconds, return_when=FIRST_COMPLETED).done)

    def result(self, handle: Hashable) -> R:
        """The result of a future. Raises WorkerDied if its process died."""
        future = cast("Future[R]", handle)
        executor = self._busy.pop(future)
        try:
            value = future.result()
        except BrokenProcessPool as error:
            executor.shutdown(wait=True, kill_workers=True)
            raise WorkerDied(_why(str(error))) from None
        except BaseException:
            self._release(executor)
            raise
        self._release(executor)
        return value

    def close(self) -> None:
        """End all processes at once."""
        for executor in (*self._busy.values(), *self._idle):
            executor.shutdown(wait=True, kill_workers=True)
        self._busy.clear()
        self._idle.clear()

    def _release(self, executor: Any) -> None:
        if self._fresh:
            executor.shutdown(wait=True, kill_workers=True)
        else:
            self._idle.append(executor)

    @staticmethod
    def _new() -> Any:
        return ProcessPoolExecutor(max_workers=1, initializer=end_with, initargs=(os.getpid(),))


def _why(message: str) -> str:
    """The reason of a death, from loky's message: `The exit codes of the workers are {SIGKILL(-9)}`."""
    code = re.search(r"\((-?\d+)\)\}", message)
    if code is None:
        return "the process ended before its job did; is there enough memory for this many jobs?"
    number = int(code[1])
    if number < 0:
        return f"the process was killed by signal {-number}; is there enough memory for this many jobs?"
    return f"the process ended with code {number} before its job did"
