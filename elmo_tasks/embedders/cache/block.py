"""A block of the cache: the vectors of some sentences in one safetensors file, written once and never changed.

There is one row per sentence in the columns `keys` (N, 20), `ends` (N,) in `values`, `sums` (N, 8), `halved` and `wide`
(N,). `values` contains the concatenated vectors in 16 bits per number: float16, or bfloat16 if `wide` marks that a
number is too large for it. Layer 0 of a biLM repeats the same vector, so only half of it is stored.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import re
import struct
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import torch
from safetensors.torch import save_file
from torch import Tensor

from elmo_tasks.core.files import atomic_file

_NAME = re.compile(r"[0-9a-f]{32}\.safetensors")
_FORMAT = "elmo-tasks-vectors-1"
_KEY, _SUM = 20, 8  # bytes
_ITEM = {"U8": 1, "I64": 8, "I16": 2}  # bytes per item, by safetensors' type names
_COLUMNS = {"keys": "U8", "ends": "I64", "sums": "U8", "halved": "U8", "wide": "U8", "values": "I16"}
_HEADER = 2**20  # maximum size in bytes; ours are a thousand times smaller
_OPEN_FILES = 400  # over all blocks, well below the usual limit of 1,024 per process
_NO_FAULT_OF_THE_FILE = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


def is_block(name: str) -> bool:
    """Whether a file of that name was written by `write_block`."""
    return _NAME.fullmatch(name) is not None


class DamagedBlock(Exception):
    """A block cannot be read, or its content differs from what was written."""


class PackedLayers(NamedTuple):
    """The vectors of one sentence as stored: `values` (n,) int16."""

    values: Tensor
    halved: bool
    wide: bool


class Block:
    """A block on disk. Its columns are in memory; its values are read on request.

    The file stays open, so that it can still be read after another process has removed it. It is read and not
    memory-mapped: only the sentences in use are in memory, and truncating the file does not crash the process.

    Raises:
        DamagedBlock: the file is truncated, damaged or of another format.
        FileNotFoundError: the file does not exist (any more).
    """

    _open: ClassVar[weakref.WeakSet[Block]] = weakref.WeakSet()

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None
        try:
            descriptor = _open(path)
        except FileNotFoundError:
            raise
        except OSError as error:
            if error.errno in _NO_FAULT_OF_THE_FILE:
                raise
            raise DamagedBlock(f"{path}: {error}") from None
        if hasattr(os, "pread") and len(Block._open) < _OPEN_FILES:  # Windows supports neither
            self._descriptor = descriptor
            Block._open.add(self)
            weakref.finalize(self, os.close, descriptor)
        try:
            self._read_columns(descriptor)
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise DamagedBlock(f"{path}: {error}") from None
        finally:
            if self._descriptor is None:
                os.close(descriptor)

    @property
    def is_open(self) -> bool:
        """Whether the block can still be read after its file has been removed."""
        return self._descriptor is not None

    def row(self, number: int) -> PackedLayers:
        """A row as stored, without checking it. Raises DamagedBlock if the file has become shorter."""
        start, end = self._span(number)
        try:
            descriptor = self._descriptor if self._descriptor is not None else _open(self.path)
            try:
                data = _read(descriptor, 2 * (end - start), self._values + 2 * start)
            finally:
                if self._descriptor is None:
                    os.close(descriptor)
        except (OSError, ValueError) as error:
            if getattr(error, "errno", None) in _NO_FAULT_OF_THE_FILE:
                raise
            raise DamagedBlock(f"{self.path}: {error}") from None
        values = torch.frombuffer(data, dtype=torch.int16) if data else torch.zeros(0, dtype=torch.int16)
        return PackedLayers(values, bool(self._halved[number]), bool(self._wide[number]))

    def tokens(self, number: int) -> int:
        """The number of tokens of a sentence."""
        start, end = self._span(number)
        return (end - start) // _numbers_per_token(bool(self._halved[number]), self.n_layers, self.width)

    def checked(self, number: int) -> PackedLayers:
        """A row as stored. Raises DamagedBlock if the checksum differs."""
        stored = self.row(number)
        if _checksum(self.keys[number], stored) != self._sums[number * _SUM : (number + 1) * _SUM]:
            raise DamagedBlock(f"{self.path}: the checksum of sentence {number} differs")
        return stored

    def read(self, number: int) -> Tensor:
        """The vectors of a sentence, (L, T, D) float32. Raises DamagedBlock if the checksum differs."""
        return unpack(self.checked(number), self.n_layers, self.width)

    def _span(self, number: int) -> tuple[int, int]:
        return self._ends[number - 1] if number else 0, self._ends[number]

    def _read_columns(self, descriptor: int) -> None:
        size = os.fstat(descriptor).st_size
        (length,) = struct.unpack("<Q", _read(descriptor, 8, 0))
        if length > min(size, _HEADER):
            raise ValueError("the header is missing")
        header = json.loads(_read(descriptor, length, 8))
        about = json.loads(header["__metadata__"][_FORMAT])
        self.name, self.n_layers, self.width = str(about["name"]), int(about["layers"]), int(about["width"])
        spans = {name: _span(header[name], kind, 8 + length, size) for name, kind in _COLUMNS.items()}
        self._values, end = spans.pop("values")
        columns = {name: bytes(_read(descriptor, last - first, first)) for name, (first, last) in spans.items()}
        keys, ends = columns["keys"], columns["ends"]
        self.keys = [keys[start : start + _KEY] for start in range(0, len(keys), _KEY)]
        self._ends: list[int] = list(struct.unpack(f"<{len(ends) // 8}q", ends))
        self._sums, self._halved, self._wide = columns["sums"], columns["halved"], columns["wide"]
        counts = {len(keys) / _KEY, len(self._ends), len(self._sums) / _SUM, len(self._halved), len(self._wide)}
        edges = [0, *self._ends]
        if len(counts) != 1 or self.n_layers < 1 or self.width < 1 or edges != sorted(edges):
            raise ValueError("the columns differ in length")
        if 2 * edges[-1] > end - self._values:
            raise ValueError("it has fewer values than its sentences")
        self.n_tokens = sum(self.tokens(number) for number in range(len(self.keys)))


def key_of(words: Sequence[str]) -> bytes:
    """The key of a sentence. Words may contain any character; their lengths separate them."""
    digest = hashlib.blake2b(digest_size=_KEY)
    for word in words:
        data = word.encode("utf-8", "surrogatepass")
        digest.update(struct.pack("<I", len(data)))
        digest.update(data)
    return digest.digest()


def write_block(folder: Path, name: str, rows: Mapping[bytes, PackedLayers], n_layers: int, width: int) -> Path:
    """Write a block under the digest of its keys, completely or not at all.

    Raises:
        OSError, SafetensorError: the file cannot be written.
    """
    keys, stored = b"".join(rows), list(rows.values())
    sums = b"".join(_checksum(key, row) for key, row in rows.items())
    tensors = {
        "keys": torch.frombuffer(bytearray(keys), dtype=torch.uint8).view(-1, _KEY),
        "ends": torch.tensor([len(row.values) for row in stored], dtype=torch.int64).cumsum(0),
        "sums": torch.frombuffer(bytearray(sums), dtype=torch.uint8).view(-1, _SUM),
        "halved": torch.tensor([row.halved for row in stored], dtype=torch.uint8),
        "wide": torch.tensor([row.wide for row in stored], dtype=torch.uint8),
        "values": torch.cat([row.values for row in stored]),
    }
    about = json.dumps({"name": name, "layers": n_layers, "width": width})
    path = folder / (hashlib.blake2b(keys, digest_size=16).hexdigest() + ".safetensors")
    with atomic_file(
        path, durable=False
    ) as partial:  # blocks truncated by a power failure are detected and computed again
        save_file(tensors, partial, {_FORMAT: about})
    return path


def pack(vectors: Tensor) -> PackedLayers:
    """Convert vectors (L, T, D) to 16 bits per number; a layer 0 of two equal halves is stored once."""
    layers, _, width = vectors.shape
    half = width // 2
    halved = layers > 1 and width % 2 == 0 and torch.equal(vectors[0, :, :half], vectors[0, :, half:])
    flat = torch.cat([vectors[0, :, : half if halved else width].flatten(), vectors[1:].flatten()])  # (n,)
    wide = bool((flat.abs() > torch.finfo(torch.float16).max).any())
    return PackedLayers(flat.to(torch.bfloat16 if wide else torch.float16).view(torch.int16), halved, wide)


def unpack(row: PackedLayers, n_layers: int, width: int) -> Tensor:
    """Convert a row back to (L, T, D) float32. Raises DamagedBlock if it is not a whole number of tokens."""
    values = row.values.view(torch.bfloat16 if row.wide else torch.float16)
    first = width // 2 if row.halved else width
    tokens, left = divmod(len(values), _numbers_per_token(row.halved, n_layers, width))
    if left:
        raise DamagedBlock(f"a row is not a whole number of tokens: {left} numbers are left over")
    out = torch.empty(n_layers, tokens, width)
    bottom = values[: tokens * first].view(tokens, first)
    out[0, :, :first] = bottom
    out[0, :, first:] = bottom[:, : width - first]
    out[1:] = values[tokens * first :].view(n_layers - 1, tokens, width)
    return out  # (L, T, D)


def _numbers_per_token(halved: bool, n_layers: int, width: int) -> int:
    return n_layers * width - (width // 2 if halved else 0)


def _checksum(key: bytes, row: PackedLayers) -> bytes:
    digest = hashlib.blake2b(key, digest_size=_SUM)
    digest.update(bytes((row.halved, row.wide)))
    digest.update(row.values.contiguous().numpy().data)
    return digest.digest()


def _span(about: Mapping[str, Any], kind: str, start: int, size: int) -> tuple[int, int]:
    """The first byte of a tensor described in a safetensors header, and the one after its last."""
    first, last = (start + int(offset) for offset in about["data_offsets"])
    if about["dtype"] != kind or not start <= first <= last <= size or any(int(n) < 0 for n in about["shape"]):
        raise ValueError("a column has another type, or the file is truncated")
    if math.prod(about["shape"]) * _ITEM[kind] != last - first:
        raise ValueError("a column has another size")
    return first, last


def _open(path: Path) -> int:
    return os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))


def _read(descriptor: int, count: int, place: int) -> bytearray:
    """Read exactly `count` bytes. Raises ValueError if there are fewer."""
    if hasattr(os, "pread"):  # threads share the descriptor, so its position must not matter
        data = os.pread(descriptor, count, place)
    else:
        os.lseek(descriptor, place, os.SEEK_SET)
        data = os.read(descriptor, count)
    if len(data) != count:
        raise ValueError("the file is truncated")
    return bytearray(data)
