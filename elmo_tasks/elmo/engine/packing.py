"""Pack sentences of different lengths into one block without padding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from elmo_tasks.core.streams import share


@dataclass(frozen=True)
class Packing:
    """The layout of a batch of sentences in parallel streams; each sentence follows another one in its stream.

    All streams advance together, so that every step multiplies as many rows as there are streams, however much the
    lengths differ. A block contains the first tokens of all streams, then their second ones, and so on; streams are
    ordered by decreasing length, so that the first ones last longest.

    sizes: number of streams at each step, decreasing. begins: step -> (k,) the streams in which a sentence begins at
    that step, except the first. ahead, behind: (N,) the row in the block of each token (numbered sentence by sentence),
    if each sentence is read from its start or from its end.
    """

    sizes: list[int]
    begins: dict[int, Tensor]
    ahead: Tensor
    behind: Tensor

    @classmethod
    def of(cls, lengths: Sequence[int], streams: int, device: torch.device) -> Packing:
        """lengths: lengths of the sentences, at least 1; streams: maximum number; device: device of the tensors."""
        places, loads = share(lengths, min(streams, len(lengths)))
        rank = {stream: row for row, stream in enumerate(sorted(range(len(loads)), key=lambda stream: -loads[stream]))}
        sizes = torch.bincount(torch.cat([torch.arange(load) for load in loads]))  # (steps,)
        first_rows = sizes.cumsum(0) - sizes  # (steps,)
        counts = torch.tensor(lengths)  # (S,)
        token = torch.cat([torch.arange(length) for length in lengths])  # (N,)
        row, begin, last = (
            torch.tensor(values).repeat_interleave(counts)
            for values in (
                [rank[stream] for stream, _ in places],
                [step for _, step in places],
                [step + length - 1 for (_, step), length in zip(places, lengths, strict=True)],
            )
        )  # (N,) each
        begins: dict[int, list[int]] = {}
        for stream, step in places:
            if step:
                begins.setdefault(step, []).append(rank[stream])
        return cls(
            sizes.tolist(),
            {step: torch.tensor(rows, device=device) for step, rows in begins.items()},
            (first_rows[begin + token] + row).to(device),
            (first_rows[last - token] + row).to(device),
        )
