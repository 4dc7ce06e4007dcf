"""Run a function on independent jobs, a bounded number at a time. Pools differ only in where they run it."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, Protocol, TypeAlias, TypeVar

from elmo_tasks.core.errors import InputError

J = TypeVar("J")
R = TypeVar("R")
J_contra = TypeVar("J_contra", contravariant=True)
R_co = TypeVar("R_co", covariant=True)
S = TypeVar("S", bound="Closing")

Make: TypeAlias = Callable[[], Callable[[J], R]]
"""A picklable function that makes the function for the jobs: each process calls it once and keeps what it loads."""

_TICK = 0.2  # seconds between two calls of `tick`


class WorkerDied(InputError):
    """The process of a job ended before the job did: it was killed, or it crashed."""


class Pool(Protocol[J_contra, R_co]):
    """Where jobs run. `limit` is the number of jobs at a time."""

    limit: int

    def start(self, job: J_contra) -> Hashable:
        """Begin a job and return its handle."""

    def wait(self, seconds: float) -> list[Hashable]:
        """Wait until a job has ended, for at most so many seconds. Returns the handles of the jobs that have."""

    def result(self, handle: Hashable) -> R_co:
        """The result of a job that has ended, once.

        Raises:
            WorkerDied: its process died.
            Exception: whatever the function raised.
        """

    def close(self) -> None:
        """End all processes, also those with a job."""

    def __enter__(self) -> Pool[J_contra, R_co]: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...


class Closing:
    """Pools are context managers that close themselves."""

    def close(self) -> None:
        """End all processes."""

    def __enter__(self: S) -> S:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


@dataclass(frozen=True)
class Done(Generic[J, R]):
    """A job that has ended, and what it returned or raised: an InputError of the function, or WorkerDied."""

    job: J
    value: R | None
    error: InputError | None

    def result(self) -> R:
        """The result. Raises InputError if there is none."""
        if self.error is not None:
            raise self.error
        return self.value  # type: ignore[return-value]


def run_jobs(
    pool: Pool[J, R],
    jobs: Iterable[J],
    *,
    in_order: bool = False,
    ahead: int = 0,
    tick: Callable[[], None] = lambda: None,
) -> Iterator[Done[J, R]]:
    """Yield every job with its outcome; a job that fails does not stop the others.

    The next job is taken when there is room for it, so `jobs` may be endless, and may depend on what was yielded.

    Args:
        pool: where they run.
        jobs: the jobs.
        in_order: whether to yield them in the order of `jobs`; otherwise in the order in which they end.
        ahead: how many jobs may have ended and not been yielded, because an earlier one has not.
        tick: called several times per second while jobs run.

    Raises:
        Exception: any other error of the function.
    """
    waiting, ended = deque[tuple[Hashable, J]](), dict[Hashable, Done[J, R]]()
    source, more = iter(jobs), True
    while True:
        while more and len(waiting) - len(ended) < pool.limit and len(waiting) < pool.limit + ahead:
            try:
                job = next(source)
            except StopIteration:
                more = False
                break
            waiting.append((pool.start(job), job))
        if not waiting:
            return
        if len(ended) < len(waiting):
            at = dict(waiting)
            for handle in pool.wait(0 if _ready(waiting, ended, in_order) is not None else _TICK):
                ended[handle] = _outcome(pool, handle, at[handle])
        tick()
        ready = _ready(waiting, ended, in_order)
        if ready is not None:
            waiting.remove(ready)
            yield ended.pop(ready[0])


def _ready(
    waiting: deque[tuple[Hashable, J]], ended: Mapping[Hashable, object], in_order: bool
) -> tuple[Hashable, J] | None:
    """The next job to yield, or None if it has not ended."""
    candidates = itertools.islice(waiting, 1) if in_order else waiting
    return next((pair for pair in candidates if pair[0] in ended), None)


def _outcome(pool: Pool[J, R], handle: Hashable, job: J) -> Done[J, R]:
    try:
        return Done(job, pool.result(handle), None)
    except InputError as error:
        return Done(job, None, error)


class SerialPool(Closing, Generic[J, R]):
    """Runs the function in this process, one job at a time."""

    limit = 1

    def __init__(self, function: Callable[[J], R]) -> None:
        self._function = function
        self._job: J | None = None

    def start(self, job: J) -> Hashable:
        """Keep the job."""
        self._job = job
        return 0

    def wait(self, seconds: float) -> list[Hashable]:
        """There is nothing to wait for."""
        return [0]

    def result(self, handle: Hashable) -> R:
        """Run the job that was kept."""
        return self._function(self._job)  # type: ignore[arg-type]
