"""A file appears whole or not at all, with ordinary permissions, and what is planted beside it is not followed."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from elmo_tasks.core import files
from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import atomic_file, disk_faults, write_text


class Killed(BaseException):
    """The end of a process, as far as a test can have it."""


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_permissions_are_the_umasks(tmp_path: Path, umask: int) -> None:
    """Also where a library makes the file anew for its owner alone, as safetensors does."""
    before = os.umask(umask)
    try:
        write_text(tmp_path / "plain", "x")
        with atomic_file(tmp_path / "replaced") as partial:
            partial.unlink()
            partial.touch(mode=0o600)
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o666 & ~umask}


def test_a_failure_leaves_the_former_file_and_nothing_else(tmp_path: Path) -> None:
    write_text(tmp_path / "file", "former")

    def write() -> None:
        with atomic_file(tmp_path / "file") as partial:
            partial.write_text("half")
            assert (tmp_path / "file").read_text() == "former"
            raise Killed

    with pytest.raises(Killed):
        write()
    assert (tmp_path / "file").read_text() == "former" and len(list(tmp_path.iterdir())) == 1


def test_what_killed_processes_left_is_removed(tmp_path: Path) -> None:
    """By its name, which only `atomic_file` gives."""
    write_text(tmp_path / "file", "whole")
    (tmp_path / "checkpoints").mkdir()
    for name in ("checkpoints/.last.ckpt.0123456789ab.partial", ".file.ba9876543210.partial"):
        (tmp_path / name).write_text("half")
    (tmp_path / ".mine.partial").write_text("whole")
    files.remove_left_behind(tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*")) == [".mine.partial", "checkpoints", "file"]


def test_planted_links_are_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not at the file's name, and not at the temporary one, should somebody guess it."""
    theirs = tmp_path / "theirs"
    theirs.write_text("precious")
    (tmp_path / "file").symlink_to(theirs)
    guesses = iter(["guessed", "fresh", "guessed", "fresh"])
    monkeypatch.setattr(files.secrets, "token_hex", lambda size: next(guesses))
    (tmp_path / ".file.guessed.partial").symlink_to(theirs)
    write_text(tmp_path / "file", "ours")
    assert theirs.read_text() == "precious"
    assert (tmp_path / "file").read_text() == "ours" and not (tmp_path / "file").is_symlink()


def test_the_longest_name(tmp_path: Path) -> None:
    write_text(tmp_path / ("n" * 255), "x")
    with pytest.raises(InputError, match="the name is too long for the file system; choose a shorter one"):
        write_text(tmp_path / ("n" * 256), "x")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOSPC, "x"), "place: no space left on this disk; free some"),
        (OSError(errno.EDQUOT, "x"), "no space left on this disk"),
        (OSError("Can't write data (file write failed: errno = 28, error message = 'No space left')"), "no space left"),
        (RuntimeError("I/O error: No space left on device (os error 28)"), "no space left"),
        (OSError(errno.EROFS, "x"), r"place: cannot be written \(Read-only file system\); choose another --output"),
        (OSError(errno.EACCES, "x"), "cannot be written"),
        (OSError(errno.EMFILE, "x"), "too many open files; raise the limit with `ulimit -n`"),
        (OSError(errno.EIO, "x"), "input/output error"),
    ],
)
def test_what_a_disk_refuses_is_one_line(error: Exception, message: str) -> None:
    with pytest.raises(InputError, match=message), disk_faults(Path("place")):
        raise error


def test_other_faults_pass() -> None:
    with pytest.raises(ValueError, match="^mine$"), disk_faults(Path("place")):
        raise ValueError("mine")
