"""A Ray cluster of two machines, which are processes of this one."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

STORE = 100 << 20  # bytes


class TwoNodes:
    """A head that has no cores, and two nodes with one each."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        options = {"object_store_memory": STORE, "include_dashboard": False}
        self._cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **options})
        self.nodes: list[Any] = []
        self.complete()
        self.address: str = self._cluster.address

    def complete(self) -> None:
        """Add the nodes that are missing."""
        while len(self.nodes) < 2:
            self.nodes.append(self._cluster.add_node(num_cpus=1, object_store_memory=STORE))

    def lose_worker(self) -> None:
        """Kill a process that runs a job, as soon as there is one."""
        for _ in range(600):
            for entry in Path("/proc").glob("[0-9]*"):
                try:
                    if (entry / "cmdline").read_bytes().startswith(b"ray::perform"):
                        os.kill(int(entry.name), signal.SIGKILL)
                        return
                except OSError:
                    continue
            time.sleep(0.05)
        raise AssertionError("no job runs")

    def lose_node(self) -> None:
        """Kill a node with all its processes, but not the one that this process is connected to."""
        import ray

        own = ray.get_runtime_context().get_node_id()  # type: ignore[no-untyped-call]
        lost = next(node for node in self.nodes if node.node_id != own)
        self.nodes.remove(lost)
        self._cluster.remove_node(lost, allow_graceful=False)

    def close(self) -> None:
        """Stop everything."""
        self._cluster.shutdown()


@contextmanager
def started() -> Iterator[TwoNodes]:
    """A cluster to lose workers and nodes of, which `RAY_ADDRESS` names."""
    ray = pytest.importorskip("ray", reason="the extra `ray` is not installed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_worker_niceness", "0")  # so that they are not starved where other tests run at the same time
        paths = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]  # workers import `ray_jobs`
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
        cluster = TwoNodes()
        patch.setenv("RAY_ADDRESS", cluster.address)
        try:
            yield cluster
        finally:
            ray.shutdown()
            cluster.close()
