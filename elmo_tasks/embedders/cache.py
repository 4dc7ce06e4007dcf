"""Frozen vectors on disk, so that a biLM reads a sentence once and not once an epoch.

LMDB keeps them: memory-mapped, safe with several readers and writers, and a killed writer loses only the transaction
it was in. A value is a header (digest of the body, shape, whether the first layer's halves are equal) and the vectors
in 16 bits. The biLM's layer 0 is one vector twice, so half of it is stored.
"""

from __future__ import annotations

import errno
import hashlib
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
import torch
from torch import Tensor

from elmo_tasks.embedders.protocol import Embedder, Sentences
from elmo_tasks.errors import InputError

_HEADER = struct.Struct("<16sIII?")  # digest of the body, L, T, D, first layer halved
_BLOCK = 512  # sentences a transaction, and so what a killed writer can lose
_MAP_BYTES = 1 << 40  # address space, not disk
# LMDB forbids to open one folder twice in a process: embedders of like fingerprint share what is open.
_OPEN: WeakValueDictionary[Path, Any] = WeakValueDictionary()


class CachedEmbedder:
    """The same protocol as the embedder inside; what was computed before is read from `folder/FINGERPRINT`.

    Vectors come back as they were stored, in 16 bits, also when they were computed just now: a run does not depend on
    whether the cache was warm.
    """

    def __init__(self, inner: Embedder, folder: Path) -> None:
        self.inner, self.folder = inner, folder / inner.fingerprint
        self.name, self.n_layers, self.width = inner.name, inner.n_layers, inner.width
        self._environment: Any = None

    @property
    def fingerprint(self) -> str:
        """That of the embedder inside: a model trained on 16 bits of its vectors takes 32 as well."""
        return self.inner.fingerprint

    @property
    def parameters(self) -> int:
        """Those of the embedder inside."""
        return self.inner.parameters

    def embed(self, sentences: Sentences) -> list[Tensor]:
        """One (L, T, D) float32 tensor a sentence."""
        environment = self._open()
        keys = [_key(words) for words in sentences]
        found: dict[bytes, Tensor] = {}
        with environment.begin(buffers=True) as transaction:
            for key, words in dict(zip(keys, sentences, strict=True)).items():
                vectors = _unpack(transaction.get(key))
                if vectors is not None and vectors.shape == (self.n_layers, len(words), self.width):
                    found[key] = vectors
        missing = {key: words for key, words in zip(keys, sentences, strict=True) if key not in found}
        # By length, so that each block's sentences batch well.
        ordered = sorted(missing, key=lambda key: len(missing[key]))
        for block in _blocks(ordered):
            packed = {
                key: _pack(vectors)
                for key, vectors in zip(block, self.inner.embed([missing[key] for key in block]), strict=True)
            }
            self._write(environment, packed)
            for key, value in packed.items():
                vectors = _unpack(value)
                assert vectors is not None
                found[key] = vectors
        return [found[key] for key in keys]

    def _write(self, environment: Any, packed: dict[bytes, bytes]) -> None:
        import lmdb

        try:
            with environment.begin(write=True) as transaction:
                for key, value in packed.items():
                    transaction.put(key, value)
        except (lmdb.DiskError, lmdb.MapFullError, OSError) as error:
            raise InputError(
                f"{self.folder}: the cache of vectors cannot be written ({error}); free disk space or set "
                "ELMO_TASKS_CACHE to a folder on a larger disk"
            ) from None
        except lmdb.Error as error:
            if getattr(error, "errno", None) != errno.ENOSPC and "No space" not in str(error):
                raise
            raise InputError(f"{self.folder}: no space left for the cache of vectors; set ELMO_TASKS_CACHE") from None

    def _open(self) -> Any:
        if self._environment is None:
            import lmdb

            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                place = self.folder.resolve()
                self._environment = _OPEN.get(place)
                if self._environment is None:
                    self._environment = lmdb.open(str(place), map_size=_MAP_BYTES, max_readers=1024, readahead=False)
                    _OPEN[place] = self._environment
            except (OSError, lmdb.Error) as error:
                raise InputError(
                    f"{self.folder}: expected a writable cache folder ({error}); set ELMO_TASKS_CACHE to one"
                ) from None
        return self._environment


def _key(words: Any) -> bytes:
    """Words may hold any character but are told apart by their lengths."""
    digest = hashlib.blake2b(digest_size=20)
    for word in words:
        data = word.encode("utf-8", "surrogatepass")
        digest.update(struct.pack("<I", len(data)))
        digest.update(data)
    return digest.digest()


def _pack(vectors: Tensor) -> bytes:
    """vectors: (L, T, D)."""
    layers, tokens, width = vectors.shape
    half = width // 2
    halved = layers > 1 and width % 2 == 0 and torch.equal(vectors[0, :, :half], vectors[0, :, half:])
    first = vectors[0, :, :half] if halved else vectors[0]
    limit = torch.finfo(torch.float16).max
    parts = [
        part.clamp(-limit, limit).to(torch.float16).contiguous().numpy().tobytes() for part in (first, vectors[1:])
    ]
    body = b"".join(parts)
    digest = hashlib.blake2b(body, digest_size=16).digest()
    return _HEADER.pack(digest, layers, tokens, width, halved) + body


def _unpack(value: Any) -> Tensor | None:
    """(L, T, D) float32, or None for nothing or a damaged value, which is then computed again."""
    if value is None or len(value) < _HEADER.size:
        return None
    digest, layers, tokens, width, halved = _HEADER.unpack(bytes(value[: _HEADER.size]))
    body = bytes(value[_HEADER.size :])
    first = width // 2 if halved else width
    if hashlib.blake2b(body, digest_size=16).digest() != digest:
        return None
    if layers < 1 or len(body) != 2 * tokens * (first + (layers - 1) * width):
        return None
    values = torch.from_numpy(np.frombuffer(body, np.float16).astype(np.float32))
    bottom = values[: tokens * first].view(1, tokens, first)
    rest = values[tokens * first :].view(layers - 1, tokens, width)
    return torch.cat([torch.cat([bottom, bottom], -1) if halved else bottom, rest])  # (L, T, D)


def _blocks(keys: list[bytes]) -> Iterator[list[bytes]]:
    for start in range(0, len(keys), _BLOCK):
        yield keys[start : start + _BLOCK]
