"""Frozen vectors on disk, so that a biLM reads a sentence once and not once per epoch."""

from __future__ import annotations

import errno
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError
from torch import Tensor

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.paths import cache_limit
from elmo_tasks.core.progress import report_progress
from elmo_tasks.core.sentences import checked_sentences
from elmo_tasks.embedders.cache.block import Block, DamagedBlock, PackedLayers, key_of, pack, unpack, write_block
from elmo_tasks.embedders.cache.folder import Room, claim, touch
from elmo_tasks.embedders.cache.index import BlockIndex, Place, cut
from elmo_tasks.embedders.protocol import Embedder, Sentences


class CachedEmbedder:
    """The same protocol as the embedder inside; what was computed before is read from `folder/FINGERPRINT`.

    Vectors come back as they are stored, in 16 bits, also when they were computed just now: a run does not depend on
    whether the cache was warm. A damaged block is removed and computed again. Any number of threads and processes may
    use one folder. limit: most bytes of all that is in `folder`, of this embedder and others; None asks
    `paths.cache_limit`.
    """

    def __init__(self, inner: Embedder, folder: Path, limit: float | None = None) -> None:
        self.inner, self.folder = inner, folder / inner.fingerprint
        self.name, self.n_layers, self.width = inner.name, inner.n_layers, inner.width
        self._index = BlockIndex(self.folder, inner.name, inner.n_layers, inner.width)
        self._claimed = False
        self._room = Room(folder, cache_limit() if limit is None else limit)

    @property
    def fingerprint(self) -> str:
        """That of the embedder inside: a model trained on 16 bits of its vectors takes 32 as well."""
        return self.inner.fingerprint

    @property
    def parameters(self) -> int:
        """Those of the embedder inside."""
        return self.inner.parameters

    def embed(self, sentences: Sentences) -> list[Tensor]:
        """One (L, T, D) float32 tensor per sentence.

        Raises:
            InputError: the folder cannot be written, or its disk is full.
        """
        sentences = checked_sentences(sentences)
        keys = [key_of(words) for words in sentences]
        wanted = dict(zip(keys, sentences, strict=True))
        found = self._read(wanted)
        for rows in self._compute({key: words for key, words in wanted.items() if key not in found}):
            self._keep(rows)
            found.update((key, unpack(row, self.n_layers, self.width)) for key, row in rows.items())
        return [found[key] for key in keys]

    def prepare(self, sentences: Sentences) -> StoredVectors:
        """The same vectors, computed now where they are missing but read only when they are asked for.

        What is larger than the limit of the cache is written to a temporary folder for as long as it is used.

        Raises:
            InputError: the folder cannot be written, or its disk is full.
        """
        keys = [key_of(words) for words in sentences]
        wanted = dict(zip(keys, sentences, strict=True))
        places = {
            key: place for key, place in self._find(wanted).items() if place.block.tokens(place.row) == len(wanted[key])
        }
        spilled: Path | None = None
        for rows in self._compute({key: words for key, words in wanted.items() if key not in places}):
            block = self._keep(rows)
            if block is None:
                spilled = spilled or Path(tempfile.mkdtemp(prefix="elmo-tasks-vectors-"))
                block = self._spill(rows, spilled)
            places.update((key, Place(block, row)) for row, key in enumerate(block.keys))
        return StoredVectors(self, sentences, [places[key] for key in keys], spilled)

    def _find(self, wanted: Mapping[bytes, Sequence[str]]) -> dict[bytes, Place]:
        with self._disk_faults(self.folder):
            return self._index.find(wanted)

    def _read(self, wanted: Mapping[bytes, Sequence[str]]) -> dict[bytes, Tensor]:
        """Those of the sentences that are there and sound."""
        places, found, damaged = self._find(wanted), dict[bytes, Tensor](), set[Block]()
        for key, place in places.items():
            try:
                found[key] = place.block.read(place.row)
                if found[key].shape[1] != len(wanted[key]):
                    raise DamagedBlock(f"{place.block.path}: vectors of another length")
            except DamagedBlock:
                damaged.add(place.block)
        for block in damaged:  # all of it is computed again, for what is sound in it goes with the file
            self._index.drop(block)
        for path in {places[key].block.path for key in found}:
            touch(path)
        return {key: vectors for key, vectors in found.items() if places[key].block not in damaged}

    def _compute(self, missing: Mapping[bytes, Sequence[str]]) -> Iterator[dict[bytes, PackedLayers]]:
        """Vectors by the block, sentences of like length together."""
        keys = sorted(missing, key=lambda key: (len(missing[key]), key))
        stage, done, total = f"embedding ({self.name})", 0, sum(map(len, missing.values()))
        for part in cut(keys, [len(missing[key]) for key in keys]):
            report_progress(stage, done, total)
            vectors = self.inner.embed([missing[key] for key in part])
            done += sum(len(missing[key]) for key in part)
            report_progress(stage, done, total)
            yield {key: pack(layers) for key, layers in zip(part, vectors, strict=True)}

    def _keep(self, rows: Mapping[bytes, PackedLayers]) -> Block | None:
        """Write a block into the cache; None if it is larger than the limit, or if it was removed at once."""
        if not self._room.make(sum(2 * len(row.values) for row in rows.values())):
            return None
        with self._disk_faults(self.folder):
            try:
                block = self._index.write(rows)
            except FileNotFoundError:
                return None
            if not self._claimed:
                claim(self.folder.parent)
                self._claimed = True
            self._index.merge()
        return block

    def _spill(self, rows: Mapping[bytes, PackedLayers], folder: Path) -> Block:
        with self._disk_faults(folder):
            block = Block(write_block(folder, self.name, rows, self.n_layers, self.width))
            if block.is_open:
                block.path.unlink()  # its space is free again when it is closed, even by a kill
        return block

    @contextmanager
    def _disk_faults(self, folder: Path) -> Iterator[None]:
        try:
            yield
        except (OSError, SafetensorError) as error:
            full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error)
            fault = "no space left for cached vectors" if full else "the cache of vectors cannot be used"
            raise InputError(
                f"{folder}: {fault} ({error}); free disk space, lower ELMO_TASKS_CACHE_LIMIT or set "
                "ELMO_TASKS_CACHE to a folder on another disk"
            ) from None


class StoredVectors:
    """Vectors of sentences on disk. They stay readable when the cache removes or merges their blocks.

    A sentence's checksum is computed when it is read for the first time, and not once per epoch: it takes longer than
    all else that reading costs.
    """

    def __init__(
        self,
        cached: CachedEmbedder,
        sentences: Sentences,
        places: Sequence[Place],
        folder: Path | None = None,
    ) -> None:
        """folder: of blocks that are not in the cache; it is removed with this object."""
        self._cached, self._sentences, self._places = cached, sentences, places
        self._sound = bytearray(len(places))  # 1 where the checksum was right
        if folder is not None:
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)

    def take(self, numbers: Sequence[int]) -> list[Tensor]:
        """(L, T, D) float32 of each of these sentences. A damaged one is computed again."""
        for path in {self._places[number].block.path for number in numbers}:
            touch(path)
        read = {number: self._read(number) for number in set(numbers)}
        return [read[number] for number in numbers]

    def _read(self, number: int) -> Tensor:
        block, row = self._places[number]
        try:
            vectors = unpack(block.row(row) if self._sound[number] else block.checked(row), block.n_layers, block.width)
            self._sound[number] = 1
            return vectors
        except DamagedBlock:
            return self._cached.embed([self._sentences[number]])[0]
