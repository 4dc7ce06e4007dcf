"""One layer of the biLM, both directions, over a packed block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from elmo_tasks.elmo.engine.packing import Packing
from elmo_tasks.elmo.engine.products import Maker
from elmo_tasks.elmo.lstm import ProjectedLstm

_CHUNK_BYTES = 16 << 20  # of gates from the input, computed before the steps that use them: bounds the memory

Cell = Callable[[Tensor, Tensor, Tensor, float | None], None]


def cell_step(gates: Tensor, cell: Tensor, out: Tensor, clip: float | None) -> None:
    """The element-wise part of a step, in place.

    gates: (N, 4H), summed, in the order input, forget, output, candidate, the candidate's doubled; becomes waste.
    cell: (N, H), twice the cell, becomes the next. out: (N, H) becomes half of what goes into the projection.

    tanh(x) is 2 sigmoid(2x) - 1, and PyTorch's sigmoid takes a sixth of the time of its tanh. The doublings are folded
    into the weights, exactly, as powers of two.
    """
    i, f, o, g = gates.sigmoid_().chunk(4, dim=-1)  # (N, H) each
    cell.mul_(f).addcmul_(i, g.sub_(0.5), value=4.0)
    if clip is not None:
        cell.clamp_(-2.0 * clip, 2.0 * clip)
    torch.sigmoid(cell, out=out)
    out.sub_(0.5).mul_(o)


class Direction:
    """One direction of one layer: three products and the loop over time.

    Every sentence begins with the same boundary, so its step is taken once, here. Nothing but the dropped vector of the
    closing boundary depends on the step over that, so it is never taken.
    """

    def __init__(self, lstm: ProjectedLstm, make: Maker, cell: Cell, boundary: Tensor) -> None:
        """boundary: (1, P), the layer's input at the boundary that this direction reads first."""
        self.size, self.width = lstm.cell_dim, lstm.projection_dim
        self.cell_clip, self.proj_clip = lstm.cell_clip, lstm.proj_clip
        self.from_input = make(_ordered(lstm.weight_ih), _ordered(lstm.bias))
        self.from_hidden = make(_ordered(lstm.weight_hh), None)
        self.projection = make(2.0 * lstm.weight_proj, None)
        self.cell_step = cell
        self.first_cell = boundary.new_zeros(1, self.size)
        gates, raw = self.from_input(boundary).float(), boundary.new_empty(1, self.size)
        self.first_hidden = self._finish(gates, self.first_cell, raw)  # (1, P)

    def __call__(self, x: Tensor, packing: Packing) -> Tensor:
        """x: (N, P) float32, a packed block -> (N, P) float32, the outputs in the same order."""
        sizes = packing.sizes
        cell, hidden = self.first_cell.repeat(sizes[0], 1), self.first_hidden.repeat(sizes[0], 1)
        gates, raw = x.new_empty(sizes[0], 4 * self.size), x.new_empty(sizes[0], self.size)
        outputs = x.new_empty(len(x), self.width)
        start = step = 0
        for steps in _chunks(sizes, _CHUNK_BYTES // (4 * self.size * self.from_input.dtype.itemsize)):
            inputs = self.from_input(x[start : start + sum(steps)])  # (rows of the chunk, 4H)
            for part in torch.split(inputs, steps):
                n = len(part)  # streams that go on; the others, below them, have ended
                if step in packing.begins:
                    rows = packing.begins[step]
                    cell[rows], hidden[rows] = self.first_cell, self.first_hidden
                self.from_hidden.add(hidden[:n], part, gates[:n])
                hidden = self._finish(gates[:n], cell[:n], raw[:n])
                outputs[start : start + n] = hidden
                start, step = start + n, step + 1
        return outputs  # (N, P)

    def _finish(self, gates: Tensor, cell: Tensor, raw: Tensor) -> Tensor:
        """From summed gates (n, 4H) to the hidden state (n, P); `cell` becomes the next, the others waste."""
        self.cell_step(gates, cell, raw, self.cell_clip)
        hidden = self.projection(raw)
        return hidden if self.proj_clip is None else hidden.clamp_(-self.proj_clip, self.proj_clip)


def _ordered(stored: Tensor) -> Tensor:
    """(4H, ...) from input, forget, candidate, output to the order of `cell_step`, the candidate doubled."""
    i, f, g, o = stored.chunk(4)
    return torch.cat([i, f, o, 2.0 * g])


def _chunks(sizes: Sequence[int], rows: int) -> Iterator[list[int]]:
    """Consecutive steps of together at most `rows` rows, one step at least."""
    chunk: list[int] = []
    for size in sizes:
        if chunk and sum(chunk) + size > rows:
            yield chunk
            chunk = []
        chunk.append(size)
    yield chunk
