"""A seal shows that this user wrote a file on this machine; it is made with a key in the user's cache folder."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

from filelock import FileLock

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import hidden_name, write_text
from elmo_tasks.core.paths import cache_root

SEAL = ".seal"
"""The name of the seal, a file next to the sealed one."""
_KEY_BYTES, _MOST_BYTES = 32, 1 << 21


def seal(path: Path) -> None:
    """Write the seal of a file next to it. If the cache folder cannot be written, there is no key and no seal."""
    with suppress(OSError, InputError):
        key = _key() or _new_key()
        write_text(path.with_name(SEAL), _digest(key, path) + "\n")


def is_sealed(path: Path) -> bool:
    """Whether a file is unchanged since this user wrote it, even if it has been moved."""
    try:
        if (
            not (path.is_file() and path.with_name(SEAL).is_file()) or (key := _key()) is None
        ):  # reading a pipe would block
            return False
        with path.with_name(SEAL).open("rb") as file:
            return hmac.compare_digest(file.read(100).strip(), _digest(key, path).encode())
    except (OSError, InputError):
        return False


def _digest(key: bytes, path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise InputError(f"{path}: too large to be sealed")
    return hmac.new(key, content, hashlib.sha256).hexdigest()


def _key() -> bytes | None:
    try:
        key = _key_file().read_bytes()
    except FileNotFoundError:
        return None
    return key if len(key) == _KEY_BYTES else None


def _new_key() -> bytes:
    """Make the key, unless another process does so first. Only the user can read it."""
    path = _key_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f"{path.name}.lock")):
        if (key := _key()) is not None:
            return key
        key, partial = secrets.token_bytes(_KEY_BYTES), hidden_name(path, ".partial")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key)
        partial.replace(path)
    return key


def _key_file() -> Path:
    return cache_root() / "seal.key"
