"""An up-to-date index of one embedder's cache folder, and the merging of small blocks.

Each call to a server may add a block of one sentence. Whenever there are eight blocks of about the same size, they are
merged into one, so the folder always has few files, and a vector is rewritten at most three times. A merged block gets
its name before the blocks that it replaces are removed, so that each sentence is in at least one block whenever a
process is killed.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout

from elmo_tasks.embedders.cache.block import Block, DamagedBlock, PackedLayers, is_block, write_block

MOST_SENTENCES, MOST_TOKENS = 512, 16384  # per block: what a killed writer can lose, and what is in memory at once
LOCK = ".merging.lock"
_MERGED = 8  # number of blocks merged into one
_SETTLED_NS = (
    2 * 10**9
)  # resolution of folder times: a more recent change may be followed by another with the same time


class Place(NamedTuple):
    """The block and row of a sentence."""

    block: Block
    row: int


class BlockIndex:
    """The blocks of one folder, as known to this process. Any number of threads may use it."""

    def __init__(self, folder: Path, name: str, n_layers: int, width: int) -> None:
        """name: the name of the embedder, which is written into blocks; n_layers, width: the shape of its vectors."""
        self.folder, self.name, self.n_layers, self.width = folder, name, n_layers, width
        self._lock = threading.RLock()
        self._blocks: dict[str, Block] = {}  # by file name
        self._places: dict[bytes, Place] = {}
        self._seen: tuple[int, int] | None = None  # the folder's time and number when it was listed

    def find(self, keys: Iterable[bytes]) -> dict[bytes, Place]:
        """The places of those sentences that are cached. Lists the folder only if it has changed."""
        with self._lock:
            self._refresh()
            return {key: self._places[key] for key in keys if key in self._places}

    def write(self, rows: Mapping[bytes, PackedLayers]) -> Block:
        """Add a block of these sentences.

        Raises:
            OSError, SafetensorError: the file cannot be written.
            FileNotFoundError: another process has already removed it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        block = Block(write_block(self.folder, self.name, rows, self.n_layers, self.width))
        with self._lock:
            self._take_up(block)
        return block

    def drop(self, block: Block) -> None:
        """Forget a damaged block and remove its file."""
        with self._lock:
            if self._blocks.get(block.path.name) is block:
                self._forget(block.path.name)
                _remove(block.path)

    def merge(self) -> None:
        """Merge small blocks if there are many. Only one process does so at a time, without blocking the others.

        Raises:
            OSError, SafetensorError: the merged block cannot be written; nothing is lost.
        """
        with self._lock:
            if self._crowd():
                try:
                    with FileLock(self.folder / LOCK, timeout=0):
                        self._refresh()  # another process may just have merged them
                        if crowd := self._crowd():
                            self._replace(crowd)
                except Timeout:
                    pass

    def _refresh(self) -> None:
        try:
            state = self.folder.stat()
            now = time.time_ns()
            if self._seen == (state.st_mtime_ns, state.st_ino):
                return
            names = {path.name for path in self.folder.iterdir() if is_block(path.name)}
        except (FileNotFoundError, NotADirectoryError):
            self._seen, self._blocks, self._places = None, {}, {}
            return
        for gone in self._blocks.keys() - names:
            self._forget(gone)
        for new in sorted(names - self._blocks.keys()):
            try:
                block = Block(self.folder / new)
                if (block.n_layers, block.width) != (self.n_layers, self.width):
                    raise DamagedBlock(f"{block.path}: the vectors have another shape")
                self._take_up(block)
            except FileNotFoundError:
                continue  # evicted or merged meanwhile
            except DamagedBlock:
                _remove(self.folder / new)
        settled = now - state.st_mtime_ns > _SETTLED_NS
        self._seen = (state.st_mtime_ns, state.st_ino) if settled else None

    def _take_up(self, block: Block) -> None:
        self._blocks[block.path.name] = block
        self._places.update((key, Place(block, row)) for row, key in enumerate(block.keys))

    def _forget(self, name: str) -> None:
        block = self._blocks.pop(name)
        for key in block.keys:
            place = self._places.get(key)
            if place is not None and place.block is block:
                del self._places[key]

    def _crowd(self) -> list[Block]:
        """Blocks of about the same size to merge, or an empty list."""
        tiers: dict[int, list[Block]] = defaultdict(list)
        for block in self._blocks.values():
            if len(block.keys) <= MOST_SENTENCES // 2 and block.n_tokens <= MOST_TOKENS // 2:
                tier = tiers[int(math.log(max(1, len(block.keys)), _MERGED))]
                tier.append(block)
                if len(tier) == _MERGED:
                    return tier
        return []

    def _replace(self, blocks: list[Block]) -> None:
        """Write new blocks with all their sentences, then remove the old ones."""
        places = {key: Place(block, row) for block in blocks for row, key in enumerate(block.keys)}
        lengths = {key: place.block.tokens(place.row) for key, place in places.items()}
        keys = sorted(places, key=lambda key: (lengths[key], key))  # sentences of similar length batch well
        parts = list(
            cut(keys, [lengths[key] for key in keys])
        )  # fewer blocks: of two neighbours, one is at least half full
        last_use = max(_modified(block.path) for block in blocks)
        merged = set()
        for part in parts:
            rows = {}
            for key in part:
                block, row = places[key]
                try:
                    rows[key] = block.checked(row)
                except DamagedBlock:
                    self.drop(block)
                    return  # the next call tries again
            path = self.write(rows).path
            os.utime(path, (last_use, last_use))
            merged.add(path.name)
        for block in blocks:
            if block.path.name not in merged:
                self._forget(block.path.name)
                _remove(block.path)


def cut(keys: list[bytes], lengths: list[int]) -> Iterator[list[bytes]]:
    """Split keys so that no block has too many sentences or tokens; each has at least one sentence."""
    block: list[bytes] = []
    tokens = 0
    for key, length in zip(keys, lengths, strict=True):
        if block and (len(block) == MOST_SENTENCES or tokens + length > MOST_TOKENS):
            yield block
            block, tokens = [], 0
        block.append(key)
        tokens += length
    if block:
        yield block


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _remove(path: Path) -> None:
    with suppress(OSError):  # the cache of another user, or a file in use on a system that cannot remove those
        path.unlink(missing_ok=True)
