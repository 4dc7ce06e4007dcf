"""The training objective of a biLM: both directions' next-word loss over a window of text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.characters import END_WORD
from elmo_tasks.elmo.lstm import ProjectedLstm
from elmo_tasks.nn.dropout import dropout
from elmo_tasks.pretraining.bptt import BidirectionalLayer, Compiler, Kernels
from elmo_tasks.pretraining.char_cnn import CnnKernels, ConvolveAndMax
from elmo_tasks.pretraining.sampled_softmax import LogUniformSampler, SampledCrossEntropy, SoftmaxKernels

NO_CLIP = float("inf")


@dataclass(frozen=True, slots=True)
class Window:
    """A window of T steps of B streams, direction 0 from left to right, direction 1 from right to left.

    characters: (U, C) int64, the distinct words of the windows that are encoded at once, in the first of these windows,
    and (0, C) in the others; inputs: (2, T, B) int64, indices into them; targets: (2, T, B) int64, classes of the
    softmax; starts: (2, T, B) bool, where a sentence begins.
    """

    characters: Tensor
    inputs: Tensor
    targets: Tensor
    starts: Tensor

    def to(self, device: torch.device | str) -> Window:
        """The same window on another device."""
        return Window(
            self.characters.to(device), self.inputs.to(device), self.targets.to(device), self.starts.to(device)
        )


class EncodedWords:
    """The vectors of the distinct words of several windows, encoded once.

    leaf: (U, P) float32, what the windows read; their gradients add up in it until `backward`.
    """

    def __init__(self, vectors: Tensor) -> None:
        self.vectors, self.leaf = vectors, vectors.detach().float().requires_grad_()

    def backward(self, scale: float) -> None:
        """Take the gradients, times `scale`, on through the encoder."""
        assert self.leaf.grad is not None
        torch.autograd.backward(self.vectors, (self.leaf.grad * scale).to(self.vectors.dtype))


class StreamState(NamedTuple):
    """What each layer carries from window to window: hidden (L, 2, B, P), cell (L, 2, B, H)."""

    hidden: Tensor
    cell: Tensor


class Softmax(nn.Module):
    """The output layer that both directions share. Its gradients are sparse: few rows take part in a step."""

    def __init__(self, vocabulary: int, dim: int) -> None:
        super().__init__()
        self.weight = nn.Embedding(vocabulary, dim, sparse=True)
        self.bias = nn.Embedding(vocabulary, 1, sparse=True)
        nn.init.normal_(self.weight.weight, std=dim**-0.5)  # bilm-tf's initial values
        nn.init.zeros_(self.bias.weight)

    def rows(self, classes: Tensor) -> tuple[Tensor, Tensor]:
        """classes: (N,) -> weight (N, P) and bias (N,)."""
        return self.weight(classes), self.bias(classes).squeeze(1)


class Objective(nn.Module):
    """A biLM with its softmax, to be trained (Peters et al. 2018, section 3.1, as bilm-tf's `training.py` does it).

    Weights stay in float32; products run in `dtype`. `compiler` (such as `torch.compile`) fuses the element-wise parts.

    Args:
        fresh_sentences: set the state to zero where a sentence begins, as it is in use. bilm-tf carries the state
            over from the sentence before, so that its biLMs have never seen the state that every use starts from.
    """

    def __init__(
        self,
        bilm: BiLM,
        *,
        vocabulary: int,
        samples: int,
        dropout: float = 0.1,
        fresh_sentences: bool = False,
        dtype: torch.dtype = torch.float32,
        compiler: Compiler | None = None,
    ) -> None:
        super().__init__()
        self.bilm, self.dropout, self.fresh_sentences, self.dtype = bilm, dropout, fresh_sentences, dtype
        self.softmax = Softmax(vocabulary, bilm.options.projection_dim)
        self.sampler = LogUniformSampler(vocabulary, samples)
        self.kernels, self.cnn, self.loss = Kernels(compiler), CnnKernels(compiler), SoftmaxKernels(compiler)

    def initial_state(self, batch: int) -> StreamState:
        """Zeros for `batch` streams."""
        options = self.bilm.options
        bias = self.softmax.bias.weight
        return StreamState(
            bias.new_zeros(options.n_layers, 2, batch, options.projection_dim, dtype=self.dtype),
            bias.new_zeros(options.n_layers, 2, batch, options.cell_dim, dtype=torch.float32),
        )

    def forward(
        self, window: Window, state: StreamState, generator: torch.Generator, vectors: Tensor | None = None
    ) -> tuple[Tensor, StreamState]:
        """Mean sampled-softmax loss of both directions (nats per word) and the state for the next window.

        vectors: (U, P), of the distinct words, if they are encoded already.

        Deviation: both directions share the drawn classes of a step, bilm-tf draws for each (half the work, same law).
        """
        hidden, after = self.contextualise(window, state, vectors)  # (2, T, B, P)
        hidden = dropout(hidden, self.dropout, self.training).flatten(0, 2)  # (N, P)
        targets = window.targets.flatten()  # (N,)
        sampled, tries = self.sampler.draw(generator)
        sampled = sampled.to(targets.device)  # (S,) sorted
        true_weight, true_bias = self.softmax.rows(targets)
        weight, bias = self.softmax.rows(sampled)
        column = torch.searchsorted(sampled, targets).clamp(max=len(sampled) - 1)  # (N,)
        collision = torch.where(sampled[column] == targets, column, -1)
        total = SampledCrossEntropy.apply(  # type: ignore[no-untyped-call]
            hidden,
            true_weight.to(self.dtype),
            true_bias - self.sampler.log_expected_count(targets, tries),
            weight.to(self.dtype),
            bias - self.sampler.log_expected_count(sampled, tries),
            collision,
            self.loss,
        )
        return total / targets.numel(), after

    def contextualise(
        self, window: Window, state: StreamState, vectors: Tensor | None = None
    ) -> tuple[Tensor, StreamState]:
        """The top layer's outputs (2, T, B, P) before dropout, and the state after the window.

        vectors: as in `forward`.
        """
        vectors = self.encode(window.characters) if vectors is None else vectors.to(self.dtype)
        x = vectors[window.inputs]  # (2, T, B, P)
        keep = (~window.starts if self.fresh_sentences else torch.ones_like(window.starts)).unsqueeze(3).to(self.dtype)
        hidden, cell = [], []
        for index, pair in enumerate(zip(self.bilm.forward_layers, self.bilm.backward_layers, strict=True)):
            x = dropout(x, self.dropout, self.training)
            out, last_hidden, last_cell = self._layer(pair, x, state.hidden[index], state.cell[index], keep)
            hidden.append(last_hidden)
            cell.append(last_cell)
            x = x + out if self.bilm.options.skip_connections and index > 0 else out
        return x, StreamState(torch.stack(hidden), torch.stack(cell))

    def _layer(
        self, pair: tuple[nn.Module, nn.Module], x: Tensor, hidden: Tensor, cell: Tensor, keep: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        ahead, behind = pair
        assert isinstance(ahead, ProjectedLstm) and isinstance(behind, ProjectedLstm)

        def both(name: str) -> Tensor:
            return torch.stack([getattr(ahead, name), getattr(behind, name)]).to(self.dtype)

        result: tuple[Tensor, Tensor, Tensor] = BidirectionalLayer.apply(  # type: ignore[no-untyped-call]
            x,
            both("weight_ih"),
            both("weight_hh"),
            both("bias"),
            both("weight_proj"),
            hidden,
            cell,
            keep,
            ahead.cell_clip or NO_CLIP,
            ahead.proj_clip or NO_CLIP,
            self.kernels,
        )
        return result

    def encode(self, characters: Tensor, group: int = 256) -> Tensor:
        """Vectors of distinct words in `dtype`. characters: (U, C) -> (U, P).

        Words are taken by length, `group` at a time, so that little is computed on padding; the few words too long for
        the widest filter to see one window of padding alone take the plain path. On a GPU all words take that path:
        the lengths would have to be fetched from it, and computing on padding is cheap there.
        """
        encoder = self.bilm.token_encoder
        if characters.device.type != "cpu":
            with torch.autocast(characters.device.type, self.dtype, enabled=self.dtype != torch.float32):
                return encoder.transform(encoder.convolve(characters)).to(self.dtype)  # (U, P)
        width = max(width for width, _ in encoder.options.filters)
        length = (characters == END_WORD).int().argmax(dim=1) + 1  # (U,)
        order = torch.argsort(length, stable=True)
        n_short = int((length + width <= characters.shape[1]).sum())
        filters = self._filters(width)
        pooled = []
        for start in range(0, n_short, group):
            rows = order[start : min(start + group, n_short)]
            longest = int(length[rows[-1]]) + width
            embedded = encoder.embedding(characters[rows, :longest]).to(self.dtype)  # (G, W + K - 1, E)
            pooled.append(ConvolveAndMax.apply(embedded, filters, self.cnn))  # type: ignore[no-untyped-call]
        bias = torch.cat([_bias(convolution) for convolution in encoder.convolutions])
        parts = [torch.cat(pooled) + bias.to(self.dtype)] if pooled else []
        if n_short < len(order):
            parts.append(encoder.convolve(characters[order[n_short:]]).to(self.dtype))
        x = torch.cat(parts)[torch.argsort(order)]  # (U, F) in the given order
        with torch.autocast(x.device.type, self.dtype, enabled=self.dtype != torch.float32):
            return encoder.transform(x).to(self.dtype)  # (U, P)

    def _filters(self, width: int) -> Tensor:
        """All filters as one matrix (K * E, F); a filter narrower than K ends in zeros."""
        padded = []
        for convolution in self.bilm.token_encoder.convolutions:
            assert isinstance(convolution, nn.Conv1d)
            weight = convolution.weight  # (F_i, E, K_i)
            padded.append(nn.functional.pad(weight, (0, width - weight.shape[2])))
        return torch.cat(padded).permute(2, 1, 0).flatten(0, 1).to(self.dtype)


def _bias(convolution: nn.Module) -> Tensor:
    assert isinstance(convolution, nn.Conv1d) and convolution.bias is not None
    return convolution.bias
