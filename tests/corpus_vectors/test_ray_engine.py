"""On a local cluster of two workers: the bytes of the local engine, also where a worker is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.corpus_vectors.block_embedder import Recipe
from elmo_tasks.corpus_vectors.embedding import embed_corpus
from elmo_tasks.jobs.engine import JobEngine

pytestmark = pytest.mark.slow

ray = pytest.importorskip("ray", reason="the extra `ray` is not installed")


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(
            address="local",
            num_cpus=2,
            object_store_memory=200 << 20,
            include_dashboard=False,
            log_to_driver=False,
            logging_level="ERROR",
        )
        yield
        ray.shutdown()


def parent(pid: str) -> str:
    """Of a process, by number."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]


def workers() -> list[int]:
    """The processes that embed for this one: children of its cluster's raylet, not those of another test's cluster."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            name = (entry / "cmdline").read_bytes()
            worker = entry.name.isdigit() and name.startswith((b"ray::perform", b"ray::IDLE"))
            if worker and parent(parent(entry.name)) == str(os.getpid()):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


LISTENING = """
import json, os, sys
from pathlib import Path
from elmo_tasks.corpus_vectors.block_embedder import Recipe
from elmo_tasks.corpus_vectors.embedding import embed_corpus
from elmo_tasks.jobs.engine import JobEngine

def family():
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found, more = set(), {os.getpid()}
    while more:
        found |= more
        more = {process for process, parent in parents.items() if parent in more} - found
    return found

def sockets(processes):
    for process in processes:
        for descriptor in Path(f"/proc/{process}/fd").iterdir():
            try:
                yield os.readlink(descriptor)
            except OSError:
                continue

def watch(stage, done, total):
    if stage == "computing":
        ours = set(sockets(family()))
        rows = [row.split() for name in ("tcp", "tcp6") for row in Path(f"/proc/net/{name}").read_text().splitlines()]
        listening = [row[1].split(":")[0] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in ours]
        Path("addresses.json").write_text(json.dumps(listening))

embed_corpus(Path(sys.argv[1]), Path("out.hdf5"), Recipe(sys.argv[2]), engine=JobEngine("ray"), workers=2, watch=watch)
"""
LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}  # as /proc writes them


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="sockets are looked for in /proc")
def test_a_cluster_that_is_started_here_can_only_be_reached_from_here(text: Path, bilm: str) -> None:
    done = subprocess.run([sys.executable, "-c", LISTENING, text, bilm], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    addresses = json.loads(Path("addresses.json").read_text())
    assert len(addresses) > 4 and set(addresses) <= LOOPBACK, addresses  # driver, store, raylet, two workers and more


def test_ray_that_was_imported_before(text: Path, bilm: str) -> None:
    """Ray reads the variable that keeps it local when it is imported. A machine without a network is local anyway."""
    program = f"import ray\n{LISTENING}"
    done = subprocess.run([sys.executable, "-c", program, text, bilm], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        assert set(json.loads(Path("addresses.json").read_text())) <= LOOPBACK
    else:
        assert "InputError: --engine ray: this program imported Ray before, so its servers would" in done.stderr


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="processes are looked for in /proc")
def test_the_bytes_of_the_local_engine_though_a_worker_dies(text: Path, bilm: str, cluster: None) -> None:
    text.write_text(text.read_text() * 8)
    recipe = Recipe(bilm, precision="exact")
    embed_corpus(text, Path("local.hdf5"), recipe)
    killed: list[int] = []

    def watch(stage: str, done: int, total: int) -> None:
        if not killed:
            killed.append(workers()[0])
            os.kill(killed[0], signal.SIGKILL)

    done = embed_corpus(text, Path("ray.hdf5"), recipe, engine=JobEngine("ray"), workers=2, watch=watch)
    assert killed and done.computed == 8 * 65
    assert Path("ray.hdf5").read_bytes() == Path("local.hdf5").read_bytes()


def test_faults_are_one_line(text: Path, bilm: str, cluster: None) -> None:
    with pytest.raises(InputError, match="--workers must be at most 2, the number of cores of the cluster, not 3"):
        embed_corpus(text, Path("out.hdf5"), Recipe(bilm), engine=JobEngine("ray"), workers=3)
    Path("large.txt").write_text("The 1e6 2\ncat 1 2\n")
    with pytest.raises(InputError, match="^--dtype float16: a value is above 65504"):
        embed_corpus(
            text, Path("out.hdf5"), Recipe("glove:large.txt", dtype="float16"), engine=JobEngine("ray"), workers=1
        )
    assert not Path("out.hdf5").exists() and not Path(".out.hdf5.partial").exists()
