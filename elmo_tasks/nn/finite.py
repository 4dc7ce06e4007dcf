"""Look for values that are not finite, without waiting for a GPU at every step."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Generic, TypeVar

import torch
from torch import Tensor

EVERY = 64
"""On a GPU, the number of values after which they are looked at."""
WhatT = TypeVar("WhatT")


class FiniteCheck(Generic[WhatT]):
    """Calls `fail` for the first value of a training that is not finite.

    On the CPU each value is checked at once. On a GPU this would make the CPU wait for the end of each step before it
    prepares the next one, so values are kept there and looked at together. Call `look` before weights are stored.
    """

    def __init__(self, fail: Callable[[WhatT, float], None]) -> None:
        """fail: raises an error, from the description of the value and the value."""
        self.fail = fail
        self._waiting: list[tuple[Tensor, WhatT]] = []

    def add(self, value: Tensor, what: WhatT) -> None:
        """Check a scalar now or later. what: its description, for `fail`."""
        self._waiting.append((value.detach(), what))
        if value.device.type == "cpu" or len(self._waiting) >= EVERY:
            self.look()

    def look(self) -> None:
        """Check all values that have not been checked yet."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            values = torch.stack([value.float() for value, _ in waiting]).tolist()
            for value, (_, what) in zip(values, waiting, strict=True):
                if not math.isfinite(value):
                    self.fail(what, value)
