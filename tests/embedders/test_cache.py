"""The cache gives back what it was given, survives damage and a killed writer, and serves several processes."""

from __future__ import annotations

import errno
import math
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.paths import cache_limit
from elmo_tasks.embedders.cache import cached as cache
from elmo_tasks.embedders.cache.cached import CachedEmbedder
from elmo_tasks.embedders.cache.folder import evict, touch
from elmo_tasks.embedders.protocol import Sentences
from elmo_tasks.embedders.random import RandomEmbedder

Run = Callable[..., subprocess.Popen[bytes]]
SENTENCES = [["a", "b"], ["ab"], [], ["a", "b"]]


class Counting(RandomEmbedder):
    """Counts what it is asked for."""

    def __init__(self, width: int = 6) -> None:
        super().__init__(width)
        self.asked = 0

    def embed(self, sentences: Sentences) -> list[Tensor]:
        self.asked += len(sentences)
        return super().embed(sentences)


def blocks(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.safetensors"))


def test_warm_equals_cold_and_computes_nothing(tmp_path: Path) -> None:
    inner = Counting()
    cold = CachedEmbedder(inner, tmp_path).embed(SENTENCES)
    assert inner.asked == 3  # a sentence that comes twice is computed once
    warm = CachedEmbedder(inner, tmp_path).embed(SENTENCES)
    assert inner.asked == 3
    assert all(torch.equal(mine, other) for mine, other in zip(cold, warm, strict=True))
    torch.testing.assert_close(cold[0], inner.embed([SENTENCES[0]])[0], rtol=1e-3, atol=1e-3)


def test_what_another_embedder_of_the_folder_wrote_is_seen_at_once(tmp_path: Path) -> None:
    first, second = CachedEmbedder(Counting(), tmp_path), CachedEmbedder(Counting(), tmp_path)
    assert second.embed([["z"]])[0].shape == (1, 1, 6)
    mine = first.embed(SENTENCES)
    other = second.embed(SENTENCES)
    assert all(torch.equal(a, b) for a, b in zip(mine, other, strict=True))
    assert second.inner.asked == 1


def test_a_block_has_a_bounded_number_of_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_TOKENS", 10)
    CachedEmbedder(RandomEmbedder(6), tmp_path).embed([["w"] * length for length in range(1, 13)])
    assert len(blocks(tmp_path)) == 9  # 1-4, 5, 6, ..., 12


@pytest.mark.parametrize("damage", ["empty", "cut", "garbage", "flipped"])
@pytest.mark.parametrize("opened", [True, False])
def test_a_damaged_block_is_computed_again(tmp_path: Path, damage: str, opened: bool) -> None:
    inner = Counting()
    cached = CachedEmbedder(inner, tmp_path)
    good = cached.embed(SENTENCES)
    (path,) = blocks(tmp_path)
    whole = path.read_bytes()
    flipped = whole[:-3] + bytes([whole[-3] ^ 1]) + whole[-2:]
    path.write_bytes({"empty": b"", "cut": whole[:-5], "garbage": os.urandom(5000), "flipped": flipped}[damage])
    again = (cached if opened else CachedEmbedder(inner, tmp_path)).embed(SENTENCES)
    assert inner.asked == 6
    assert all(torch.equal(mine, other) for mine, other in zip(good, again, strict=True))
    CachedEmbedder(inner, tmp_path).embed(SENTENCES)
    assert inner.asked == 6


PROGRAM = """
import os, signal, sys
from pathlib import Path
from elmo_tasks.embedders.cache.cached import CachedEmbedder
from elmo_tasks.embedders.random import RandomEmbedder
class Slow(RandomEmbedder):
    def embed(self, sentences):
        if sys.argv[2] == "die" and len(sentences[0]) > 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().embed(sentences)
cached = CachedEmbedder(Slow(6), Path(sys.argv[1]), limit=float(sys.argv[4]))
start = int(sys.argv[3])
for turn in range(3):
    sentences = [[f"w{i}"] * (1 + (i >= 1000)) for i in range(start, start + 1200)]
    vectors = cached.embed(sentences)
    assert all((a - b).abs().max() < 2e-3 for a, b in zip(vectors, RandomEmbedder(6).embed(sentences)))
"""


@pytest.fixture
def run(tmp_path: Path, warm_python: list[str]) -> Run:
    """Start the program on the folder of the test."""

    def start_one(mode: str, start: int, limit: float = math.inf) -> subprocess.Popen[bytes]:
        return subprocess.Popen([*warm_python, "-c", PROGRAM, str(tmp_path), mode, str(start), str(limit)])

    return start_one


def test_several_processes_at_once(tmp_path: Path, run: Run) -> None:
    processes = [run("live", start) for start in (0, 100)]
    assert [process.wait() for process in processes] == [0, 0]
    inner = Counting()
    CachedEmbedder(inner, tmp_path).embed([[f"w{i}"] * (1 + (i >= 1000)) for i in range(1300)])
    assert inner.asked == 0


def test_eviction_among_several_processes(tmp_path: Path, run: Run) -> None:
    """Blocks vanish under the readers all the time, and every vector is right nevertheless."""
    limit = 60_000  # about two of the three blocks of a process
    processes = [run("live", start, limit) for start in (0, 600)]
    assert [process.wait() for process in processes] == [0, 0]
    assert sum(path.stat().st_size for path in blocks(tmp_path)) <= limit + 40_000


def test_a_killed_writer_leaves_what_it_had_written(tmp_path: Path, run: Run) -> None:
    assert run("die", 0).wait() == -9
    inner = Counting()
    CachedEmbedder(inner, tmp_path).embed([[f"w{i}"] for i in range(512)])
    assert inner.asked == 0


def test_the_least_recently_used_go_first_whoever_s_they_are(tmp_path: Path) -> None:
    wide, narrow = CachedEmbedder(Counting(600), tmp_path), CachedEmbedder(Counting(602), tmp_path)
    now = time.time()
    for age, (cached, word) in enumerate([(wide, "a"), (narrow, "b"), (wide, "c"), (narrow, "d")]):
        before = set(blocks(tmp_path))
        cached.embed([[word] * 50])
        (path,) = set(blocks(tmp_path)) - before
        os.utime(path, (now, now - 100_000 + age))
    wide.embed([["a"] * 50])  # the oldest is used again
    size = blocks(tmp_path)[0].stat().st_size
    (tmp_path / "x").mkdir()
    left_behind = tmp_path / "x" / ".b.1.partial"
    left_behind.write_text("")
    os.utime(left_behind, (now, now - 100_000))
    evict(tmp_path, 4 * size, size // 2)
    assert not left_behind.exists()
    wide.inner.asked = narrow.inner.asked = 0
    wide.embed([["a"] * 50])
    narrow.embed([["d"] * 50])
    assert (wide.inner.asked, narrow.inner.asked) == (0, 0)
    narrow.embed([["b"] * 50])  # was used the longest ago
    assert narrow.inner.asked == 1


def test_reading_writes_no_time_more_than_once_an_hour(tmp_path: Path) -> None:
    path = tmp_path / "block"
    path.write_text("")
    os.utime(path, (0, time.time() - 100))
    before = path.stat().st_mtime
    touch(path)
    assert path.stat().st_mtime == before
    os.utime(path, (0, 1000))
    touch(path)
    assert path.stat().st_mtime > before
    touch(tmp_path / "gone")


def test_what_is_larger_than_the_limit_is_not_kept(tmp_path: Path) -> None:
    cached = CachedEmbedder(Counting(), tmp_path, limit=10)
    assert cached.embed([["a"]])[0].shape == (1, 1, 6)
    assert not blocks(tmp_path)


@pytest.mark.parametrize(
    ("text", "limit"), [("", 2e10), ("none", math.inf), ("7", 7), ("1.5GB", 1.5e9), ("20 mb", 2e7), ("3T", 3e12)]
)
def test_limits(monkeypatch: pytest.MonkeyPatch, text: str, limit: float) -> None:
    monkeypatch.setenv("ELMO_TASKS_CACHE_LIMIT", text)
    assert cache_limit() == limit


def test_no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELMO_TASKS_CACHE_LIMIT", "much")
    with pytest.raises(InputError, match="ELMO_TASKS_CACHE_LIMIT: expected a size such as 20GB"):
        cache_limit()


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="expected a writable cache folder"):
        CachedEmbedder(RandomEmbedder(6), tmp_path / "file").embed([["a"]])


def test_a_full_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cache, "write_block", full)
    with pytest.raises(InputError, match="no space left for the cache of vectors"):
        CachedEmbedder(RandomEmbedder(6), tmp_path).embed([["a"]])
