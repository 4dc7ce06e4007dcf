"""One vector a token from a biLM's layers without training: their average, one of them, or weights that are given."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from elmo_tasks.core.errors import InputError


def layer_weights(layers: str | int | Sequence[float], count: int) -> NDArray[np.float32]:
    """(L,) what each of `count` layers counts.

    Examples:
        >>> layer_weights("average", 4).tolist(), layer_weights(1, 3).tolist(), layer_weights([2, 0, 1], 3).tolist()
        ([0.25, 0.25, 0.25, 0.25], [0.0, 1.0, 0.0], [2.0, 0.0, 1.0])

    Args:
        layers: `average`, a layer's number (0 is the token layer), or a weight for each, used as they are.
        count: L.

    Raises:
        InputError: another word, no such layer, or another number of weights.
    """
    if isinstance(layers, str):
        if layers == "average":
            return np.full(count, 1 / count, np.float32)
    elif isinstance(layers, (int, np.integer)):
        if 0 <= layers < count:
            return np.array([number == layers for number in range(count)], np.float32)
    elif len(layers) == count:
        return np.asarray(layers, np.float32)
    raise InputError(f"layers: expected average, a layer of 0 to {count - 1} or {count} weights, got {layers!r}")
