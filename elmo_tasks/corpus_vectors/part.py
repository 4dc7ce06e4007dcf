"""A computed block on disk, until all of them are put together."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from elmo_tasks.corpus_vectors.block_embedder import Vectors
from elmo_tasks.corpus_vectors.sentence_block import SentenceBlock
from elmo_tasks.text.tokens import split_tokens


@dataclass(frozen=True)
class Part:
    """first: number of its first line; lines: the text; vectors: (L, N, D) or (N, D), all tokens in order."""

    first: int
    lines: tuple[str, ...]
    vectors: Vectors

    @property
    def n_tokens(self) -> int:
        """N."""
        return int(self.vectors.shape[-2])

    def sentences(self) -> Iterator[tuple[int, str, Vectors]]:
        """Each line's number, text and vectors, (L, T, D) or (T, D)."""
        start = 0
        for number, line in enumerate(self.lines, self.first):
            end = start + len(split_tokens(line))
            yield number, line, self.vectors[..., start:end, :]
            start = end


def write_part(path: Path, block: SentenceBlock, vectors: Vectors) -> None:
    """Write a block, beside its name first: it is there whole or not at all, also after a fall of the machine."""
    text = np.frombuffer("\n".join(block.lines).encode(), np.uint8)
    partial = path.with_suffix(".new")
    save_file({"text": text, "first": np.array([block.first]), "vectors": vectors}, partial)
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    partial.replace(path)


def has_part(path: Path, block: SentenceBlock) -> bool:
    """Whether this block is there, whole."""
    try:
        with safe_open(path, framework="np") as file:
            text: bytes = file.get_tensor("text").tobytes()
            return text == "\n".join(block.lines).encode()
    except (SafetensorError, OSError):
        return False


def read_part(path: Path) -> Part:
    """Read a block."""
    with safe_open(path, framework="np") as file:
        lines = file.get_tensor("text").tobytes().decode().split("\n")
        return Part(int(file.get_tensor("first")[0]), tuple(lines), file.get_tensor("vectors"))
