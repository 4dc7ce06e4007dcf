"""Word vectors as text: a word and its numbers a line, as GloVe, word2vec and fastText write them."""

from __future__ import annotations

from array import array
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np
import torch

from elmo_tasks.core.errors import InputError
from elmo_tasks.embedders.words.vectors import WordVectors

_LONGEST_LINE = 1 << 22  # bytes


def _is_header(fields: list[str]) -> bool:
    """Whether a line is `words width`."""
    return len(fields) == 2 and all(field.isdecimal() and len(field) < 20 for field in fields)


def read_text_vectors(stream: IO[bytes], path: Path) -> WordVectors:
    """stream: lines of UTF-8, the first of them may be "words width"; path: for messages.

    Raises:
        InputError: a line that is no word with the right count of finite numbers, fewer lines than the first one says.
    """
    words: list[str] = []
    values = array("f")  # grows in place: the table is never in memory twice
    expected = width = 0
    for number, line in enumerate(iter(partial(stream.readline, _LONGEST_LINE), b""), 1):
        if len(line) == _LONGEST_LINE:
            raise InputError(
                f"{path}:{number}: expected a word and its numbers, got a line of over {len(line):,} bytes"
            )
        try:
            fields = line.decode("utf-8").rstrip("\r\n").rstrip(" ").split(" ")
        except UnicodeDecodeError as error:
            raise InputError(
                f"{path}:{number}: expected UTF-8, got {error.reason} in column {error.start + 1}"
            ) from None
        if number == 1 and _is_header(fields):
            expected, width = int(fields[0]), int(fields[1])
            continue
        try:
            width = width or max(1, len(fields) - 1)
            # A word may hold blanks (GloVe 840B has some): the last `width` fields are the vector.
            vector = np.array(fields[-width:], dtype=np.float32)
            if len(fields) <= width or not np.isfinite(vector).all():
                raise ValueError
        except ValueError:
            raise InputError(
                f"{path}:{number}: expected a word and {width} finite numbers, got {' '.join(fields)[:60]!r}"
            ) from None
        words.append(" ".join(fields[:-width]))
        values.frombytes(vector.tobytes())
    if not words:
        raise InputError(f"{path}: is empty; expected word vectors")
    if expected and len(words) != expected:
        raise InputError(f"{path}:1: this line says {expected} words, but the file has {len(words)}; download it again")
    return WordVectors(words, torch.frombuffer(values, dtype=torch.float32).view(-1, width), str(path))
