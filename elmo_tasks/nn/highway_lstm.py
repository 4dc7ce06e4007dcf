"""The alternating highway LSTM of He et al. 2017, over packed sequences, with hand-written gradients.

Automatic differentiation of a loop over tokens spends its time on thousands of small operations. Here all products with
the input are one product per layer, a step has one product and a few element-wise operations on contiguous rows, and
the factors of the backward pass are computed for all tokens at once. No operation ever touches padding.
`tests/modules/test_highway_lstm.py` compares it with a cell written from the paper under autograd.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence


@dataclass(frozen=True)
class Walk:
    """The order in which one direction processes a packed batch of N tokens.

    steps: (first row, rows, first row of the previous step, rows that have one), in processing order; past: (N,) the
    row of the previous token, N if there is none; sequence: (N,) the sequence number of each row.
    """

    steps: tuple[tuple[int, int, int, int], ...]
    past: Tensor
    sequence: Tensor

    @classmethod
    def through(cls, sizes: list[int], *, backward: bool, device: torch.device) -> Walk:
        """sizes: the number of sequences that are active at each time, never increasing."""
        starts = [sum(sizes[:time]) for time in range(len(sizes))]
        total = sum(sizes)
        past = torch.full((total,), total)
        steps = []
        times = range(len(sizes))
        for time in reversed(times) if backward else times:
            before = time + 1 if backward else time - 1
            known = min(sizes[time], sizes[before]) if 0 <= before < len(sizes) else 0
            first = starts[before] if known else 0
            past[starts[time] : starts[time] + known] = torch.arange(first, first + known)
            steps.append((starts[time], sizes[time], first, known))
        sequence = torch.cat([torch.arange(size) for size in sizes])
        return cls(tuple(steps), past.to(device), sequence.to(device))


class HighwayLayer(torch.autograd.Function):
    """One layer: (x (N, I), weight_ih (6H, I), weight_hh (5H, H), bias (6H,), keep (B, H) or None, ...) -> (N, H).

    Gates in the order carry (linear, only from the input), highway, output, input, forget (sigmoid), candidate (tanh).
    keep: a mask that multiplies the outputs of each sequence at all its steps (variational dropout); kind: the type to
    which the factors of products are rounded, that of the input or bfloat16. Everything else has the type of the input.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight_ih: Tensor,
        weight_hh: Tensor,
        bias: Tensor,
        keep: Tensor | None,
        walk: Walk,
        kind: torch.dtype,
    ) -> Tensor:
        size = weight_hh.shape[1]
        hidden, cells, squashed = (x.new_empty(len(x), size) for _ in range(3))
        x, weight_ih, weight_hh = x.to(kind), weight_ih.to(kind), weight_hh.to(kind)
        gates = (x @ weight_ih.mT).to(hidden.dtype).add_(bias)  # (N, 6H)
        recurrent = weight_hh.mT.contiguous()  # (H, 5H)
        for start, rows, first, known in walk.steps:
            here = gates[start : start + rows]
            if known:
                here[:known, size:].add_(hidden[first : first + known].to(kind) @ recurrent)
            here[:, size : 5 * size].sigmoid_()
            carry, highway, output, input_, forget, candidate = here.chunk(6, dim=1)  # (rows, H) each
            candidate.tanh_()
            cell = torch.mul(input_, candidate, out=cells[start : start + rows])
            if known:
                cell[:known].addcmul_(forget[:known], cells[first : first + known])
            tanh = torch.tanh(cell, out=squashed[start : start + rows])
            new = torch.lerp(carry, output * tanh, highway, out=hidden[start : start + rows])
            if keep is not None:
                new.mul_(keep[:rows])
        ctx.save_for_backward(x, weight_ih, weight_hh, keep, gates, hidden, cells, squashed)
        ctx.walk = walk
        return hidden

    @staticmethod
    def backward(ctx: Any, grad_hidden: Tensor) -> tuple[Tensor | None, ...]:
        x, weight_ih, weight_hh, keep, gates, hidden, cells, squashed = ctx.saved_tensors
        walk: Walk = ctx.walk
        kind = x.dtype
        total, size = hidden.shape
        carry, h, o, i, f, g = gates.view(total, 6, size).unbind(1)  # (N, H) each
        nothing = hidden.new_zeros(1, size)
        before = torch.cat([cells, nothing])[walk.past]  # (N, H), like all below
        # Factors from the gradient of an output to carry, highway and output gates, and the cell...
        of_output = torch.stack([1 - h, (o * squashed - carry) * h * (1 - h), h * squashed * o * (1 - o)], dim=1)
        to_cell = h * o * (1 - squashed * squashed)
        if keep is not None:
            kept = keep[walk.sequence]
            of_output *= kept.unsqueeze(1)
            to_cell *= kept
        # ... and from the gradient of a cell to input and forget gates and the candidate.
        of_cell = torch.stack([g * i * (1 - i), before * f * (1 - f), i * (1 - g * g)], dim=1)  # (N, 3, H)
        grad_gates = torch.empty_like(gates, dtype=kind)  # (N, 6H)
        by_gate = grad_gates.view(total, 6, size)
        grad = grad_hidden.clone(memory_format=torch.contiguous_format)
        grad_cell = torch.zeros_like(cells)
        for start, rows, first, known in reversed(walk.steps):
            here = slice(start, start + rows)
            now, cell = grad[here], grad_cell[here]
            torch.mul(now.unsqueeze(1), of_output[here], out=by_gate[here, :3])
            cell.addcmul_(now, to_cell[here])
            torch.mul(cell.unsqueeze(1), of_cell[here], out=by_gate[here, 3:])
            if known:
                torch.mul(cell[:known], f[start : start + known], out=grad_cell[first : first + known])
                grad[first : first + known] += grad_gates[start : start + known, size:] @ weight_hh
        earlier = torch.cat([hidden, nothing])[walk.past].to(kind)
        exact = hidden.dtype
        return (
            (grad_gates @ weight_ih).to(exact) if ctx.needs_input_grad[0] else None,
            (grad_gates.mT @ x).to(exact),
            (grad_gates[:, size:].mT @ earlier).to(exact),
            (grad_gates.new_ones(1, total) @ grad_gates)[0].to(exact),
            None,
            None,
            None,
        )


class HighwayLstm(nn.Module):
    """Stacked layers that read the sentence alternately forwards and backwards.

    He et al. 2017, sections 2.1 and 2.2: highway connections between layers, variational dropout (the same mask at all
    steps of a sentence) on the hidden states passed to the next step and to the layer above, and orthonormal initial
    matrices. The bias of the forget gate starts at 1, as in AllenNLP.
    """

    def __init__(self, *, input_dim: int, hidden: int, layers: int, dropout: float, bf16: bool = False) -> None:
        """bf16: round the factors of products to bfloat16; weights, sums and everything else are not rounded."""
        super().__init__()
        self.width, self.dropout, self.bf16 = hidden, dropout, bf16
        widths = [input_dim] + [hidden] * (layers - 1)
        self.weight_ih = nn.ParameterList(nn.Parameter(torch.empty(6 * hidden, width)) for width in widths)
        self.weight_hh = nn.ParameterList(nn.Parameter(torch.empty(5 * hidden, hidden)) for _ in widths)
        self.bias = nn.ParameterList(nn.Parameter(torch.zeros(6 * hidden)) for _ in widths)
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Initialise the matrix of each gate to be orthonormal."""
        for matrices in (self.weight_ih, self.weight_hh):
            for matrix in matrices:
                for gate in matrix.split(self.width):
                    nn.init.orthogonal_(gate)
        for bias in self.bias:
            bias.zero_()
            bias[4 * self.width : 5 * self.width] = 1.0

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """x: (B, T, D), lengths: (B,) on the CPU -> (B, T, H), zero beyond each length."""
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        rows = self.packed(packed.data, packed.batch_sizes)
        found = PackedSequence(rows, packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices)
        padded, _ = pad_packed_sequence(found, batch_first=True, total_length=x.shape[1])
        return padded  # (B, T, H)

    def packed(self, x: Tensor, batch_sizes: Tensor) -> Tensor:
        """`forward` for a packed batch. x: (N, D) -> (N, H)."""
        sizes = batch_sizes.tolist()
        kind = torch.bfloat16 if self.bf16 else x.dtype
        walks = [Walk.through(sizes, backward=backward, device=x.device) for backward in (False, True)]
        for number, weights in enumerate(zip(self.weight_ih, self.weight_hh, self.bias, strict=True)):
            keep = None
            if self.training and self.dropout:
                keep = nn.functional.dropout(x.new_ones(sizes[0], self.width), self.dropout)  # (B, H)
            x = HighwayLayer.apply(x, *weights, keep, walks[number % 2], kind)  # type: ignore[no-untyped-call]
        return x
