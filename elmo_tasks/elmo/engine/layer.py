"""One direction of one layer of the biLM, over a packed block or a single sentence."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from elmo_tasks.elmo.engine.cells import FusedCell, GateStep, PlainCell, cell_step
from elmo_tasks.elmo.engine.graphs import Recorder, StepGraph
from elmo_tasks.elmo.engine.loops import are_compiled, kernels
from elmo_tasks.elmo.engine.packing import Packing
from elmo_tasks.elmo.engine.precision import has_kernels, has_onednn
from elmo_tasks.elmo.engine.products import (
    Int8Product,
    Makers,
    OneDnnProduct,
    Product,
    array,
    eight_bit_weights,
)
from elmo_tasks.elmo.lstm import ProjectedLstm

# The gates' part from the input is computed before the steps that use it, so much of it at a time; more where words
# recur. What it takes is bounded so, whatever the longest sentence.
_CHUNK_BYTES, _WORDS_BYTES = 16 << 20, 128 << 20
_CACHE_BYTES = 16 << 20
_BLOCK = 1024  # number of sums at a time: they stay in the L1 cache while eight rows of weights are read
_WHOLE_SUMS = 1 << 10  # number of products of 8-bit integers whose sum stays below 2**24


class Direction:
    """One direction of one layer: three products and the loop over time.

    Every sentence begins with the same boundary, so its step is computed once, here. Only the dropped vector of the
    closing boundary depends on the step over it, so that step is never computed.
    """

    def __init__(
        self,
        lstm: ProjectedLstm,
        make: Makers,
        boundary: Tensor,
        streams: int = 0,
        record: Recorder | None = None,
    ) -> None:
        """boundary: (1, P), the input of the layer at the boundary that this direction reads first; streams: the number
        for which a step is recorded, by `record` if it is given, see `graphs.py`.
        """
        self.size, self.width = lstm.cell_dim, lstm.projection_dim
        self.cell_clip, self.proj_clip = lstm.cell_clip, lstm.proj_clip
        from_input = make.gates(ordered(lstm.weight_ih), ordered(lstm.bias))
        self.from_hidden = make.gates(ordered(lstm.weight_hh), None)
        self.projection = make.projection(2.0 * lstm.weight_proj, None)
        self.step_bytes = self.from_hidden.weight_bytes + self.projection.weight_bytes
        self.all_bytes = self.step_bytes + from_input.weight_bytes
        self.row_bytes = 4 * self.size * from_input.dtype.itemsize  # of the gates' contribution from one input
        self.cell: GateStep = PlainCell(from_input, self.from_hidden, self.cell_clip)
        if has_kernels() and boundary.device.type == "cpu":
            self.cell = FusedCell(from_input, self.from_hidden, ordered(lstm.bias), self.cell_clip)
        self.first_cell = boundary.new_zeros(1, self.size)
        gates = from_input(boundary).float().view(1, 4, -1)
        self.first_hidden = self._project(cell_step(gates, self.first_cell, self.cell_clip))  # (1, P)
        self.graph: StepGraph | None = None
        if record is not None and isinstance(self.cell, PlainCell):
            state = (self.first_hidden.repeat(streams, 1), self.first_cell.repeat(streams, 1))
            inputs = from_input(boundary).repeat(streams, 1)
            self.graph = StepGraph.checked(self._graphed, inputs, *state, record)

    def __getstate__(self) -> dict[str, Any]:
        """A copy computes without a graph."""
        return self.__dict__ | {"graph": None}

    def __call__(self, x: Tensor, packing: Packing, words: Tensor | None = None) -> Tensor:
        """Run over a packed block of N rows.

        x: (N, P) float32, the block; or (U, P) distinct inputs, of which `words` (N,) selects one for each row; their
        contribution to the gates is then computed only once each.
        Returns: (N, P) float32, the outputs in the order of the block.
        """
        sizes = packing.sizes
        if self.graph is not None and sizes[0] == len(self.graph.hidden):
            steps = self._inputs(x, sizes, words)
            return torch.cat(self.graph.run(steps, packing.begins, self.first_hidden, self.first_cell)).float()
        cell, hidden = self.first_cell.repeat(sizes[0], 1), self.first_hidden.repeat(sizes[0], 1)
        outputs: list[Tensor] = []
        for table, rows in self._inputs(x, sizes, words):
            begins = packing.begins.get(len(outputs))
            if begins is not None:
                cell[begins], hidden[begins] = self.first_cell, self.first_hidden
            if len(rows) < len(hidden):  # the last streams have ended
                cell, hidden = cell[: len(rows)], hidden[: len(rows)]
            hidden = self._project(self.cell(hidden, table, rows, cell))
            outputs.append(hidden if len(outputs) + 1 not in packing.begins else hidden.clone())  # begins write to it
        return torch.cat(outputs).float()  # (N, P)

    def _inputs(self, x: Tensor, sizes: Sequence[int], words: Tensor | None) -> Iterator[tuple[Any, Tensor]]:
        """Yield for each step a table of the gates' contribution from the input, and the row of each stream (n,)."""
        if words is not None and words.device.type != "cpu":
            # All of the table at once: to find the distinct words of a few steps, the CPU would have to wait.
            table = self.cell.table(x)
            for rows in torch.split(words, list(sizes)):
                yield table, rows
            return
        start = 0
        for steps in _chunks(sizes, (_CHUNK_BYTES if words is None else _WORDS_BYTES) // self.row_bytes):
            end = start + sum(steps)
            if words is None:
                table, which = self.cell.table(x[start:end]), torch.arange(end - start, device=x.device)
            else:
                distinct, which = torch.unique(words[start:end], return_inverse=True)  # (U,), (rows,)
                table = self.cell.table(x[distinct])
            for rows in torch.split(which, steps):
                yield table, rows
            start = end

    def _graphed(self, inputs: Tensor, hidden: Tensor, cell: Tensor) -> Tensor:
        """A step of `graphs.StepFunction`."""
        assert isinstance(self.cell, PlainCell)
        return self._project(self.cell.step(hidden, inputs, cell))

    def _project(self, raw: Tensor) -> Tensor:
        """(n, H) -> the hidden state (n, P)."""
        hidden = self.projection(raw)
        return hidden if self.proj_clip is None else hidden.clamp_(-self.proj_clip, self.proj_clip)


class Alone:
    """A direction over a single sentence: all of its steps in one call to a compiled kernel.

    For a single row, the time is spent on reading the weights and on calls at each step; the kernel avoids the calls.
    The weights are in memory a second time, in the kernel's layout. The results are bit-identical to those of the
    direction if oneDNN adds in an order known to `summed_products`.
    """

    def __init__(self, direction: Direction, lstm: ProjectedLstm) -> None:
        assert isinstance(direction.cell, FusedCell)
        self.gates = direction.cell
        self.recurrent, self.recurrent_scales = _blocks(direction.from_hidden, ordered(lstm.weight_hh))
        self.projection, self.projection_scales = _blocks(direction.projection, 2.0 * lstm.weight_proj)
        self.step_bytes = self.recurrent.nbytes + self.projection.nbytes
        self.all_bytes = self.step_bytes + self.gates.from_input.weight_bytes
        self.proj_bound = np.float32(np.inf if lstm.proj_clip is None else lstm.proj_clip)
        self.hidden, self.cell = array(direction.first_hidden[0]), direction.first_cell[0].numpy()

    @staticmethod
    def pays(direction: Direction) -> bool:
        """Whether the weights of both directions stay in the cache; otherwise one after the other on all threads is
        faster.

        8-bit products whose sums might not be exact in float32 are excluded too.
        """
        products = ((direction.from_hidden, direction.width), (direction.projection, direction.size))
        whole = all(inner <= _WHOLE_SUMS for product, inner in products if isinstance(product, Int8Product))
        return whole and 2 * direction.step_bytes <= _CACHE_BYTES

    @staticmethod
    def is_compiled() -> bool:
        """Whether the kernel for it is known to be compiled, which is looked up only if Numba is in use."""
        return are_compiled() and bool(kernels().is_compiled(kernels().sentence))

    def __call__(self, x: Tensor) -> Tensor:
        """(T, P) float32, in the reading order of the direction -> the outputs in the same order."""
        outputs = torch.empty_like(x)
        kernels().sentence(
            *self.gates.table(x), self.gates.bias, self.recurrent, self.recurrent_scales, self.projection,
            self.projection_scales, self.hidden.copy(), self.cell.copy(), self.gates.bound, self.proj_bound,
            summed_products(), outputs.numpy(),
        )  # fmt: skip
        return outputs  # (T, P)


@functools.cache
def summed_products() -> int:
    """The number of products that oneDNN adds before it begins another sum, which depends on the processor.

    512 with AVX-512, all of them with AVX2; determined with a small product.
    """
    several, all_of_them = 512, 1 << 30
    if not has_onednn():
        return several
    generator = torch.Generator().manual_seed(0)
    weight, x = torch.randn(64, 1024, generator=generator), torch.randn(1, 1024, generator=generator)
    expected, found = OneDnnProduct(weight, None, torch.float32)(x)[0], torch.empty(64)
    kernels().multiply(x[0].numpy(), in_blocks(array(weight.t())), all_of_them, found.numpy())
    return all_of_them if torch.equal(found, expected) else several


def _blocks(product: Product, weight: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """The matrix (M, K) of a product in the layout of the sentence kernel, and its scales (M,), empty if not 8-bit."""
    weight = weight.detach().float()
    if isinstance(product, Int8Product):
        rounded, scales = eight_bit_weights(weight)
        return in_blocks(rounded.t().contiguous().numpy()), scales.numpy()
    return in_blocks(array(weight.t().to(product.dtype))), np.empty(0, np.float32)


def in_blocks(weights: np.ndarray) -> np.ndarray:
    """(K, M) -> (blocks, K, W): blocks of W columns, the last padded with zeros, in the order `sentence` reads them.

    This makes one stream through memory; the rows of a wide matrix are a power of two apart and would share a few cache
    lines.
    """
    inner, columns = weights.shape
    block = min(_BLOCK, columns)
    blocks = -(-columns // block)
    padded = np.zeros((inner, blocks * block), weights.dtype)
    padded[:, :columns] = weights
    return np.ascontiguousarray(padded.reshape(inner, blocks, block).transpose(1, 0, 2))  # (blocks, K, W)


def ordered(stored: Tensor) -> Tensor:
    """Reorder (4H, ...) from input, forget, candidate, output to the order of `cell_step`, and double the candidate."""
    i, f, g, o = stored.chunk(4)
    return torch.cat([i, f, o, 2.0 * g])


def _chunks(sizes: Sequence[int], rows: int) -> Iterator[list[int]]:
    """Group consecutive steps with at most `rows` rows in total, at least one step per group."""
    chunk: list[int] = []
    total = 0
    for size in sizes:
        if chunk and total + size > rows:
            yield chunk
            chunk, total = [], 0
        chunk.append(size)
        total += size
    yield chunk
