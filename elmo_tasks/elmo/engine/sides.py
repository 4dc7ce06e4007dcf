"""Run two tasks in parallel, such as the directions of a biLM, each on half of the threads; handles forks."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import torch

from elmo_tasks.core.fork_safe_lock import ForkSafeLock

_pools: dict[int, ThreadPoolExecutor] = {}
_making = ForkSafeLock()


def _after_fork() -> None:
    """Use one thread in a forked child: it does not inherit PyTorch's threads and would wait for them forever."""
    _pools.clear()
    torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def side_by_side(first: Callable[[], None], second: Callable[[], None]) -> None:
    """Run both functions, in parallel if PyTorch has two threads or more.

    They do not wait for each other at each step, unlike the threads of one product.

    Raises:
        Exception: the exception of one of them.
    """
    threads = torch.get_num_threads()
    if threads < 2:
        first()
        second()
        return
    running = [_pool(threads).submit(work) for work in (first, second)]
    for future in running:
        future.result()


def _pool(threads: int) -> ThreadPoolExecutor:
    """Two workers that share `threads` PyTorch threads."""
    with _making:
        if threads not in _pools:
            ready = Barrier(3)

            def begin() -> None:
                torch.set_num_threads(
                    threads // 2
                )  # for the products of this worker, but also for threads started later
                torch.set_grad_enabled(False)
                ready.wait()

            pool = ThreadPoolExecutor(2, "direction", initializer=begin)
            for _ in range(2):
                pool.submit(int)
            ready.wait()
            torch.set_num_threads(threads)  # restores the value for those
            _pools[threads] = pool
        return _pools[threads]
