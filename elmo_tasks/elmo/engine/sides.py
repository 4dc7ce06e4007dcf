"""Run two tasks in parallel, such as the directions of a biLM; handles forks."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import torch

from elmo_tasks.core.fork_safe_lock import ForkSafeLock
from elmo_tasks.core.paths import waiting_threads_sleep

_pools: dict[tuple[int, int], ThreadPoolExecutor] = {}
_making = ForkSafeLock()


def _after_fork() -> None:
    """Use one thread in a forked child: it does not inherit PyTorch's threads and would wait for them forever."""
    _pools.clear()
    torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def side_by_side(first: Callable[[], None], second: Callable[[], None], *, divide: bool = False) -> None:
    """Run both functions, in parallel if PyTorch has two threads or more.

    They do not wait for each other at each step, unlike the threads of one product.

    divide: give each half of PyTorch's threads, not all. Measured on two cores: a training step takes a tenth less time
    with half of them, the engine a sixth more. If idle threads spin for milliseconds, as those of OpenMP do by default,
    the threads of the caller take the cores from the workers, and `divide` is ignored: where there are more threads
    than cores, GNU's OpenMP spins less.

    Raises:
        Exception: the exception of one of them.
    """
    threads = torch.get_num_threads()
    if threads < 2:
        first()
        second()
        return
    own = threads // 2 if divide and waiting_threads_sleep() else threads
    running = [_pool(threads, own).submit(work) for work in (first, second)]
    for future in running:
        future.result()


def begin_thread(threads: int) -> None:
    """Compute in the calling thread with so many of PyTorch's threads, and without gradients."""
    torch.get_num_threads()  # the first call takes over the number of the process, whatever was set before
    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)


def _pool(threads: int, own: int) -> ThreadPoolExecutor:
    """Two workers with `own` PyTorch threads each. threads: those of the caller."""
    with _making:
        if (threads, own) not in _pools:
            ready = Barrier(3)

            def begin() -> None:
                begin_thread(own)  # for the products of this worker, but also for threads started later
                ready.wait()

            pool = ThreadPoolExecutor(2, "direction", initializer=begin)
            for _ in range(2):
                pool.submit(int)
            ready.wait()
            torch.set_num_threads(threads)  # restores the value for those
            _pools[threads, own] = pool
        return _pools[threads, own]
