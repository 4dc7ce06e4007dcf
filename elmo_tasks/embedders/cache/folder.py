"""The folder of all cached vectors: one subfolder per embedder fingerprint, with block files.

Blocks are only added and removed, never changed, so any number of processes may read, write and evict at the same time:
a process that has a block open can still read it, any other computes the vectors again. The modification time of a
block is the time of its last use.
"""

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.folders import MARKER, kind_of, mark
from elmo_tasks.embedders.cache.block import Block, DamagedBlock, is_block
from elmo_tasks.embedders.cache.index import LOCK

KIND = "cache of vectors"
"""The kind of the folder in its marker."""
_TOUCH_SECONDS = 3600.0  # resolution of a block's time of last use
_STALE_SECONDS = 3600.0  # age after which files left by a killed writer are removed
_LEFT_BEHIND = re.compile(r"\.[0-9a-f]{32}(\.safetensors)?\.[0-9a-f]+\.partial")
_KEPT = 0.9  # fraction of the limit kept after an eviction, so that not every new block evicts another


@dataclass(frozen=True)
class CacheEntry:
    """The cached vectors of one embedder. last_use: seconds since 1970; damaged: blocks that cannot be read."""

    fingerprint: str
    name: str
    sentences: int
    tokens: int
    bytes: int
    last_use: float
    damaged: tuple[Path, ...]


def touch(path: Path) -> None:
    """Record that a block was used, at most once per hour, so that reads do not cause writes."""
    now = time.time()
    try:
        if now - path.stat().st_mtime > _TOUCH_SECONDS:
            os.utime(path)
    except OSError:
        pass  # it was evicted, or the cache is read-only


class Room:
    """Keeps the cache below a limit in bytes by removing the least recently used blocks.

    The folder is scanned only after a quarter of the space that was free at the last scan has been written: several
    processes may write at the same time, and calls must not become slower because the cache is large.
    """

    def __init__(self, root: Path, limit: float) -> None:
        self.root, self.limit = root, limit
        self._left = -1.0  # bytes that may be written before the folder is scanned again

    def make(self, incoming: int) -> bool:
        """Make room for `incoming` bytes. Returns False if they exceed the limit."""
        if incoming > self.limit:
            return False
        self._left -= incoming
        if self._left < 0:
            self._left = (self.limit - evict(self.root, self.limit, incoming)) / 4
        return True


def evict(root: Path, limit: float, incoming: int) -> float:
    """Remove the least recently used blocks of all embedders if `incoming` more bytes would exceed the limit.

    Returns the bytes in use after the new ones have been written.
    """
    blocks, total = [], incoming
    for path in root.glob("*/*"):
        try:
            state = path.stat()
            if is_block(path.name):
                blocks.append((state.st_mtime, state.st_size, path))
                total += state.st_size
            elif _LEFT_BEHIND.fullmatch(path.name) and time.time() - state.st_mtime > _STALE_SECONDS:
                path.unlink(missing_ok=True)
        except OSError:
            continue  # another process was faster
    if total > limit:
        for _, size, path in sorted(blocks):
            if total <= _KEPT * limit:
                break
            try:
                path.unlink(missing_ok=True)
                total -= size
            except OSError:
                continue  # in use, on a system that cannot remove such files
    return total


def entries(root: Path, *, check: bool = False) -> Iterator[CacheEntry]:
    """List what is cached, by fingerprint. check: read all vectors instead of only the columns."""
    for folder in sorted(path for path in root.glob("*") if path.is_dir()):
        paths = sorted(path for path in folder.iterdir() if is_block(path.name))
        if not paths:
            continue
        names, tokens, damaged = set[str](), dict[bytes, int](), []
        size, last_use = 0, 0.0
        for path in paths:
            try:
                state = path.stat()
                block = Block(path)
                lengths = {key: block.tokens(row) for row, key in enumerate(block.keys)}
                if check:
                    for row in range(len(block.keys)):
                        block.read(row)
            except FileNotFoundError:
                continue  # evicted meanwhile
            except DamagedBlock:
                damaged.append(path)
            else:
                names.add(block.name)
                tokens.update(lengths)
            size, last_use = size + state.st_size, max(last_use, state.st_mtime)
        yield CacheEntry(
            folder.name, " ".join(sorted(names)), len(tokens), sum(tokens.values()), size, last_use, tuple(damaged)
        )


def claim(root: Path) -> None:
    """Write our marker into the folder. `root` may be a link to a folder on another disk.

    Raises:
        InputError: the marker cannot be written.
    """
    if kind_of(root.resolve()) != KIND:
        mark(root.resolve(), KIND)


def clear(root: Path, fingerprints: list[str]) -> None:
    """Remove all cached vectors of these embedders; other files are kept.

    Raises:
        InputError: the folder does not have our marker.
        OSError: a file cannot be removed.
    """
    if fingerprints and kind_of(root.resolve()) != KIND:
        raise InputError(
            f"{root}: not a {KIND} made by elmo-tasks (there is no {MARKER} file), so nothing was removed; check "
            "ELMO_TASKS_CACHE"
        )
    for fingerprint in fingerprints:
        folder = root / fingerprint
        for path in folder.iterdir():
            if is_block(path.name) or _LEFT_BEHIND.fullmatch(path.name) or path.name == LOCK:
                path.unlink(missing_ok=True)
        try:
            folder.rmdir()
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
