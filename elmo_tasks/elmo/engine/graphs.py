"""A step of a direction as a CUDA graph: one launch in place of a dozen, which take longer than what they compute."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from threading import Lock

import torch
from torch import Tensor

Work = Callable[[], None]
Recorder = Callable[[Work], Work]
"""Makes a function that does the work again."""
StepFunction = Callable[[Tensor, Tensor, Tensor], Tensor]


class StepGraph:
    """A step for a fixed number of streams, n, on tensors with fixed places.

    Streams that have ended are computed like the others, and their outputs are dropped.
    """

    def __init__(self, step: StepFunction, inputs: Tensor, hidden: Tensor, cell: Tensor, record: Recorder) -> None:
        """step: of the gates' contribution from the input (n, 4H), hidden (n, P) and cell (n, H), which is replaced, to
        the next hidden (n, P); inputs, hidden, cell: such tensors; record: see `recorder`.
        """
        self.inputs, self.hidden, self.cell = (torch.zeros_like(each) for each in (inputs, hidden, cell))
        self._lock = Lock()

        def work() -> None:
            self.hidden.copy_(step(self.inputs, self.hidden, self.cell))

        self._repeat = record(work)

    def run(
        self, steps: Iterable[tuple[Tensor, Tensor]], begins: Mapping[int, Tensor], hidden: Tensor, cell: Tensor
    ) -> list[Tensor]:
        """The outputs (k, P) of each step.

        steps: a table (M, 4H) of contributions from inputs, and the rows (k,) of the streams that have not ended;
        begins: step -> the streams in which a sentence begins; hidden, cell: (1, P) and (1, H), the state before it.
        """
        outputs = []
        with self._lock:
            self.hidden.copy_(hidden)
            self.cell.copy_(cell)
            for number, (table, rows) in enumerate(steps):
                streams = begins.get(number)
                if streams is not None:
                    self.hidden[streams], self.cell[streams] = hidden, cell
                torch.index_select(table, 0, rows, out=self.inputs[: len(rows)])
                self._repeat()
                outputs.append(self.hidden[: len(rows)].clone())
        return outputs

    @classmethod
    def checked(
        cls, step: StepFunction, inputs: Tensor, hidden: Tensor, cell: Tensor, record: Recorder
    ) -> StepGraph | None:
        """The graph, or None with a warning if it cannot be recorded or does not repeat the first step."""
        expected = step(inputs, hidden, cell.clone())
        try:
            graph = cls(step, inputs, hidden, cell, record)
            rows = torch.arange(len(inputs), device=inputs.device)
            (found,) = graph.run([(inputs, rows)], {}, hidden[:1], cell[:1])
        except RuntimeError as error:
            problem = str(error).partition("\n")[0]
        else:
            if torch.allclose(found.float(), expected.float(), rtol=1e-2, atol=1e-3):
                return graph
            problem = "it does not repeat the step"
        warnings.warn(f"computing without a CUDA graph: {problem}", RuntimeWarning, stacklevel=2)
        return None


def recorder(device: torch.device) -> Recorder | None:
    """What records work on this device; None if it is not a GPU of CUDA."""
    return partial(_recorded, device) if device.type == "cuda" else None


def _recorded(device: torch.device, work: Work) -> Work:
    """A function that launches the kernels of `work` again. Their shapes and places must not change."""
    with torch.cuda.device(device):
        aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(3):  # libraries choose kernels and allocate what they need, which cannot be recorded
                work()
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            work()
    replay: Work = graph.replay
    return replay
