"""A full disk: one line, exit code 2, and earlier outputs survive and can be resumed."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import forks
import pytest
import torch
from kills import Place, result

from elmo_tasks.runs.folder import LAST

pytestmark = pytest.mark.slow

KILOBYTES = {
    "embed": (4, 16, 48, 100),
    "pretrain": (12, 32, 64, 100, 150, 172),
    "train": (4, 32, 64, 100, 150),
}
"""Disk sizes that a command exceeds: the smallest with its first file, the largest with its last."""


@contextmanager
def disk_of(kilobytes: int, folder: Path) -> Iterator[Callable[[], object]]:
    """Make `folder` a disk of that size. Yields a function that enlarges it.

    Only root may mount one. For everyone else the disk is the usual one.
    """
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        yield lambda: None
        return
    try:
        yield lambda: subprocess.run(["mount", "-o", "remount,size=64m", str(folder)], check=True)
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def files_of(kilobytes: int, prepare: Callable[[], object]) -> Callable[[], None]:
    """Set the system's limit on file size, which needs no privileges."""

    def inside() -> None:
        prepare()
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024 * kilobytes, 1024 * kilobytes))

    return inside


@pytest.mark.parametrize("name", KILOBYTES)
def test_a_full_disk_is_one_line_and_nothing_is_lost(place: Place, tmp_path: Path, name: str) -> None:
    verb, prepare = place.verbs[name], place.prepare(tmp_path / "cache")
    refused = 0
    for kilobytes in KILOBYTES[name]:
        for limited in (prepare, files_of(kilobytes // 4, prepare)):
            here = tmp_path / "here"
            here.mkdir()
            with disk_of(kilobytes, here) as enlarge:
                ended = forks.run(verb.words, here, tmp_path / "said", limited)
                if ended.code != 0:
                    refused += 1
                    assert ended.code == 2 and ended.is_one_line, (kilobytes, ended)
                    assert "no space left on this disk; free some space or choose another --output" in ended.err, ended
                    assert not (here / verb.output).exists()
                    enlarge()
                    ended = forks.run([*verb.words, *verb.resume], here, tmp_path / "said", prepare)
                assert ended.code == 0, (kilobytes, ended)
                assert result(here / verb.output) == place.whole[name], kilobytes
                assert [path.name for path in here.iterdir()] == [verb.output]
                (here / verb.output).unlink() if (here / verb.output).is_file() else None
            subprocess.run(["rm", "-r", str(here)], check=True)
    assert refused >= len(KILOBYTES[name])


@pytest.mark.parametrize("name", ["pretrain", "train"])
def test_a_disk_that_is_full_at_the_third_checkpoint(place: Place, tmp_path: Path, name: str) -> None:
    """The second checkpoint survives, and the run continues from it."""
    verb, prepare = place.verbs[name], place.prepare(tmp_path / "cache")

    def inside() -> None:
        prepare()
        whole, saves = torch.save, 0

        def save(value: object, file: object, *arguments: object, **options: object) -> None:
            nonlocal saves
            saves += "last.ckpt" in str(getattr(file, "name", file))
            if saves == 3:
                resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
            whole(value, file, *arguments, **options)

        torch.save = save

    ended = forks.run(verb.words, tmp_path, tmp_path / "said", inside)
    assert ended.code == 2 and ended.is_one_line and "no space left on this disk" in ended.err, ended
    kept = torch.load(tmp_path / ".out.unfinished" / LAST, weights_only=True)
    assert (kept["windows_seen"] == 4) if name == "pretrain" else (kept["epoch"] == 1)
    assert forks.run([*verb.words, "--resume"], tmp_path, tmp_path / "said", prepare).code == 0
    assert result(tmp_path / "out") == place.whole[name]
