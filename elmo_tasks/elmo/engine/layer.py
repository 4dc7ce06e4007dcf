"""One layer of the biLM, both directions, over a packed block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from elmo_tasks.elmo.engine.packing import Packing
from elmo_tasks.elmo.engine.products import Maker
from elmo_tasks.elmo.lstm import ProjectedLstm

# The gates' part from the input is computed before the steps that use it, so much of it at a time; more where words
# recur. What it takes is bounded so, whatever the longest sentence.
_CHUNK_BYTES, _WORDS_BYTES = 16 << 20, 128 << 20
_FEW_ROWS = 64  # a product of so few rows takes its time from the weights, so that less rows gain nothing


def cell_step(gates: Tensor, cell: Tensor, out: Tensor, clip: float | None) -> None:
    """The element-wise part of a step, in place.

    gates: (N, 4, H), summed, in the order input, forget, output, candidate, the candidate's doubled; becomes waste.
    cell: (N, H), twice the cell, becomes the next. out: (N, H) becomes half of what goes into the projection.

    tanh(x) is 2 sigmoid(2x) - 1, and PyTorch's sigmoid takes a sixth of the time of its tanh. The doublings are folded
    into the weights, exactly, as powers of two.
    """
    i, f, o, g = gates.sigmoid_().unbind(1)  # (N, H) each
    cell.mul_(f).addcmul_(i, g, value=4.0).sub_(i, alpha=2.0)
    if clip is not None:
        cell.clamp_(-2.0 * clip, 2.0 * clip)
    torch.sigmoid(cell, out=out)
    out.mul_(o).sub_(o, alpha=0.5)


class Direction:
    """One direction of one layer: three products and the loop over time.

    Every sentence begins with the same boundary, so its step is taken once, here. Nothing but the dropped vector of the
    closing boundary depends on the step over that, so it is never taken.
    """

    def __init__(self, lstm: ProjectedLstm, make: Maker, boundary: Tensor) -> None:
        """boundary: (1, P), the layer's input at the boundary that this direction reads first."""
        self.size, self.width = lstm.cell_dim, lstm.projection_dim
        self.cell_clip, self.proj_clip = lstm.cell_clip, lstm.proj_clip
        self.from_input = make(ordered(lstm.weight_ih), ordered(lstm.bias))
        self.from_hidden = make(ordered(lstm.weight_hh), None)
        self.projection = make(2.0 * lstm.weight_proj, None)
        self.first_cell = boundary.new_zeros(1, self.size)
        gates, raw = self.from_input(boundary).float().view(1, 4, -1), boundary.new_empty(1, self.size)
        self.first_hidden = self._finish(gates, self.first_cell, raw)  # (1, P)

    def __call__(self, x: Tensor, packing: Packing, words: Tensor | None = None) -> Tensor:
        """Run over a packed block of N rows.

        x: (N, P) float32, the block; or, where `words` (N,) says which of them each row is, (U, P) distinct inputs,
        whose part of the gates is then computed once each.
        Returns: (N, P) float32, the outputs in the order of the block.
        """
        sizes = packing.sizes
        cell, hidden = self.first_cell.repeat(sizes[0], 1), self.first_hidden.repeat(sizes[0], 1)
        gates, raw = x.new_empty(sizes[0], 4, self.size), x.new_empty(sizes[0], self.size)
        outputs: list[Tensor] = []
        for inputs in self._inputs(x, sizes, words):
            begins = packing.begins.get(len(outputs))
            if begins is not None:
                cell[begins], hidden[begins] = self.first_cell, self.first_hidden
            n = len(inputs)
            if n < len(hidden):  # streams that have ended, the last ones
                cell, hidden, gates, raw = cell[:n], hidden[:n], gates[:n], raw[:n]
            self.from_hidden.add(hidden, inputs, gates.flatten(1))
            hidden = self._finish(gates, cell, raw)
            outputs.append(hidden if len(outputs) + 1 not in packing.begins else hidden.clone())  # begins write to it
        return torch.cat(outputs).float()  # (N, P)

    def _inputs(self, x: Tensor, sizes: Sequence[int], words: Tensor | None) -> Iterator[Tensor]:
        """The gates' part from the input, (n, 4H) a step."""
        row_bytes = 4 * self.size * self.from_input.dtype.itemsize
        start = 0
        for steps in _chunks(sizes, (_CHUNK_BYTES if words is None else _WORDS_BYTES) // row_bytes):
            end = start + sum(steps)
            if words is None:
                yield from torch.split(self.from_input(x[start:end]), steps)
            elif end - start <= _FEW_ROWS:
                yield from torch.split(self.from_input(x[words[start:end]]).float(), steps)
            else:
                distinct, which = torch.unique(words[start:end], return_inverse=True)  # (U,), (rows,)
                table = self.from_input(x[distinct])  # (U, 4H)
                for rows in torch.split(which, steps):
                    yield table[rows]
            start = end

    def _finish(self, gates: Tensor, cell: Tensor, raw: Tensor) -> Tensor:
        """From summed gates (n, 4, H) to the hidden state (n, P); `cell` becomes the next, the others waste."""
        cell_step(gates, cell, raw, self.cell_clip)
        hidden = self.projection(raw)
        return hidden if self.proj_clip is None else hidden.clamp_(-self.proj_clip, self.proj_clip)


def ordered(stored: Tensor) -> Tensor:
    """(4H, ...) from input, forget, candidate, output to the order of `cell_step`, the candidate doubled."""
    i, f, g, o = stored.chunk(4)
    return torch.cat([i, f, o, 2.0 * g])


def _chunks(sizes: Sequence[int], rows: int) -> Iterator[list[int]]:
    """Consecutive steps of together at most `rows` rows, one step at least."""
    chunk: list[int] = []
    total = 0
    for size in sizes:
        if chunk and total + size > rows:
            yield chunk
            chunk, total = [], 0
        chunk.append(size)
        total += size
    yield chunk
