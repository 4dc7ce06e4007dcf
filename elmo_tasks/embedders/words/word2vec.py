"""word2vec's binary format: "words width", then each word, a space and its numbers as 32-bit floats."""

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
    """Read word vectors. stream: at the first byte of the file; path: for messages.

    Raises:
        InputError: the file is truncated or a number is not finite, with the byte.
    """
    header = stream.readline()
    count, width = (int(field) for field in header.split())
    try:
        matrix = np.empty((count, width), np.float32)
    except (ValueError, MemoryError, OverflowError):
        raise InputError(
            f"{path}: a table of {count} words with {width} numbers each does not fit into memory"
        ) from None
    if not matrix.size:
        raise InputError(f"{path}: the table is empty: {count} words with {width} numbers each; expected word vectors")
    words: list[str] = []
    offset, at, buffer = len(header), 0, b""  # offset: position of the buffer in the file
    for row in range(count):
        while (blank := buffer.find(b" ", at)) < 0 or len(buffer) < blank + 1 + 4 * width:
            more = stream.read(_CHUNK)
            if blank < 0 and len(buffer) - at > _LONGEST_WORD:
                raise InputError(
                    f"{path}: the word at byte {offset + at} has over {_LONGEST_WORD:,} bytes; download the file again"
                )
            if not more:
                raise InputError(
                    f"{path}: truncated at byte {offset + at}, after {row} of {count} words with {width} numbers each; "
                    "download it again"
                )
            offset, buffer, at = offset + at, buffer[at:] + more, 0
        matrix[row] = np.frombuffer(buffer, "<f4", width, blank + 1)
        if not np.isfinite(matrix[row]).all():
            raise InputError(
                f"{path}: the vector of word {row + 1} at byte {offset + blank + 1} contains NaN or infinity"
            )
        # The original program ends each vector with a line break; it also truncates long words, even in a character.
        words.append(buffer[at:blank].lstrip(b"\n").decode("utf-8", "replace"))
        at = blank + 1 + 4 * width
    return WordVectors(words, torch.from_numpy(matrix), str(path))
