"""A computed block on disk, until all blocks are combined."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import atomic_file
from elmo_tasks.corpus_vectors.block_embedder import Vectors
from elmo_tasks.corpus_vectors.sentence_block import SentenceBlock
from elmo_tasks.text.tokens import split_tokens


@dataclass(frozen=True)
class Part:
    """first: number of the first line; lines: the text; vectors: (L, N, D) or (N, D), all tokens in order."""

    first: int
    lines: tuple[str, ...]
    vectors: Vectors

    @property
    def n_tokens(self) -> int:
        """N, the number of tokens."""
        return int(self.vectors.shape[-2])

    def sentences(self) -> Iterator[tuple[int, str, Vectors]]:
        """Yield the number, text and vectors of each line, (L, T, D) or (T, D)."""
        start = 0
        for number, line in enumerate(self.lines, self.first):
            end = start + len(split_tokens(line))
            yield number, line, self.vectors[..., start:end, :]
            start = end

    def checksum(self) -> str:
        """A checksum of everything in the part, to detect bit errors on disk."""
        digest = hashlib.blake2b(f"{self.first} {self.vectors.dtype} {self.vectors.shape}\n".encode(), digest_size=16)
        digest.update("\n".join(self.lines).encode())
        digest.update(np.ascontiguousarray(self.vectors).data)
        return digest.hexdigest()


def write_part(path: Path, block: SentenceBlock, vectors: Vectors) -> None:
    """Write a block completely or not at all, with its checksum. Raises OSError or SafetensorError if that fails."""
    part = Part(block.first, block.lines, vectors)
    text = np.frombuffer("\n".join(part.lines).encode(), np.uint8)
    tensors = {"text": text, "first": np.array([part.first]), "vectors": np.ascontiguousarray(vectors)}
    with atomic_file(path) as partial:
        save_file(tensors, partial, {"checksum": part.checksum()})


def has_part(path: Path, block: SentenceBlock) -> bool:
    """Whether this block exists and is intact."""
    part = _read(path)
    return part is not None and (part.first, part.lines) == (block.first, block.lines)


def read_part(path: Path) -> Part:
    """Read a block. Raises InputError if it is damaged."""
    part = _read(path)
    if part is None:
        raise InputError(f"{path}: is damaged; run the same command with --resume to compute this part again")
    return part


def _read(path: Path) -> Part | None:
    """A block, or None if it is missing or its checksum differs."""
    try:
        with safe_open(path, framework="np") as file:
            lines = file.get_tensor("text").tobytes().decode().split("\n")
            part = Part(int(file.get_tensor("first")[0]), tuple(lines), file.get_tensor("vectors"))
            return part if (file.metadata() or {}).get("checksum") == part.checksum() else None
    except (SafetensorError, OSError, ValueError, IndexError, TypeError, KeyError):
        return None
