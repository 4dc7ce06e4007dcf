"""Combine the layers of a biLM into one vector per token without training: average, one layer, or given weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from elmo_tasks.core.errors import InputError


def layer_weights(layers: str | int | Sequence[float], count: int) -> NDArray[np.float32]:
    """The weights of `count` layers, (L,).

    Examples:
        >>> layer_weights("average", 4).tolist(), layer_weights(1, 3).tolist(), layer_weights([2, 0, 1], 3).tolist()
        ([0.25, 0.25, 0.25, 0.25], [0.0, 1.0, 0.0], [2.0, 0.0, 1.0])

    Args:
        layers: `average`, the number of a layer (0 is the token layer), or one weight per layer, not normalised.
        count: L.

    Raises:
        InputError: `layers` is another word, there is no such layer, or the number of weights is wrong.
    """
    if isinstance(layers, str):
        if layers == "average":
            return np.full(count, 1 / count, np.float32)
    elif isinstance(layers, (int, np.integer)):
        if 0 <= layers < count:
            return np.array([number == layers for number in range(count)], np.float32)
    elif len(layers) == count:
        return np.asarray(layers, np.float32)
    raise InputError(f"layers must be average, a layer from 0 to {count - 1} or {count} weights, not {layers!r}")
