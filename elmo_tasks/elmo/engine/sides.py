"""Two pieces of work at once, as the directions of a biLM are, each on half of the threads; threads and forks."""

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
    """The threads of PyTorch's pool are not in the child, which would wait for them without end."""
    _pools.clear()
    torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def side_by_side(first: Callable[[], None], second: Callable[[], None]) -> None:
    """Run both, at once where PyTorch has two threads or more.

    Neither waits for the other step by step, as the threads of one product do.

    Raises:
        Exception: what one of them raised.
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
    """Two workers that share a number of PyTorch threads."""
    with _making:
        if threads not in _pools:
            ready = Barrier(3)

            def begin() -> None:
                torch.set_num_threads(threads // 2)  # of this worker's products, but also of threads yet to be born
                torch.set_grad_enabled(False)
                ready.wait()

            pool = ThreadPoolExecutor(2, "direction", initializer=begin)
            for _ in range(2):
                pool.submit(int)
            ready.wait()
            torch.set_num_threads(threads)  # for those again
            _pools[threads] = pool
        return _pools[threads]
