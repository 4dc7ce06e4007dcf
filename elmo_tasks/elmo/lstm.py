"""The LSTM of the biLM: projected, clipped, one direction, one layer."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

_State = tuple[Tensor, Tensor]  # the same as a plain tuple, as required by `scan`


class LstmState(NamedTuple):
    """The state of a layer between two steps: hidden (B, P) and cell (B, H)."""

    hidden: Tensor
    cell: Tensor


class ProjectedLstm(nn.Module):
    """LSTM with a projection of its output and clipped cells and projections (Sak et al. 2014; bilm-tf's LSTMCell).

    Gates are stored in PyTorch's order (input, forget, cell, output). As in TensorFlow, the 1 of the forget gate's bias
    is added at run time and is not part of the parameter `stored_bias`, so weights are converted between files exactly.
    """

    def __init__(
        self, *, input_dim: int, cell_dim: int, projection_dim: int, cell_clip: float | None, proj_clip: float | None
    ) -> None:
        super().__init__()
        self.cell_dim, self.projection_dim = cell_dim, projection_dim
        self.cell_clip, self.proj_clip = cell_clip, proj_clip
        self.weight_ih = nn.Parameter(torch.empty(4 * cell_dim, input_dim))
        self.weight_hh = nn.Parameter(torch.empty(4 * cell_dim, projection_dim))
        self.stored_bias = nn.Parameter(torch.empty(4 * cell_dim))
        self.weight_proj = nn.Parameter(torch.empty(projection_dim, cell_dim))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Glorot uniform over the joint input-and-hidden kernel and the projection, as by default in TensorFlow."""
        bound = (6.0 / (self.weight_ih.shape[1] + self.projection_dim + 4 * self.cell_dim)) ** 0.5
        nn.init.uniform_(self.weight_ih, -bound, bound)
        nn.init.uniform_(self.weight_hh, -bound, bound)
        nn.init.xavier_uniform_(self.weight_proj)
        nn.init.zeros_(self.stored_bias)

    @property
    def bias(self) -> Tensor:
        """The bias of the gates including the 1 of the forget gate: (4H,)."""
        i, f, g, o = self.stored_bias.chunk(4)
        return torch.cat([i, f + 1.0, g, o])

    def initial_state(self, batch: int) -> LstmState:
        """Zeros for `batch` sequences."""
        return LstmState(
            self.stored_bias.new_zeros(batch, self.projection_dim),  # (B, P)
            self.stored_bias.new_zeros(batch, self.cell_dim),  # (B, H)
        )

    def step(self, gates: Tensor, cell: Tensor) -> LstmState:
        """One time step from the summed gates (B, 4H) and the previous cell (B, H)."""
        i, f, g, o = gates.chunk(4, dim=1)  # (B, H) each
        cell = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(g)  # (B, H)
        if self.cell_clip is not None:
            cell = cell.clamp(-self.cell_clip, self.cell_clip)
        hidden = nn.functional.linear(torch.sigmoid(o) * torch.tanh(cell), self.weight_proj)  # (B, P)
        if self.proj_clip is not None:
            hidden = hidden.clamp(-self.proj_clip, self.proj_clip)
        return LstmState(hidden, cell)

    def forward(self, x: Tensor, mask: Tensor, state: LstmState | None = None) -> tuple[Tensor, LstmState]:
        """Run over whole sequences.

        x: (B, T, I); mask: (B, T) bool, True on real tokens, which come first in each row.
        Returns: outputs (B, T, P), zero where masked, and the state after each row's last real token.
        """
        state = self.initial_state(x.shape[0]) if state is None else state
        from_input = nn.functional.linear(x, self.weight_ih, self.bias)  # (B, T, 4H)

        def advance(before: _State, now: tuple[Tensor, Tensor]) -> tuple[_State, Tensor]:
            (hidden, cell), (gates, real) = before, (now[0], now[1].unsqueeze(1))  # (B, 4H), (B, 1)
            after = self.step(gates + nn.functional.linear(hidden, self.weight_hh), cell)
            kept = torch.where(real, after.hidden, hidden), torch.where(real, after.cell, cell)
            return kept, after.hidden * real

        before: _State = (state.hidden, state.cell)
        if _exporting():  # a Python loop over the steps would fix T
            from torch._higher_order_ops.scan import scan

            before, steps = scan(advance, before, (from_input.transpose(0, 1), mask.transpose(0, 1)))
            return steps.transpose(0, 1), LstmState(*before)
        outputs = []
        for t in range(x.shape[1]):
            before, output = advance(before, (from_input[:, t], mask[:, t]))
            outputs.append(output)
        stacked = torch.stack(outputs, dim=1) if outputs else x.new_zeros(x.shape[0], 0, self.projection_dim)
        return stacked, LstmState(*before)  # (B, T, P)


def _exporting() -> bool:
    """Whether `torch.export` is tracing; cannot be detected before PyTorch 2.7."""
    return hasattr(torch.compiler, "is_exporting") and torch.compiler.is_exporting()
