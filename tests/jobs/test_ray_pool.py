"""Jobs on a Ray cluster of two nodes that loses a worker and then a node: nothing is lost, and nothing comes twice."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.memory import rss_mb
from elmo_tasks.jobs.engine import JobEngine
from elmo_tasks.jobs.pool import WorkerDied, run_jobs
from elmo_tasks.jobs.ray_pool import RayPool
from elmo_tasks.runs.predicted_blocks import predict_blocks
from ray_jobs import Slow, Stub, deadly
from two_nodes import TwoNodes, started

pytestmark = pytest.mark.slow


@pytest.fixture
def two_nodes() -> Iterator[TwoNodes]:
    with started() as cluster:
        yield cluster


def test_a_worker_and_a_node_are_lost(two_nodes: TwoNodes, tmp_path: Path) -> None:
    jobs, found = 30, list[tuple[int, object]]()
    with RayPool(partial(Slow, tmp_path / "killed")) as pool:
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


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="memory is looked up in /proc")
def test_memory_does_not_grow_with_the_text(two_nodes: TwoNodes) -> None:
    """200,000 sentences of 20 tokens: less than 50 MB more at their end than after the first tenth."""
    predictor = Stub(Path("run"), "text", False, None, False, 1)
    lines = (f"{number} " * 20 for number in range(200_000))
    memory, expected = [], itertools.count(1)
    for value in predict_blocks(predictor, lines, JobEngine("ray")):
        assert value["line"] == next(expected)
        if value["line"] in (20_000, 200_000):
            memory.append(rss_mb())
    assert next(expected) == 200_001 and memory[1] - memory[0] < 50, memory


def test_no_cluster_at_an_address() -> None:
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    with pytest.raises(InputError, match=r"--engine ray: there is no Ray cluster at 127.0.0.1:1 \(.*refused\); start"):
        RayPool(deadly, address="127.0.0.1:1")


def test_something_else_at_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what may be wrong, and Ray is given a number even for a name that only this machine knows."""
    ray = pytest.importorskip("ray", reason="the extra `ray` is not installed")
    asked: list[str] = []

    def refuse(address: str, **_: object) -> None:
        asked.append(address)
        raise ConnectionError("Failed to connect")

    monkeypatch.setattr(ray, "init", refuse)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        said = rf"cannot connect to the Ray cluster at localhost:{port} \(Failed to connect\); use the same versions"
        with pytest.raises(InputError, match=said):
            RayPool(deadly, address=f"localhost:{port}")
    assert asked == [f"127.0.0.1:{port}"]


def test_an_address_without_ray() -> None:
    with pytest.raises(InputError, match="--ray-address only applies to --engine ray; add it, or leave the address"):
        JobEngine("local", "here:1").check()
    with pytest.raises(InputError, match="--engine must be one of local, ray, not 'spark'"):
        JobEngine("spark").check()
