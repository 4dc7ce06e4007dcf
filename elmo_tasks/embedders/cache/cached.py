"""Frozen vectors on disk, so that a biLM reads a sentence once and not once an epoch."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from pathlib import Path

from safetensors import SafetensorError
from torch import Tensor

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.paths import cache_limit
from elmo_tasks.embedders.cache.block import SUFFIX, Block, DamagedBlock, Row, key_of, pack, unpack, write_block
from elmo_tasks.embedders.cache.folder import evict, touch
from elmo_tasks.embedders.protocol import Embedder, Sentences

_SENTENCES, _TOKENS = 512, 16384  # most of a block, and so what a killed writer can lose


class CachedEmbedder:
    """The same protocol as the embedder inside; what was computed before is read from `folder/FINGERPRINT`.

    Vectors come back as they are stored, in 16 bits, also when they were computed just now: a run does not depend on
    whether the cache was warm. A damaged block is removed and computed again. limit: most bytes of all that is in
    `folder`, of this embedder and others; None asks `paths.cache_limit`.
    """

    def __init__(self, inner: Embedder, folder: Path, limit: float | None = None) -> None:
        self.inner, self.root, self.folder = inner, folder, folder / inner.fingerprint
        self.name, self.n_layers, self.width = inner.name, inner.n_layers, inner.width
        self.limit = cache_limit() if limit is None else limit
        self._known: dict[Path, list[bytes]] = {}  # the keys of each block, in order
        self._index: dict[bytes, tuple[Path, int]] = {}  # where a sentence is: block and row

    @property
    def fingerprint(self) -> str:
        """That of the embedder inside: a model trained on 16 bits of its vectors takes 32 as well."""
        return self.inner.fingerprint

    @property
    def parameters(self) -> int:
        """Those of the embedder inside."""
        return self.inner.parameters

    def embed(self, sentences: Sentences) -> list[Tensor]:
        """One (L, T, D) float32 tensor a sentence.

        Raises:
            InputError: the folder cannot be written, or its disk is full.
        """
        keys = [key_of(words) for words in sentences]
        wanted = dict(zip(keys, sentences, strict=True))
        self._look_for_blocks()
        found = self._read(wanted)
        # By length, so that each block's sentences batch well.
        missing = sorted(wanted.keys() - found.keys(), key=lambda key: (len(wanted[key]), key))
        for block in _blocks(missing, [len(wanted[key]) for key in missing]):
            vectors = self.inner.embed([wanted[key] for key in block])
            rows = {key: pack(layers) for key, layers in zip(block, vectors, strict=True)}
            self._write(rows)
            found.update((key, unpack(row, self.n_layers, self.width)) for key, row in rows.items())
        return [found[key] for key in keys]

    def _look_for_blocks(self) -> None:
        """Take up blocks that have come since, of this process or another."""
        for path in sorted(set(self.folder.glob(f"*{SUFFIX}")) - self._known.keys()):
            try:
                self._take_up(path, Block(path).keys)
            except FileNotFoundError:
                continue  # evicted meanwhile
            except DamagedBlock:
                self._drop(path)

    def _read(self, wanted: dict[bytes, Sequence[str]]) -> dict[bytes, Tensor]:
        """What the index has of the sentences, block by block."""
        by_block: dict[Path, list[tuple[bytes, int]]] = {}
        for key in wanted:
            if key in self._index:
                path, row = self._index[key]
                by_block.setdefault(path, []).append((key, row))
        found: dict[bytes, Tensor] = {}
        for path, places in by_block.items():
            whole: dict[bytes, Tensor] = {}
            try:
                block = Block(path)
                for key, row in places:
                    if row >= len(block.keys) or block.keys[row] != key:
                        raise DamagedBlock(f"{path}: another block than before")
                    vectors = block.read(row)
                    if vectors.shape != (self.n_layers, len(wanted[key]), self.width):
                        raise DamagedBlock(f"{path}: vectors of another shape")
                    whole[key] = vectors
            except FileNotFoundError:
                self._forget(path)  # evicted
            except DamagedBlock:
                self._drop(path)
            else:
                found.update(whole)
                touch(path)
        return found

    def _take_up(self, path: Path, keys: list[bytes]) -> None:
        self._known[path] = keys
        self._index.update((key, (path, row)) for row, key in enumerate(keys))

    def _forget(self, path: Path) -> None:
        for key in self._known.pop(path, []):
            if self._index.get(key, (None,))[0] == path:
                del self._index[key]

    def _drop(self, path: Path) -> None:
        self._forget(path)
        try:
            path.unlink(missing_ok=True)
        except OSError:
            self._known[path] = []  # it cannot be removed: it is not looked at again

    def _write(self, rows: dict[bytes, Row]) -> None:
        size = sum(2 * len(row.values) for row in rows.values())
        if size > self.limit:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            evict(self.root, self.limit, size)
            path = write_block(self.folder, self.name, rows, self.n_layers, self.width)
        except (OSError, SafetensorError) as error:
            full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error)
            fault = "no space left for the cache of vectors" if full else "expected a writable cache folder"
            raise InputError(
                f"{self.folder}: {fault} ({error}); free disk space, lower ELMO_TASKS_CACHE_LIMIT or set "
                "ELMO_TASKS_CACHE to a folder on another disk"
            ) from None
        self._take_up(path, list(rows))


def _blocks(keys: list[bytes], lengths: list[int]) -> Iterator[list[bytes]]:
    """Cut where a block would have too many sentences or tokens; it has one sentence at least."""
    block: list[bytes] = []
    tokens = 0
    for key, length in zip(keys, lengths, strict=True):
        if block and (len(block) == _SENTENCES or tokens + length > _TOKENS):
            yield block
            block, tokens = [], 0
        block.append(key)
        tokens += length
    if block:
        yield block
