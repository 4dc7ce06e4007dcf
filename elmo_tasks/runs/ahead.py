"""Compute the next results in threads while the caller uses the current one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain, islice
from threading import Barrier
from typing import TypeVar

import torch

from elmo_tasks.elmo.engine.sides import begin_thread

GivenT = TypeVar("GivenT")
DoneT = TypeVar("DoneT")


def ahead(
    given: Iterable[GivenT], work: Callable[[GivenT], DoneT], *, workers: int = 1, waiting: int = 0, threads: int = 1
) -> Iterator[tuple[GivenT, DoneT]]:
    """Yield each item with `work(item)`, in order, while threads compute the next ones.

    Items are read in the caller's thread. If reading fails, the results of all items before are yielded first. A single
    item is computed in the caller's thread.

    Args:
        given: the items.
        work: computes the result of an item, in the thread of a worker, where gradients are disabled.
        workers: number of items that are computed at the same time.
        waiting: number of items that are read in addition, so that no worker waits for a caller that is busy.
        threads: number of PyTorch's threads that each worker has.

    Raises:
        Exception: what reading an item or `work` raised.
    """
    failures: list[Exception] = []
    items = _until_failure(given, failures)
    first = list(islice(items, 2))
    if len(first) < 2:
        yield from ((item, work(item)) for item in first)
    else:
        with _started(workers, threads) as pool:
            pending: deque[tuple[GivenT, Future[DoneT]]] = deque()
            try:
                for item in chain(first, items):
                    done = [_next(pending)] if len(pending) == workers + waiting else []
                    pending.append((item, pool.submit(work, item)))
                    yield from done
                while pending:
                    yield _next(pending)
            finally:
                for _, future in pending:
                    future.cancel()
    if failures:
        raise failures[0]


def _next(pending: deque[tuple[GivenT, Future[DoneT]]]) -> tuple[GivenT, DoneT]:
    item, future = pending.popleft()
    return item, future.result()


@contextmanager
def _started(workers: int, threads: int) -> Iterator[ThreadPoolExecutor]:
    """Workers with so many of PyTorch's threads each. Afterwards they have ended."""
    own, ready = torch.get_num_threads(), Barrier(workers + 1)

    def begin() -> None:
        begin_thread(threads)
        ready.wait()

    pool = ThreadPoolExecutor(workers, "ahead", initializer=begin)
    try:
        for _ in range(workers):
            pool.submit(int)
        ready.wait()
        torch.set_num_threads(own)  # for threads that start later, which `begin` has changed
        yield pool
    finally:
        pool.shutdown()  # its `cancel_futures` fails when an abandoned generator ends with the interpreter


def _until_failure(given: Iterable[GivenT], failures: list[Exception]) -> Iterator[GivenT]:
    """Yield the items until reading one raises an exception, which is added to `failures`."""
    try:
        yield from given
    except Exception as failure:  # raised again by the caller, after the results of the items before it
        failures.append(failure)
