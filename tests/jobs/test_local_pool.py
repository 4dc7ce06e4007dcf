"""Jobs in processes: order, failures, deaths, and the end of everything with the process that began it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.jobs.local_pool import LocalPool
from elmo_tasks.jobs.pool import Pool, SerialPool, WorkerDied, run_jobs

pytestmark = pytest.mark.slow


def work(job: int) -> int:
    """The square of a job; 3 is refused, 5 kills its process, and even jobs take longer."""
    if job == 3:
        raise InputError("three is refused")
    if job == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.02 if job % 2 else 0.2)
    return job * job


def make() -> Callable[[int], int]:
    return work


def returning(function: Callable[[int], int]) -> Callable[[int], int]:
    return function


def broken(job: int) -> int:
    raise TypeError("a bug")


def process(job: int) -> int:
    time.sleep(0.2)
    return os.getpid()


def outcomes(pool: Pool[int, int], jobs: Iterator[int], **options: bool | int) -> list[tuple[int, object]]:
    return [(done.job, str(done.error or done.value)) for done in run_jobs(pool, jobs, **options)]  # type: ignore[arg-type]


def test_a_failure_and_a_death_stop_no_other_job() -> None:
    with LocalPool(make, 2) as pool:
        found = dict(outcomes(pool, iter(range(8))))
    died = "the process was killed by signal 9; is there enough memory for this many jobs?"
    assert found == {n: str(n * n) for n in (0, 1, 2, 4, 6, 7)} | {3: "three is refused", 5: died}


def test_in_the_order_of_the_jobs() -> None:
    with LocalPool(make, 2) as pool:
        assert [job for job, _ in outcomes(pool, iter(range(6)), in_order=True, ahead=3)] == list(range(6))


@pytest.mark.parametrize("in_order", [True, False])
def test_jobs_are_taken_only_when_there_is_room(in_order: bool) -> None:
    """An endless source is no matter, and what a job is may depend on the results before it."""
    taken, known = [], []

    def source() -> Iterator[int]:
        while True:
            taken.append(len(taken))
            yield sum(known) + 1

    pool = SerialPool[int, int](lambda job: job)
    for done in run_jobs(pool, source(), in_order=in_order):
        known.append(done.result())
        assert len(taken) == len(known)
        if len(known) == 5:
            break
    assert known == [1, 2, 4, 8, 16]


def test_a_bug_is_raised() -> None:
    with LocalPool(partial(returning, broken), 1) as pool, pytest.raises(TypeError, match="a bug"):
        list(run_jobs(pool, iter([1])))


def test_processes_are_kept_or_fresh() -> None:
    with LocalPool(partial(returning, process), 1) as pool:
        assert len({done.result() for done in run_jobs(pool, range(3))}) == 1
    with LocalPool(partial(returning, process), 2, fresh=True) as pool:
        assert len({done.result() for done in run_jobs(pool, range(3))}) == 3


def test_a_death_is_an_error_of_the_user() -> None:
    assert issubclass(WorkerDied, InputError)


MODULE = """
import os, time
from pathlib import Path
def make():
    return work
def work(path):
    Path(path).write_text(str(os.getpid()))
    time.sleep(60)
"""
PROGRAM = """
import sys
from module import make
from elmo_tasks.jobs.local_pool import LocalPool
from elmo_tasks.jobs.pool import run_jobs
for _ in run_jobs(LocalPool(make, 2), [sys.argv[1], sys.argv[2]]):
    pass
"""


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="processes are looked for in /proc")
@pytest.mark.parametrize("send", [signal.SIGKILL, signal.SIGTERM])
def test_processes_end_with_the_one_that_began_them(tmp_path: Path, send: int) -> None:
    places = [tmp_path / "first", tmp_path / "second"]
    (tmp_path / "module.py").write_text(MODULE, encoding="utf-8")
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    with subprocess.Popen([sys.executable, str(program), *map(str, places)], stderr=subprocess.PIPE) as process:
        until(lambda: all(place.exists() and place.read_text() for place in places))
        process.send_signal(send)
        process.wait()
    workers = [Path("/proc", place.read_text(), "stat") for place in places]
    until(lambda: not any(worker.exists() and " Z " not in worker.read_text() for worker in workers))


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
