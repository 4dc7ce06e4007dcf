"""Read and write files: written files appear complete or not at all, and disk errors become one-line messages."""

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
"""Written near the beginning of every picture and page, so that `--overwrite` recognises our own files."""

_LEFT_BEHIND = re.compile(r"\..+\.[0-9a-f]{12}\.partial")
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ELOOP)
_FULL_WORDS = ("No space left", "File too large", "errno = 28", "errno = 27", "Disk quota exceeded")


@contextmanager
def disk_faults(path: Path) -> Iterator[None]:
    """Convert disk errors within the block to one-line messages with `path`; other exceptions are not changed.

    Raises:
        InputError: the disk is full, a quota is exceeded, or a file or folder cannot be written.
    """
    try:
        yield
    except Exception as error:
        fault = disk_fault(error)
        if fault is None or isinstance(error, InputError):
            raise
        raise InputError(f"{path}: {fault}") from None


def disk_fault(error: BaseException) -> str | None:
    """A message for a disk or system error, with what to do; None for other exceptions.

    h5py, safetensors and pyarrow report a full disk in their own words, which are recognised by their text.
    """
    number = error.errno if isinstance(error, OSError) else None
    if number in _FULL or (number is None and any(words in str(error) for words in _FULL_WORDS)):
        return "no space left on this disk; free some space or choose another --output"
    if number in _REFUSED:
        reason = "a file is in the way" if number == errno.EEXIST else os.strerror(number)
        return f"cannot be written ({reason}); choose another --output"
    if number == errno.ENAMETOOLONG:
        return "the name is too long for the file system; choose a shorter one"
    if number in (errno.EMFILE, errno.ENFILE):
        return "too many open files; raise the limit with `ulimit -n`"
    if number == errno.EIO:
        return "the disk reported an input/output error; try again or use another disk"
    return None


@contextmanager
def atomic_file(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Write a file completely or not at all: write to the yielded path, which is renamed to `path` at the end.

    The temporary file is next to `path` and has an unpredictable name; it is removed if the block fails. The finished
    file has the permissions given by the umask.

    Args:
        path: the file to write or replace. A symbolic link is replaced, not followed.
        durable: wait until the file is on disk, so that it survives a power failure.

    Raises:
        OSError: the folder is missing or cannot be written, or the disk is full.
    """
    partial = _new_file(path)
    try:
        mode = partial.stat().st_mode
        yield partial
        partial.chmod(mode)  # some libraries replace the file by one that only its owner can read
        if durable:
            sync(partial)
        partial.replace(path)
        if durable:
            with suppress(OSError):  # not supported by all file systems
                sync(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def hidden_name(path: Path, suffix: str) -> Path:
    """An unpredictable hidden name next to `path`, short enough for every file system."""
    return path.with_name(f".{path.name[:60]}.{secrets.token_hex(6)}{suffix}")


def remove_left_behind(folder: Path) -> None:
    """Remove temporary files left by killed calls of `atomic_file` in a folder locked by this process, recursively."""
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
            # O_EXCL does not follow links; the mode is 0666 without the umask.
            os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        except FileExistsError:
            continue
        return partial


def sync(path: Path) -> None:
    """Wait until a file or folder is on disk, so that it survives a power failure."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def standard_input() -> BinaryIO:
    """Standard input as bytes. Raises InputError if it is closed."""
    if sys.stdin is None:
        raise InputError("standard input is closed; give the name of a file")
    return sys.stdin.buffer


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file completely or not at all. Raises InputError if it cannot be written."""
    with disk_faults(path), atomic_file(path) as partial:
        partial.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 file completely or not at all. Raises InputError if it cannot be written."""
    with disk_faults(path), atomic_file(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write JSON with keys in the given order and exact numbers. Raises InputError if it cannot be written."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Read JSON. Raises InputError if the file is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path.parent}: not a run folder: it has no {path.name}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (ValueError, RecursionError) as error:  # not JSON, not UTF-8, or a number with too many digits
        raise InputError(f"{path}: damaged: not valid JSON ({error})") from None


def checksum(path: Path) -> str:
    """The checksum of a file, as stored for files that are read back. Raises OSError if it cannot be read."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def read_object(path: Path, **keys: type | tuple[type, ...]) -> dict[str, Any]:
    """Read a JSON object that we wrote. Our own files are checked like any others.

    Args:
        path: the file.
        keys: the required keys, each with the type or types of its value.

    Raises:
        InputError: the file is missing or damaged, is not an object, lacks a key, or a value has the wrong type.
    """
    value = read_json(path)
    if not isinstance(value, dict):
        raise InputError(f"{path}: damaged: must be a JSON object, not {type(value).__name__}")
    for key, kind in keys.items():
        if key not in value:
            raise InputError(f"{path}: damaged: the key {key!r} is missing")
        if not isinstance(value[key], kind) or isinstance(value[key], bool):
            raise InputError(f"{path}: damaged: {key!r} has the wrong type {type(value[key]).__name__}")
    return value


def json_keys(path: Path) -> frozenset[str]:
    """The keys of the JSON object in a file; empty if it contains anything else."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return frozenset()
    return frozenset(value) if isinstance(value, dict) else frozenset()


def is_signed(path: Path) -> bool:
    """Whether a picture or page has our signature."""
    with suppress(OSError), path.open("rb") as file:
        return SIGNATURE.encode() in file.read(8192)
    return False
