"""Reading and writing files: each appears whole or not at all, and a fault of the disk is one line."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from elmo_tasks.core.errors import InputError

SIGNATURE = "made by elmo-tasks"
"""Stands near the beginning of every picture and page that we write, so that `--overwrite` knows its own."""

_LEFT_BEHIND = re.compile(r"\..+\.[0-9a-f]{12}\.partial")
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ELOOP)
_FULL_WORDS = ("No space left", "File too large", "errno = 28", "errno = 27", "Disk quota exceeded")


@contextmanager
def disk_faults(path: Path) -> Iterator[None]:
    """Turn a fault of the disk into one line that names `path`; any other exception passes.

    Raises:
        InputError: the disk is full, a quota is used up, or a file or folder cannot be written.
    """
    try:
        yield
    except Exception as error:
        fault = disk_fault(error)
        if fault is None or isinstance(error, InputError):
            raise
        raise InputError(f"{path}: {fault}") from None


def disk_fault(error: BaseException) -> str | None:
    """What the disk or the system refuses, and what to do; None if the exception is about something else.

    h5py, safetensors and pyarrow report a full disk in words of their own, so these are recognised by their text.
    """
    number = error.errno if isinstance(error, OSError) else None
    if number in _FULL or (number is None and any(words in str(error) for words in _FULL_WORDS)):
        return "no space left on this disk; free some or choose another --output"
    if number in _REFUSED:
        reason = "a file is in the way" if number == errno.EEXIST else os.strerror(number)
        return f"cannot be written ({reason}); choose another --output"
    if number == errno.ENAMETOOLONG:
        return "this name is too long for the file system; choose a shorter one"
    if number in (errno.EMFILE, errno.ENFILE):
        return "too many open files; raise the limit with `ulimit -n`"
    if number == errno.EIO:
        return "the disk reports an input/output error; try again or use another disk"
    return None


@contextmanager
def atomic_file(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Write a file whole or not at all: write to the path that is yielded, and it takes the name `path` at the end.

    The temporary file is next to `path`, under a name that nobody can predict; it is removed if the block fails. The
    finished file has the permissions that the umask gives.

    Args:
        path: the file to write or to replace. A symbolic link of this name is replaced, not followed.
        durable: wait until the disk has the file, so that it also survives a power failure.

    Raises:
        OSError: the folder is missing or cannot be written, or the disk is full.
    """
    partial = _new_file(path)
    try:
        mode = partial.stat().st_mode
        yield partial
        partial.chmod(mode)  # some libraries replace the file by one that only its owner may read
        if durable:
            sync(partial)
        partial.replace(path)
        if durable:
            with suppress(OSError):  # not every file system can
                sync(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def hidden_name(path: Path, suffix: str) -> Path:
    """An unpredictable hidden name next to `path`, short enough for every file system."""
    return path.with_name(f".{path.name[:60]}.{secrets.token_hex(6)}{suffix}")


def remove_left_behind(folder: Path) -> None:
    """Remove what killed calls of `atomic_file` left in a folder of ours that this process holds, and below it."""
    for path in folder.rglob(".*.partial"):
        if is_left_behind(path):
            path.unlink(missing_ok=True)


def is_left_behind(path: Path, name: str = "") -> bool:
    """Whether this is a temporary file of a killed call of `atomic_file`, for a file of this name or for any."""
    return bool(_LEFT_BEHIND.fullmatch(path.name)) and path.name.startswith(f".{name}") and not path.is_dir()


def _new_file(path: Path) -> Path:
    while True:
        partial = hidden_name(path, ".partial")
        try:
            # O_EXCL follows no link; the mode is what the umask leaves of 0666.
            os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        except FileExistsError:
            continue
        return partial


def sync(path: Path) -> None:
    """Wait until the disk has a file or folder, so that it survives a power failure."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def standard_input() -> BinaryIO:
    """Standard input as bytes. Raises InputError where it is closed."""
    if sys.stdin is None:
        raise InputError("standard input is closed; give the name of a file")
    return sys.stdin.buffer


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all. Raises InputError when the disk refuses."""
    with disk_faults(path), atomic_file(path) as partial:
        partial.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 file whole or not at all. Raises InputError when the disk refuses."""
    with disk_faults(path), atomic_file(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write JSON, keys in the order given, numbers exact."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Read JSON. Raises InputError when the file is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path.parent}: not a run folder: it has no {path.name}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (ValueError, RecursionError) as error:  # not JSON, not UTF-8, or a number of too many digits
        raise InputError(f"{path}: expected JSON, got a damaged file ({error})") from None


def checksum(path: Path) -> str:
    """Of a file's bytes, as we store it for files that we read back. Raises OSError when it cannot be read."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def read_object(path: Path, **keys: type | tuple[type, ...]) -> dict[str, Any]:
    """Read a JSON object that we wrote. Our own files are checked like anybody's.

    Args:
        path: the file.
        keys: what it must have, each with the type or types of its value.

    Raises:
        InputError: the file is missing or damaged, holds something else, or lacks a key or has another type there.
    """
    value = read_json(path)
    if not isinstance(value, dict):
        raise InputError(f"{path}: damaged: expected a JSON object, got {type(value).__name__}")
    for key, kind in keys.items():
        if key not in value:
            raise InputError(f"{path}: damaged: it has no {key!r}")
        if not isinstance(value[key], kind) or isinstance(value[key], bool):
            raise InputError(f"{path}: damaged: {key!r} is of the type {type(value[key]).__name__}")
    return value


def json_keys(path: Path) -> frozenset[str]:
    """The keys of the JSON object in a file; none if it holds anything else."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return frozenset()
    return frozenset(value) if isinstance(value, dict) else frozenset()


def is_signed(path: Path) -> bool:
    """Whether a picture or page says that we made it."""
    with suppress(OSError), path.open("rb") as file:
        return SIGNATURE.encode() in file.read(8192)
    return False
