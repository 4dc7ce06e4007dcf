"""Compute the next result in a thread while the caller uses the current one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain
from typing import TypeVar

import torch

from elmo_tasks.elmo.engine.sides import begin_thread

GivenT = TypeVar("GivenT")
DoneT = TypeVar("DoneT")


def ahead(
    given: Iterable[GivenT], work: Callable[[GivenT], DoneT], threads: int | None = None
) -> Iterator[tuple[GivenT, DoneT, bool]]:
    """Yield each item with `work(item)`, and whether a thread is working on the next item at the same time.

    At most two results exist at a time: the one yielded and the one in progress, whose thread has `threads` of
    PyTorch's threads, by default half of them (see `half_of_the_threads`). Items are read in the caller's thread, one
    ahead of the results. If reading fails, the results of all items before are yielded first. A single item is computed
    in the caller's thread.

    Raises:
        Exception: what reading an item or `work` raised.
    """
    failures: list[Exception] = []
    items = _until_failure(given, failures)
    first, second = next(items, None), next(items, None)
    if first is not None and second is None:
        yield first, work(first), False
    elif first is not None:
        own = torch.get_num_threads()
        with ThreadPoolExecutor(1, "ahead", initializer=begin_thread, initargs=(threads or max(1, own // 2),)) as pool:
            pool.submit(int).result()
            torch.set_num_threads(own)  # for threads that start later, which `begin_thread` has changed
            pending = pool.submit(work, first)
            for item in chain([second], items):
                assert item is not None
                done, pending = pending.result(), pool.submit(work, item)
                yield first, done, True
                first = item
            yield first, pending.result(), False
    if failures:
        raise failures[0]


@contextmanager
def half_of_the_threads(active: bool) -> Iterator[None]:
    """If `active`, use half of PyTorch's threads in this block: the other half is busy with the next item.

    On two cores, each side then has a core of its own; with twice as many threads as cores, both would be slower.
    """
    threads = torch.get_num_threads()
    if active:
        torch.set_num_threads(max(1, threads // 2))
    try:
        yield
    finally:
        if active:
            torch.set_num_threads(threads)


def _until_failure(given: Iterable[GivenT], failures: list[Exception]) -> Iterator[GivenT]:
    """Yield the items until reading one raises an exception, which is added to `failures`."""
    try:
        yield from given
    except Exception as failure:  # raised again by the caller, after the results of the items before it
        failures.append(failure)
