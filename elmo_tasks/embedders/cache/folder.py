"""The folder of all cached vectors: a folder an embedder's fingerprint, files of blocks in it.

Blocks are only added and removed, never changed, so any number of processes may read, write and evict at once: who has
a block open keeps it, who finds it gone computes it. A block's modification time is when it was last used.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from elmo_tasks.embedders.cache.block import SUFFIX, Block, DamagedBlock

_TOUCH_SECONDS = 3600.0  # a block's time of use is that exact
_STALE_SECONDS = 3600.0  # what a killed writer left is removed then
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


def evict(root: Path, limit: float, incoming: int) -> None:
    """Remove the least recently used blocks of all embedders where `incoming` more bytes would pass the limit."""
    blocks, total = [], 0
    for path in root.glob("*/*"):
        try:
            state = path.stat()
            if path.suffix == SUFFIX:
                blocks.append((state.st_mtime, state.st_size, path))
                total += state.st_size
            elif path.suffix == ".partial" and time.time() - state.st_mtime > _STALE_SECONDS:
                path.unlink(missing_ok=True)
        except OSError:
            continue  # another process was faster
    if total + incoming <= limit:
        return
    for _, size, path in sorted(blocks):
        if total + incoming <= _KEPT * limit:
            break
        path.unlink(missing_ok=True)
        total -= size


def entries(root: Path, *, check: bool = False) -> Iterator[CacheEntry]:
    """What is cached, by fingerprint. check: read every vector, rather than the columns alone."""
    for folder in sorted(path for path in root.glob("*") if path.is_dir()):
        names, tokens, damaged = set[str](), dict[bytes, int](), []
        size, last_use = 0, 0.0
        for path in sorted(folder.glob(f"*{SUFFIX}")):
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


def clear(root: Path, fingerprints: list[str]) -> None:
    """Remove all that is cached of these embedders. Raises OSError when the disk refuses."""
    for fingerprint in fingerprints:
        shutil.rmtree(root / fingerprint)
