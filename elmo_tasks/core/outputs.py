"""The target of `--output`: checked before any work begins, and locked by one process at a time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import disk_faults

_LOOK = 0.2  # seconds between two attempts to lock


def output_folder(path: Path) -> Path:
    """The folder for an output, whose last part is a name (not `.` or `..`).

    Raises:
        InputError: the path is a symbolic link, a file, or the root folder.
    """
    if path.name in ("", ".."):
        path = path.resolve()
    if not path.name:
        raise InputError(f"{path}: is the root folder; pass the name of a new folder as --output")
    if path.is_symlink():
        raise InputError(
            f"{path}: is a symbolic link, which is not followed; pass the real path of the folder as --output"
        )
    if path.exists() and not path.is_dir():
        raise InputError(f"{path}: is a file, not a folder; choose another --output")
    return path


def new_output_folder(path: Path) -> Path:
    """Like `output_folder`, for a folder that appears when it is complete, so it cannot be the current folder.

    Raises:
        InputError: as `output_folder`, or it is the current folder or one above it.
    """
    folder = output_folder(path)
    if Path.cwd().is_relative_to(folder.resolve()):
        raise InputError(f"{path}: is the current folder or contains it; pass the name of a new folder as --output")
    return folder


@contextmanager
def output_file(
    path: Path, *, overwrite: bool = False, is_ours: Callable[[Path], bool] | None = None
) -> Iterator[None]:
    """Check that an output file may be written, and lock it while it is made.

    Args:
        path: the file; missing parent folders are created.
        overwrite: whether an earlier file of ours may be replaced.
        is_ours: whether a file was written by the same command; None for a command that never replaces files.

    Raises:
        InputError: the path is a folder or a link, exists and must not be replaced, cannot be written, or is being
            written by another process.
    """
    with ExitStack() as stack:
        check_file(path, overwrite=overwrite, is_ours=is_ours)
        stack.enter_context(hold(path))
        check_file(
            path, overwrite=overwrite, is_ours=is_ours
        )  # again, because it may have appeared before we had the lock
        yield


def check_file(path: Path, *, overwrite: bool, is_ours: Callable[[Path], bool] | None) -> None:
    """Raises InputError for an output file that must not be written; see `output_file`."""
    if path.name in ("", "..") or path.is_dir():
        raise InputError(f"{path}: is a folder; pass the name of a file as --output")
    if path.is_symlink():
        raise InputError(f"{path}: is a symbolic link, which is not followed; choose another --output")
    if not path.exists():
        return
    if not path.is_file():
        raise InputError(f"{path}: is a device or pipe, not a file; choose another --output")
    if is_ours is None:
        raise InputError(f"{path}: already exists; choose another --output")
    if not overwrite:
        raise InputError(f"{path}: already exists; choose another --output or pass --overwrite")
    if not is_ours(path):
        raise InputError(
            f"{path}: already exists and was not written by this command, so --overwrite does not replace it; "
            "choose another --output"
        )


@contextmanager
def hold(output: Path) -> Iterator[None]:
    """Lock an output for this process while the block runs, with `.NAME.lock` next to it, which is removed afterwards.

    The lock is released by the kernel (`flock`) if the process dies. Missing parent folders are created, and removed
    again if they stay empty.

    Raises:
        InputError: another process holds the lock, or the folder cannot be written.
    """
    try:
        with disk_faults(output):
            path = Path.cwd() / output.with_name(f".{output.name}.lock")
            missing = [folder for folder in path.parents if not folder.exists()]
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = _acquire(path, output)
    except FileNotFoundError as error:  # the current folder does not exist any more, or a virtual file system
        raise InputError(f"{output}: cannot be written ({error.strerror}); choose another --output") from None
    try:
        yield
    finally:
        with suppress(
            OSError
        ):  # while locked, so that processes that have opened this file notice that it is no longer at the path
            path.unlink()
        lock.release()
        for folder in missing:
            with suppress(OSError):
                folder.rmdir()


def wait_for(output: Path, seconds: float = 30) -> None:
    """Wait until no other process is writing an output, for a process that is known to end soon.

    Raises:
        InputError: another process is still writing it after so many seconds, or the folder cannot be written.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            with hold(output):
                return
        except InputError:
            if time.monotonic() > end:
                raise
        time.sleep(_LOOK)


def _acquire(path: Path, output: Path) -> FileLock:
    """Lock the file that is at this path on return, not one that a former holder has just removed."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        try:
            lock = FileLock(path, timeout=0)
            try:
                lock.acquire()
            except Timeout:
                raise InputError(
                    f"{output}: another process is writing it; wait for it to end or choose another --output"
                ) from None
            # The path referred to this file both before and after locking, so it is the locked one.
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), path.stat()):
                    return lock
            lock.release()
        finally:
            os.close(descriptor)
