"""The cache gives back what it was given, survives damage and a killed writer, and serves several processes."""

from __future__ import annotations

import errno
import math
import os
import random
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.paths import cache_limit
from elmo_tasks.embedders.cache import index
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
    monkeypatch.setattr(index, "MOST_TOKENS", 10)
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
    values = 8 + int.from_bytes(whole[:8], "little") + 3 * 8  # behind the header and three sentences' ends
    flipped = whole[:values] + bytes([whole[values] ^ 1]) + whole[values + 1 :]
    damaged = {"empty": b"", "cut": whole[: values + 5], "garbage": os.urandom(5000), "flipped": flipped}
    path.write_bytes(damaged[damage])
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


@pytest.mark.slow
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
    left_behind = tmp_path / "x" / f".{'b' * 32}.1.partial"
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
    with pytest.raises(InputError, match="ELMO_TASKS_CACHE_LIMIT must be a size such as 20GB"):
        cache_limit()


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="the cache of vectors cannot be used .*; free disk space"):
        CachedEmbedder(RandomEmbedder(6), tmp_path / "file").embed([["a"]])


def test_a_full_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(index, "write_block", full)
    with pytest.raises(InputError, match="no space left for cached vectors"):
        CachedEmbedder(RandomEmbedder(6), tmp_path).embed([["a"]])


def test_single_sentences_do_not_pile_up_in_files(tmp_path: Path) -> None:
    """However sentences arrive, there are few files, and merging loses and changes none of them."""
    cached = CachedEmbedder(Counting(), tmp_path)
    sentences = [[f"w{number}"] * (1 + number % 3) for number in range(700)]
    most = 0
    for sentence in sentences:
        cached.embed([sentence])
        most = max(most, len(list(cached.folder.iterdir())))
    assert most <= 3 * 8 + 700 // 256 + 2  # 7 of each of three sizes, the full ones, the lock, one being written
    fresh = CachedEmbedder(Counting(), tmp_path)
    assert all(map(torch.equal, fresh.embed(sentences), cached.embed(sentences)))
    assert fresh.inner.asked == 0 and cached.inner.asked == 700
    exact = RandomEmbedder(6).embed(sentences)
    assert all((a - b).abs().max() < 2e-3 for a, b in zip(fresh.embed(sentences), exact, strict=True))


def test_a_folder_that_has_not_changed_is_not_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cached = CachedEmbedder(Counting(), tmp_path)
    cached.embed(SENTENCES)
    os.utime(cached.folder, (0, time.time() - 10))
    cached.embed(SENTENCES)

    def forbidden(*_: object) -> list[str]:
        raise AssertionError("the folder was listed")

    monkeypatch.setattr(Path, "iterdir", forbidden)
    cached.embed(SENTENCES)
    monkeypatch.undo()
    other = CachedEmbedder(Counting(), tmp_path)
    other.embed([["new"]])
    assert cached.embed([["new"]])[0].shape == (1, 1, 6) and cached.inner.asked == 3


KILLED = """
import os, signal, sys
from pathlib import Path
from elmo_tasks.embedders.cache.cached import CachedEmbedder
from elmo_tasks.embedders.random import RandomEmbedder
cached = CachedEmbedder(RandomEmbedder(6), Path(sys.argv[1]))
for number in range(7):
    cached.embed([[f"w{number}"]])
left, final = int(sys.argv[2]), False
def watch(event, arguments):
    global left
    watched = ("os.rename", "os.remove", "os.chmod", "os.utime", "open")
    if event in watched and str(arguments[0]).startswith(sys.argv[1]):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
merge = cached._index.merge
def merge_and_die():
    sys.addaudithook(watch)
    merge()
cached._index.merge = merge_and_die
cached.embed([["w7"]])
"""


@pytest.mark.parametrize("limit", [math.inf, 30_000])
def test_threads_share_a_cache(tmp_path: Path, limit: float) -> None:
    """16 threads, of which each asks for overlapping sentences alone and in batches, get what one thread gets."""
    cached = CachedEmbedder(RandomEmbedder(6), tmp_path, limit)
    sentences = [[f"w{number % 97}", f"v{number}"] * (1 + number % 4) for number in range(300)]
    expected = CachedEmbedder(RandomEmbedder(6), tmp_path / "alone").embed(sentences)
    faults: list[str] = []

    def work(thread: int) -> None:
        draw = random.Random(thread)
        try:
            for _ in range(40):
                numbers = draw.sample(range(300), draw.choice([1, 1, 5, 40]))
                asked = [sentences[number] for number in numbers]
                stored = draw.random() < 0.5
                found = cached.prepare(asked).take(range(len(asked))) if stored else cached.embed(asked)
                if not all(torch.equal(mine, expected[n]) for mine, n in zip(found, numbers, strict=True)):
                    faults.append(f"thread {thread}: other vectors")
        except Exception as error:
            faults.append(f"thread {thread}: {error!r}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults


def test_a_killed_merge_loses_nothing(tmp_path: Path, warm_python: list[str]) -> None:
    """Killed at any file operation of a merge, every sentence is still in a block."""
    words = [[f"w{number}"] for number in range(8)]
    for moment in range(0, 20, 4):
        folder = tmp_path / str(moment)
        assert subprocess.run([*warm_python, "-c", KILLED, str(folder), str(moment)]).returncode in (0, -9)
        inner = Counting()
        cached = CachedEmbedder(inner, folder)
        found = cached.embed(words)
        assert inner.asked == 0
        assert all((a - b).abs().max() < 2e-3 for a, b in zip(found, RandomEmbedder(6).embed(words), strict=True))
        cached.embed([["next"]])
        assert len(blocks(folder)) <= 9


def test_prepared_vectors_outlive_their_blocks(tmp_path: Path) -> None:
    cached = CachedEmbedder(Counting(), tmp_path)
    sentences = [[f"w{number}"] * (1 + number % 3) for number in range(20)]
    prepared = cached.prepare(sentences)
    expected = cached.embed(sentences)
    for path in blocks(tmp_path):
        path.unlink()
    assert all(map(torch.equal, prepared.take(range(20)), expected)) and cached.inner.asked == 20


def test_a_damaged_prepared_sentence_is_computed_again(tmp_path: Path) -> None:
    cached = CachedEmbedder(Counting(), tmp_path)
    prepared = cached.prepare(SENTENCES)
    expected = prepared.take(range(4))
    (path,) = blocks(tmp_path)
    with path.open("r+b") as file:
        file.truncate(100)
    assert all(map(torch.equal, prepared.take(range(4)), expected))


def test_what_the_cache_may_not_keep_is_prepared_outside_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    cached = CachedEmbedder(Counting(), tmp_path / "cache", limit=10)
    prepared = cached.prepare(SENTENCES)
    assert not blocks(tmp_path / "cache")
    for _ in range(3):
        assert [vectors.shape for vectors in prepared.take([3, 1])] == [(1, 2, 6), (1, 1, 6)]
    assert cached.inner.asked == 3
    del prepared
    assert not list(scratch.iterdir())


def test_another_arithmetic_has_vectors_of_its_own(tmp_path: Path) -> None:
    class Rounded(Counting):
        fingerprint = "random-6.bfloat16"

        def embed(self, sentences: Sentences) -> list[Tensor]:
            return [vectors.bfloat16().float() for vectors in super().embed(sentences)]

    exact, rounded = CachedEmbedder(Counting(), tmp_path), CachedEmbedder(Rounded(), tmp_path)
    first = exact.embed(SENTENCES)
    second = rounded.embed(SENTENCES)
    assert exact.inner.asked == rounded.inner.asked == 3
    assert not torch.equal(first[0], second[0])
    for cached, expected in ((exact, first), (rounded, second)):
        assert all(map(torch.equal, cached.embed(SENTENCES), expected))
        assert all(map(torch.equal, cached.prepare(SENTENCES).take(range(4)), expected))
