"""Word vectors as text: one word with its numbers per line, as written by GloVe, word2vec and fastText."""

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
    """Read word vectors. stream: lines in UTF-8, the first of which may be "words width"; path: for messages.

    Raises:
        InputError: a line is not a word with the right number of finite numbers, or there are fewer lines than the
            first one says.
    """
    words: list[str] = []
    values = array("f")  # grows in place, so that the table is never in memory twice
    expected = width = 0
    for number, line in enumerate(iter(partial(stream.readline, _LONGEST_LINE), b""), 1):
        if len(line) == _LONGEST_LINE:
            raise InputError(f"{path}:{number}: the line has over {len(line):,} bytes; expected a word and its numbers")
        try:
            fields = line.decode("utf-8").rstrip("\r\n").rstrip(" ").split(" ")
        except UnicodeDecodeError as error:
            raise InputError(f"{path}:{number}: not UTF-8 ({error.reason} in column {error.start + 1})") from None
        if number == 1 and _is_header(fields):
            expected, width = int(fields[0]), int(fields[1])
            continue
        try:
            width = width or max(1, len(fields) - 1)
            # A word may contain spaces (GloVe 840B has some): the last `width` fields are the vector.
            vector = np.array(fields[-width:], dtype=np.float32)
            if len(fields) <= width or not np.isfinite(vector).all():
                raise ValueError
        except ValueError:
            raise InputError(
                f"{path}:{number}: not a word and {width} finite numbers: {' '.join(fields)[:60]!r}"
            ) from None
        words.append(" ".join(fields[:-width]))
        values.frombytes(vector.tobytes())
    if not words:
        raise InputError(f"{path}: the file is empty; expected word vectors")
    if expected and len(words) != expected:
        raise InputError(
            f"{path}:1: the header says {expected} words, but the file has {len(words)}; download it again"
        )
    return WordVectors(words, torch.frombuffer(values, dtype=torch.float32).view(-1, width), str(path))
