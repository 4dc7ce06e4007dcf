"""Distribute sentences of different lengths over parallel streams, one after the other. No torch."""

from __future__ import annotations

import heapq
from collections.abc import Sequence


def share(lengths: Sequence[int], streams: int) -> tuple[list[tuple[int, int]], list[int]]:
    """The stream and first step of each sentence, and the stream lengths; longest first, into the shortest stream.

    >>> share([5, 2, 3], 2)
    ([(0, 0), (1, 3), (1, 0)], [5, 5])
    """
    shortest = [(0, stream) for stream in range(streams)]
    places = [(0, 0)] * len(lengths)
    loads = [0] * streams
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        load, stream = heapq.heappop(shortest)
        places[index] = (stream, load)
        loads[stream] = load + lengths[index]
        heapq.heappush(shortest, (loads[stream], stream))
    return places, loads
