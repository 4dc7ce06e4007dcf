"""The folder of all cached vectors: one folder per embedder's fingerprint, with files of blocks in it.

Blocks are only added and removed, never changed, so any number of processes may read, write and evict at once: whoever
has a block open keeps it, whoever finds it gone computes it. A block's modification time is when it was last used.
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
"""What the marker calls the folder."""
_TOUCH_SECONDS = 3600.0  # a block's time of use is that exact
_STALE_SECONDS = 3600.0  # what a killed writer left is removed then
_LEFT_BEHIND = re.compile(r"\.[0-9a-f]{32}(\.safetensors)?\.[0-9a-f]+\.partial")
_KEPT = 0.9  # of the limit, after an eviction: so that not every block evicts one


@dataclass(frozen=True)
class CacheEntry:
    """What the cache holds of one embedder. last_use: seconds since 1970; damaged: blocks that cannot be read."""

    fingerprint: str
    name: str
    sentences: int
    tokens: int
    bytes: int
    last_use: float
    damaged: tuple[Path, ...]


def touch(path: Path) -> None:
    """Note that a block is used, at most once an hour: reading must not cost a write."""
    now = time.time()
    try:
        if now - path.stat().st_mtime > _TOUCH_SECONDS:
            os.utime(path)
    except OSError:
        pass  # it was evicted, or the cache is another's and may only be read


class Room:
    """Room for new blocks below a limit in bytes, made by removing those that were used the longest ago.

    The folder is looked through only when a quarter of what was free the last time has been written: several processes
    may write at once, and a call must not cost more because the cache is large.
    """

    def __init__(self, root: Path, limit: float) -> None:
        self.root, self.limit = root, limit
        self._left = -1.0  # bytes that may be written before the folder is looked through again

    def make(self, incoming: int) -> bool:
        """Make room for that many bytes. Returns False if they are more than the limit."""
        if incoming > self.limit:
            return False
        self._left -= incoming
        if self._left < 0:
            self._left = (self.limit - evict(self.root, self.limit, incoming)) / 4
        return True


def evict(root: Path, limit: float, incoming: int) -> float:
    """Remove the least recently used blocks of all embedders where `incoming` more bytes would pass the limit.

    Returns the bytes in use when the new ones have been written.
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
                continue  # in use, on a system that does not remove such files
    return total


def entries(root: Path, *, check: bool = False) -> Iterator[CacheEntry]:
    """What is cached, by fingerprint. check: read every vector, rather than the columns alone."""
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
    """Mark the folder as ours. `root` may be a link to a folder on another disk.

    Raises:
        InputError: the disk refuses.
    """
    if kind_of(root.resolve()) != KIND:
        mark(root.resolve(), KIND)


def clear(root: Path, fingerprints: list[str]) -> None:
    """Remove all that is cached of these embedders; files that are not the cache's stay.

    Raises:
        InputError: a folder without our marker.
        OSError: the disk refuses.
    """
    if fingerprints and kind_of(root.resolve()) != KIND:
        raise InputError(
            f"{root}: is not a {KIND} that elmo-tasks made (no such {MARKER} file in it), so nothing was removed; "
            "check ELMO_TASKS_CACHE"
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
