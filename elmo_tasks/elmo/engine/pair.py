"""Both directions of a layer at once, for one sentence alone."""

from __future__ import annotations

import torch
from torch import Tensor

from elmo_tasks.elmo.engine.layer import Direction, cell_step, ordered
from elmo_tasks.elmo.engine.products import Maker
from elmo_tasks.elmo.lstm import ProjectedLstm

_BYTES = 16 << 20  # of weights that stay in a cache from step to step
LONGEST = 512


class Pair:
    """One layer that takes its steps in both directions side by side.

    With a single row a step of a small layer costs more in calls than in reading the weights, so the two directions
    share their calls: one product of two rows with both matrices, half of whose numbers are not used, and one set of
    element-wise operations. A large layer is slower so: its weights would push each other out of the cache.
    """

    def __init__(
        self, directions: tuple[Direction, Direction], lstms: tuple[ProjectedLstm, ProjectedLstm], make: Maker
    ) -> None:
        self.ahead, self.behind = ahead, behind = directions
        self.from_hidden = make(torch.cat([ordered(lstm.weight_hh) for lstm in lstms]), None)  # P to 8H
        self.projection = make(torch.cat([2.0 * lstm.weight_proj for lstm in lstms]), None)  # H to 2P
        self.first_cell = torch.cat([ahead.first_cell, behind.first_cell])  # (2, H)
        self.first_hidden = torch.cat([ahead.first_hidden, behind.first_hidden])  # (2, P)

    @staticmethod
    def pays(ahead: Direction, device: torch.device) -> bool:
        """Whether the weights of both directions are few enough, on a CPU."""
        count = 2 * (4 + 1) * ahead.size * ahead.width
        return device.type == "cpu" and count * ahead.from_hidden.dtype.itemsize <= _BYTES

    def __call__(self, ahead: Tensor, behind: Tensor) -> tuple[Tensor, Tensor]:
        """(T, P) float32 each, the second from right to left -> the outputs, likewise."""
        size, width, clip = self.ahead.size, self.ahead.width, self.ahead.proj_clip
        # (T, 2, 4H), float32: each step's part becomes its summed gates in place
        inputs = torch.stack([self.ahead.from_input(ahead), self.behind.from_input(behind)], dim=1).float()
        cell, hidden, raw = self.first_cell.clone(), self.first_hidden, torch.empty_like(self.first_cell)
        product, rounded = torch.empty_like(inputs[0]), torch.empty_like(raw, dtype=hidden.dtype)
        outputs = []
        for gates in inputs.unbind():
            # Of the (2, 8H) each row's own half counts. Copies between types are quick, mixed sums are not.
            product.copy_(self.from_hidden(hidden).as_strided((2, 4 * size), (12 * size, 1)))
            gates.add_(product)
            cell_step(gates.view(2, 4, size), cell, raw, self.ahead.cell_clip)
            hidden = self.projection(rounded.copy_(raw)).as_strided((2, width), (3 * width, 1))
            hidden = hidden.contiguous() if clip is None else hidden.clamp(-clip, clip)  # (2, P)
            outputs.append(hidden)
        stacked = torch.stack(outputs).float()  # (T, 2, P)
        return stacked[:, 0], stacked[:, 1]
