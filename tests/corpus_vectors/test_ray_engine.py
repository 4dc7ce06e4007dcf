"""On a local cluster of two workers: the bytes of the local engine, also where a worker is killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.corpus_vectors.block_embedder import Recipe
from elmo_tasks.corpus_vectors.embedding import embed_corpus

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
            worker = entry.name.isdigit() and (entry / "cmdline").read_bytes().startswith(b"ray::Worker")
            if worker and parent(parent(entry.name)) == str(os.getpid()):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


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

    done = embed_corpus(text, Path("ray.hdf5"), recipe, engine="ray", workers=2, watch=watch)
    assert killed and done.computed == 8 * 65
    assert Path("ray.hdf5").read_bytes() == Path("local.hdf5").read_bytes()


def test_faults_are_one_line(text: Path, bilm: str, cluster: None) -> None:
    with pytest.raises(InputError, match="--workers: expected at most 2, as many as the cluster has cores, got 3"):
        embed_corpus(text, Path("out.hdf5"), Recipe(bilm), engine="ray", workers=3)
    Path("large.txt").write_text("The 1e6 2\ncat 1 2\n")
    with pytest.raises(InputError, match="^--dtype float16: expected numbers of at most 65504"):
        embed_corpus(text, Path("out.hdf5"), Recipe("glove:large.txt", dtype="float16"), engine="ray", workers=1)
    assert not Path("out.hdf5").exists() and not Path(".out.hdf5.partial").exists()
