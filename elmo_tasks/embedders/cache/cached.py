"""An embedder with a cache on disk, so that each sentence is embedded once and not once per epoch."""

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
    """Wraps an embedder with the same protocol; vectors computed before are read from `folder/FINGERPRINT`.

    Vectors are always returned as stored, in 16 bits, even if they were just computed, so that a run does not depend on
    the state of the cache. A damaged block is removed and computed again. Any number of threads and processes may use
    one folder. limit: maximum size of `folder` in bytes, over all embedders; None means `paths.cache_limit`.
    """

    def __init__(self, inner: Embedder, folder: Path, limit: float | None = None) -> None:
        self.inner, self.folder = inner, folder / inner.fingerprint
        self.name, self.n_layers, self.width = inner.name, inner.n_layers, inner.width
        self._index = BlockIndex(self.folder, inner.name, inner.n_layers, inner.width)
        self._claimed = False
        self._room = Room(folder, cache_limit() if limit is None else limit)

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the wrapped embedder: a model trained on 16-bit vectors also accepts 32-bit ones."""
        return self.inner.fingerprint

    @property
    def parameters(self) -> int:
        """The parameters of the wrapped embedder."""
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
        """Compute missing vectors now, but read vectors only when they are requested.

        Vectors that exceed the limit of the cache are written to a temporary folder while they are in use.

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
        """The vectors of those sentences that are cached and intact."""
        places, found, damaged = self._find(wanted), dict[bytes, Tensor](), set[Block]()
        for key, place in places.items():
            try:
                found[key] = place.block.read(place.row)
                if found[key].shape[1] != len(wanted[key]):
                    raise DamagedBlock(f"{place.block.path}: the vectors have another length")
            except DamagedBlock:
                damaged.add(place.block)
        for block in damaged:  # all its sentences are computed again, because intact ones are removed with the file
            self._index.drop(block)
        for path in {places[key].block.path for key in found}:
            touch(path)
        return {key: vectors for key, vectors in found.items() if places[key].block not in damaged}

    def _compute(self, missing: Mapping[bytes, Sequence[str]]) -> Iterator[dict[bytes, PackedLayers]]:
        """Compute vectors block by block, with sentences of similar length together."""
        keys = sorted(missing, key=lambda key: (len(missing[key]), key))
        stage, done, total = f"embedding ({self.name})", 0, sum(map(len, missing.values()))
        for part in cut(keys, [len(missing[key]) for key in keys]):
            report_progress(stage, done, total)
            vectors = self.inner.embed([missing[key] for key in part])
            done += sum(len(missing[key]) for key in part)
            report_progress(stage, done, total)
            yield {key: pack(layers) for key, layers in zip(part, vectors, strict=True)}

    def _keep(self, rows: Mapping[bytes, PackedLayers]) -> Block | None:
        """Write a block into the cache; None if it exceeds the limit, or if it was removed immediately."""
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
                block.path.unlink()  # its space is freed when it is closed, even if the process is killed
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
    """Vectors of sentences on disk. They remain readable when the cache removes or merges their blocks.

    The checksum of a sentence is verified only when it is read for the first time and not in every epoch, because this
    takes longer than reading.
    """

    def __init__(
        self,
        cached: CachedEmbedder,
        sentences: Sentences,
        places: Sequence[Place],
        folder: Path | None = None,
    ) -> None:
        """folder: the folder of blocks that are not in the cache; it is removed together with this object."""
        self._cached, self._sentences, self._places = cached, sentences, places
        self._sound = bytearray(len(places))  # 1 if the checksum has been verified
        if folder is not None:
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)

    def take(self, numbers: Sequence[int]) -> list[Tensor]:
        """The vectors of these sentences, (L, T, D) float32 each. Damaged ones are computed again."""
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
