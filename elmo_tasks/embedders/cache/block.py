"""A block of the cache: the vectors of some sentences in one safetensors file, which is written once and never changed.

The file is memory-mapped. Its columns, a row a sentence: `keys` (N, 20), `ends` (N,) in `values`, `sums` (N, 8),
`halved` and `wide` (N,); `values` are the vectors one after the other in 16 bits each: float16, or bfloat16 where
`wide` says that a number is too large for it. The biLM's layer 0 is one vector twice, so half of it is stored.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

SUFFIX = ".safetensors"
_FORMAT = "elmo-tasks-vectors-1"
_KEY, _SUM = 20, 8  # bytes


class DamagedBlock(Exception):
    """A block that cannot be read, or holds something else than was written."""


class Row(NamedTuple):
    """One sentence's vectors as they are stored: `values` (n,) int16."""

    values: Tensor
    halved: bool
    wide: bool


class Block:
    """A block that is on disk. Its columns are read, its values are mapped and read when they are asked for.

    Raises:
        DamagedBlock: the file is cut, garbage or of another format.
        FileNotFoundError: it is not there (any more).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with safe_open(path, framework="pt") as file:
                about = json.loads((file.metadata() or {})[_FORMAT])
                columns = {name: file.get_tensor(name) for name in ("keys", "ends", "sums", "halved", "wide")}
                self._values = file.get_tensor("values")  # mapped
            self.name, self.n_layers, self.width = str(about["name"]), int(about["layers"]), int(about["width"])
            raw = columns["keys"].numpy().tobytes()
            self.keys = [raw[start : start + _KEY] for start in range(0, len(raw), _KEY)]
            ends: list[int] = columns["ends"].tolist()
            self._starts, self._ends = [0, *ends[:-1]], ends
            self._sums = columns["sums"].numpy().tobytes()
            self._halved, self._wide = columns["halved"].tolist(), columns["wide"].tolist()
            counts = {len(self.keys), len(ends), len(self._sums) // _SUM, len(self._halved), len(self._wide)}
            if len(counts) != 1 or self.n_layers < 1 or self.width < 1 or self._values.dtype != torch.int16:
                raise ValueError("columns of different lengths")
        except FileNotFoundError:
            raise
        except (SafetensorError, OSError, ValueError, TypeError, KeyError) as error:
            raise DamagedBlock(f"{path}: {error}") from None

    def row(self, number: int) -> Row:
        """As it is stored, unchecked."""
        start, end = max(0, self._starts[number]), max(0, self._ends[number])
        return Row(self._values[start:end], bool(self._halved[number]), bool(self._wide[number]))

    def tokens(self, number: int) -> int:
        """T of a sentence."""
        stored = self.row(number)
        return len(stored.values) // _numbers_a_token(stored, self.n_layers, self.width)

    def read(self, row: int) -> Tensor:
        """(L, T, D) float32. Raises DamagedBlock when the checksum is another."""
        stored = self.row(row)
        if _checksum(self.keys[row], stored) != self._sums[row * _SUM : (row + 1) * _SUM]:
            raise DamagedBlock(f"{self.path}: the checksum of sentence {row} is another")
        return unpack(stored, self.n_layers, self.width)


def key_of(words: Sequence[str]) -> bytes:
    """A sentence's key. Words may hold any character; they are told apart by their lengths."""
    digest = hashlib.blake2b(digest_size=_KEY)
    for word in words:
        data = word.encode("utf-8", "surrogatepass")
        digest.update(struct.pack("<I", len(data)))
        digest.update(data)
    return digest.digest()


def write_block(folder: Path, name: str, rows: Mapping[bytes, Row], n_layers: int, width: int) -> Path:
    """Write a block under the digest of its keys: beside its name first, so that it is there whole or not at all.

    Raises:
        OSError, SafetensorError: the disk does not take it.
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
    path = folder / (hashlib.blake2b(keys, digest_size=16).hexdigest() + SUFFIX)
    partial = path.with_name(f".{path.stem}.{os.getpid()}.partial")
    try:
        partial.touch()
        mode = partial.stat().st_mode  # the library makes files that only their owner may read
        save_file(tensors, partial, {_FORMAT: about})
        partial.chmod(mode)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def pack(vectors: Tensor) -> Row:
    """vectors: (L, T, D) -> 16 bits a number, a layer 0 of two equal halves once."""
    layers, _, width = vectors.shape
    half = width // 2
    halved = layers > 1 and width % 2 == 0 and torch.equal(vectors[0, :, :half], vectors[0, :, half:])
    flat = torch.cat([vectors[0, :, : half if halved else width].flatten(), vectors[1:].flatten()])  # (n,)
    wide = bool((flat.abs() > torch.finfo(torch.float16).max).any())
    return Row(flat.to(torch.bfloat16 if wide else torch.float16).view(torch.int16), halved, wide)


def unpack(row: Row, n_layers: int, width: int) -> Tensor:
    """(L, T, D) float32. Raises DamagedBlock when the row is no multiple of a token."""
    values = row.values.view(torch.bfloat16 if row.wide else torch.float16).float()
    first = width // 2 if row.halved else width
    tokens, left = divmod(len(values), _numbers_a_token(row, n_layers, width))
    if left:
        raise DamagedBlock(f"expected whole tokens, got {left} numbers too many")
    bottom = values[: tokens * first].view(1, tokens, first)
    rest = values[tokens * first :].view(n_layers - 1, tokens, width)
    return torch.cat([torch.cat([bottom, bottom], -1) if row.halved else bottom, rest])  # (L, T, D)


def _numbers_a_token(row: Row, n_layers: int, width: int) -> int:
    return n_layers * width - (width // 2 if row.halved else 0)


def _checksum(key: bytes, row: Row) -> bytes:
    digest = hashlib.blake2b(key, digest_size=_SUM)
    digest.update(bytes((row.halved, row.wide)))
    digest.update(row.values.contiguous().numpy().data)
    return digest.digest()
