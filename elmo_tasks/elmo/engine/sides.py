"""Two pieces of work at once, as the directions of a biLM are, each on half of the threads."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Lock

import torch

_lock = Lock()
_pools: dict[tuple[int, int], ThreadPoolExecutor] = {}


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
    """Two workers that share so many of PyTorch's threads; made anew in a process that was forked."""
    with _lock:
        key = (os.getpid(), threads)
        if key not in _pools:
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
            _pools[key] = pool
        return _pools[key]
