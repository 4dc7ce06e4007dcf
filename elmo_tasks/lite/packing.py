"""Sentences in one block without padding between them: in streams side by side, as the engine reads them."""

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
    """How sentences are read: in S streams of T steps, as many streams as make none longer than need be.

    begins: (T, S, 1) bool, where a sentence begins. ahead, behind: (N,) the place in the block (T * S) of each token,
    numbered sentence by sentence, where each sentence is read from its start or from its end.
    """

    begins: NDArray[np.bool_]
    ahead: Numbers
    behind: Numbers

    @classmethod
    def of(cls, lengths: Sequence[int]) -> Packing:
        """lengths: of the sentences, 1 or more each."""
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
        """values: (N, ...) at these places -> (T, S, ...), zeros elsewhere."""
        steps, streams, _ = self.begins.shape
        block = np.zeros((steps * streams, *values.shape[1:]), values.dtype)
        block[at] = values
        return block.reshape(steps, streams, *values.shape[1:])
