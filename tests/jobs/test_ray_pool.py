"""Jobs on a Ray cluster of two nodes that loses a worker and then a node: nothing is lost, and nothing comes twice."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.jobs.engine import JobEngine
from elmo_tasks.jobs.pool import WorkerDied, run_jobs
from elmo_tasks.jobs.ray_pool import RayPool
from two_nodes import TwoNodes, started

pytestmark = pytest.mark.slow


def make(killed: Path) -> Callable[[int], bytes]:
    def work(job: int) -> bytes:
        """A result that is kept in the store of the node that computed it. The first process that has job 5 dies."""
        if job == 7:
            raise InputError("seven is refused")
        if job == 5 and not killed.exists():
            killed.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.3)
        return str(job).encode() * 100_000

    return work


def deadly() -> Callable[[int], int]:
    return lambda job: os.kill(os.getpid(), signal.SIGKILL) or job


@pytest.fixture
def two_nodes() -> Iterator[TwoNodes]:
    with started() as cluster:
        yield cluster


def test_a_worker_and_a_node_are_lost(two_nodes: TwoNodes, tmp_path: Path) -> None:
    jobs, found = 30, list[tuple[int, object]]()
    with RayPool(partial(make, tmp_path / "killed")) as pool:
        assert pool.limit == 2
        for done in run_jobs(pool, range(jobs), in_order=True, ahead=2):
            found.append((done.job, done.value if done.error is None else str(done.error)))
            if len(found) == 12:
                two_nodes.lose_node()
    assert (tmp_path / "killed").exists()
    expected: list[tuple[int, object]] = [(job, str(job).encode() * 100_000) for job in range(jobs)]
    expected[7] = 7, "seven is refused"
    assert found == expected
    with RayPool(deadly) as pool:
        (died,) = run_jobs(pool, [1])
        assert isinstance(died.error, WorkerDied) and str(died.error).startswith("the worker died 4 times (")
    with pytest.raises(InputError, match=r"--workers must be at most 1, the number of cores of the cluster, not 3"):
        RayPool(deadly, 3)


def test_no_cluster_at_an_address() -> None:
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    with pytest.raises(InputError, match=r"--engine ray: there is no Ray cluster at 127.0.0.1:1 \(.*refused\); start"):
        RayPool(deadly, address="127.0.0.1:1")


def test_an_address_without_ray() -> None:
    with pytest.raises(InputError, match="--ray-address only applies to --engine ray; add it, or leave the address"):
        JobEngine("local", "here:1").check()
    with pytest.raises(InputError, match="--engine must be one of local, ray, not 'spark'"):
        JobEngine("spark").check()
