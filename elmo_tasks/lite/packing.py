"""Pack sentences into one block of parallel streams without padding between them, as in the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elmo_tasks.core.streams import share
from elmo_tasks.lite.folder import Numbers


@dataclass(frozen=True)
class Packing:
    """The layout of sentences in S streams of T steps; S is chosen so that T is minimal.

    begins: (T, S, 1) bool, true where a sentence begins. ahead, behind: (N,) the position in the block (T * S) of each
    token, numbered sentence by sentence, if each sentence is read from its start or from its end.
    """

    begins: NDArray[np.bool_]
    ahead: Numbers
    behind: Numbers

    @classmethod
    def of(cls, lengths: Sequence[int]) -> Packing:
        """lengths: lengths of the sentences, at least 1."""
        streams = -(-sum(lengths) // max(lengths))
        places, loads = share(lengths, streams)
        counts = np.array(lengths)  # (n,)
        token = np.concatenate([np.arange(length) for length in lengths])  # (N,)
        stream, begin = (np.repeat(np.array(column), counts) for column in zip(*places, strict=True))  # (N,) each
        begins = np.zeros((max(loads), streams, 1), bool)
        begins[[step for _, step in places], [row for row, _ in places]] = True
        return cls(
            begins,
            (begin + token) * streams + stream,
            (begin + np.repeat(counts, counts) - 1 - token) * streams + stream,
        )

    def block(self, values: NDArray[Any], at: Numbers) -> NDArray[Any]:
        """values: (N, ...) at these positions -> (T, S, ...), zeros elsewhere."""
        steps, streams, _ = self.begins.shape
        block = np.zeros((steps * streams, *values.shape[1:]), values.dtype)
        block[at] = values
        return block.reshape(steps, streams, *values.shape[1:])
