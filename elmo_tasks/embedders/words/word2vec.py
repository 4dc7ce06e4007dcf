"""word2vec's binary format: "words width", then each word, a blank and its numbers as 32-bit floats."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import numpy as np
import torch

from elmo_tasks.core.errors import InputError
from elmo_tasks.embedders.words.vectors import WordVectors

_CHUNK = 1 << 20
_LONGEST_WORD = 1 << 16


def read_word2vec(stream: IO[bytes], path: Path) -> WordVectors:
    """stream: at the file's first byte; path: for messages.

    Raises:
        InputError: a file that ends before the last word, a number that is not finite, with the byte where it stands.
    """
    header = stream.readline()
    count, width = (int(field) for field in header.split())
    try:
        matrix = np.empty((count, width), np.float32)
    except (ValueError, MemoryError, OverflowError):
        raise InputError(
            f"{path}: expected a table that fits into memory, got {count} words of {width} numbers"
        ) from None
    if not matrix.size:
        raise InputError(f"{path}: expected word vectors, got {count} words of {width} numbers")
    words: list[str] = []
    offset, at, buffer = len(header), 0, b""  # offset: of the buffer in the file
    for row in range(count):
        while (blank := buffer.find(b" ", at)) < 0 or len(buffer) < blank + 1 + 4 * width:
            more = stream.read(_CHUNK)
            if blank < 0 and len(buffer) - at > _LONGEST_WORD:
                raise InputError(
                    f"{path}: expected a word at byte {offset + at}, got over {_LONGEST_WORD:,} bytes of one"
                )
            if not more:
                raise InputError(
                    f"{path}: expected {count} words of {width} numbers, got {row} and a cut one at byte "
                    f"{offset + at}; fetch it again"
                )
            offset, buffer, at = offset + at, buffer[at:] + more, 0
        matrix[row] = np.frombuffer(buffer, "<f4", width, blank + 1)
        if not np.isfinite(matrix[row]).all():
            raise InputError(
                f"{path}: expected finite numbers, got others for word {row + 1} at byte {offset + blank + 1}"
            )
        # The original program ends each vector by a line break; it also cuts long words, maybe within a character.
        words.append(buffer[at:blank].lstrip(b"\n").decode("utf-8", "replace"))
        at = blank + 1 + 4 * width
    return WordVectors(words, torch.from_numpy(matrix), str(path))
