"""The place that `--output` names: checked before any work begins, and held by one process at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import disk_faults


def output_folder(path: Path) -> Path:
    """The folder that an output names, with a last part that is a name (`.` and `..` have none).

    Raises:
        InputError: a symbolic link, a file, or the root folder.
    """
    if path.name in ("", ".."):
        path = path.resolve()
    if not path.name:
        raise InputError(f"{path}: is the root folder; give --output the name of a new folder")
    if path.is_symlink():
        raise InputError(f"{path}: is a symbolic link, which is not followed; give the folder's own name")
    if path.exists() and not path.is_dir():
        raise InputError(f"{path}: is a file, not a folder; choose another --output")
    return path


def new_output_folder(path: Path) -> Path:
    """As `output_folder`, for a folder that appears when it is whole: the current folder cannot be replaced.

    Raises:
        InputError: as `output_folder`; or the current folder or one above it.
    """
    folder = output_folder(path)
    if Path.cwd().is_relative_to(folder.resolve()):
        raise InputError(f"{path}: is the current folder or contains it; give --output the name of a new folder")
    return folder


@contextmanager
def output_file(
    path: Path, *, overwrite: bool = False, is_ours: Callable[[Path], bool] | None = None
) -> Iterator[None]:
    """Hold an output file while it is made, having checked that it may be written.

    Args:
        path: the file; missing folders above it are made.
        overwrite: whether an earlier file of ours may be replaced.
        is_ours: whether a file is one that the same command wrote; None for a command that replaces nothing.

    Raises:
        InputError: a folder, a link, a file that is there and may not be replaced, a place that cannot be written, or
            another process that writes it.
    """
    with ExitStack() as stack:
        check_file(path, overwrite=overwrite, is_ours=is_ours)
        stack.enter_context(hold(path))
        check_file(path, overwrite=overwrite, is_ours=is_ours)  # again: it may have come before we had the lock
        yield


def check_file(path: Path, *, overwrite: bool, is_ours: Callable[[Path], bool] | None) -> None:
    """Refuse an output file that may not be written; see `output_file`."""
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
            f"{path}: already exists and was not written by this command, so --overwrite leaves it alone; "
            "choose another --output"
        )


@contextmanager
def hold(output: Path) -> Iterator[None]:
    """Hold an output for this process: `.NAME.lock` next to it, locked while the block runs and removed afterwards.

    The lock is the kernel's (`flock`), so a process that has died holds nothing, whatever it left behind. Missing
    folders above the output are made, and removed again if nothing was put into them.

    Raises:
        InputError: another process holds it, or the place cannot be written.
    """
    try:
        with disk_faults(output):
            path = Path.cwd() / output.with_name(f".{output.name}.lock")
            missing = [folder for folder in path.parents if not folder.exists()]
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = _acquire(path, output)
    except FileNotFoundError as error:  # the current folder is gone, or a file system of the kernel's
        raise InputError(f"{output}: cannot be written ({error.strerror}); choose another --output") from None
    try:
        yield
    finally:
        with suppress(OSError):  # while it is held: who opened this file before finds out that it is not the path's
            path.unlink()
        lock.release()
        for folder in missing:
            with suppress(OSError):
                folder.rmdir()


def _acquire(path: Path, output: Path) -> FileLock:
    """Lock the file that has this path at the time of return, not one that a former holder has just removed."""
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
            # The path named this very file before and after the lock was taken, so it is the one that is locked.
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), path.stat()):
                    return lock
            lock.release()
        finally:
            os.close(descriptor)
