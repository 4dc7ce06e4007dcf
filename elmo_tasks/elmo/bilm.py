"""The bidirectional language model of ELMo: computes the activations of all layers from characters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from elmo_tasks.elmo.characters import padded
from elmo_tasks.elmo.lstm import LstmState, ProjectedLstm
from elmo_tasks.elmo.options import BilmOptions
from elmo_tasks.elmo.spelling import check_ids, encode, spelling_of
from elmo_tasks.elmo.token_encoder import CharacterEncoder

BilmState = tuple[tuple[LstmState, LstmState], ...]
"""The states of the forward and the backward direction, for each layer."""


class BilmOutput(NamedTuple):
    """layers: (B, L + 1, T, 2P), with the token vector twice as layer 0; mask: (B, T) bool; state: the last state."""

    layers: Tensor
    mask: Tensor
    state: BilmState


class BiLM(nn.Module):
    """Two language models over one character encoder (Peters et al. 2018, section 3), exactly as bilm-tf runs them.

    Stateless unless a state is passed: the vectors of a sentence depend only on that sentence. If the options have a
    dictionary, it is an ELMoForManyLangs biLM, which reads other ids; `batch_to_ids` makes the ids of any biLM.
    """

    def __init__(self, options: BilmOptions) -> None:
        super().__init__()
        self.options, self.spelling = options, spelling_of(options)
        self.token_encoder = CharacterEncoder(options)
        self.forward_layers = nn.ModuleList(self._layer() for _ in range(options.n_layers))
        self.backward_layers = nn.ModuleList(self._layer() for _ in range(options.n_layers))

    def _layer(self) -> ProjectedLstm:
        return ProjectedLstm(
            input_dim=self.options.projection_dim,
            cell_dim=self.options.cell_dim,
            projection_dim=self.options.projection_dim,
            cell_clip=self.options.cell_clip,
            proj_clip=self.options.proj_clip,
        )

    @property
    def n_layers(self) -> int:
        """Number of layers returned by `forward`, including layer 0."""
        return self.options.n_layers + 1

    @property
    def width(self) -> int:
        """Width of a layer, both directions."""
        return self.options.width

    def forward(
        self, char_ids: Tensor, state: BilmState | None = None, keep_sentence_boundaries: bool = False
    ) -> BilmOutput:
        """char_ids: (B, T, C) from `batch_to_ids`, with absent words all 0 and last.

        Sentence boundaries are added before the run and their vectors removed after it, unless
        `keep_sentence_boundaries`; then T grows by 2. Vectors of absent words are 0.

        Raises:
            InputError: the width of the ids is wrong, numbers are not valid ids, or padding precedes a word, see
                `check_ids`.
        """
        if not torch.compiler.is_compiling():
            check_ids(char_ids, self.spelling)
        mask = (char_ids > 0).any(dim=-1)  # (B, T)
        begin, end = (self.spelling.ids(word) for word in self.spelling.boundaries)
        char_ids, inner_mask = add_sentence_boundaries(char_ids, mask, begin, end)  # (B, T + 2, C)
        tokens = self.token_encoder.encode(char_ids, inner_mask)  # (B, T + 2, P)
        layers, after = self.contextualise(tokens, inner_mask, state)
        if keep_sentence_boundaries:
            return BilmOutput(layers, inner_mask, after)
        return BilmOutput(layers[:, :, 1:-1] * mask[:, None, :, None], mask, after)

    def batch_to_ids(self, batch: Sequence[Sequence[str]]) -> Tensor:
        """The ids that this biLM reads for tokenised sentences, absent words all 0. Returns: (B, T, C) int64.

        Raises:
            InputError: a sentence is a string instead of a list of tokens.
        """
        return padded(batch, self.spelling.width, lambda words: encode(self.spelling, words))

    def boundary_vectors(self) -> Tensor:
        """The vectors of the sentence boundaries: (2, P)."""
        ids = encode(self.spelling, self.spelling.boundaries)
        vectors: Tensor = self.token_encoder(ids.to(self.token_encoder.embedding.weight.device))
        return vectors  # (2, P)

    def contextualise(self, tokens: Tensor, mask: Tensor, state: BilmState | None = None) -> tuple[Tensor, BilmState]:
        """tokens: (B, T, P), mask: (B, T) -> layers (B, L + 1, T, 2P) and the state after the last token."""
        flip = _reversal(mask)  # (B, T)
        ahead, behind = tokens, _gather(tokens, flip)  # (B, T, P), the second from right to left
        layers, states = [torch.cat([tokens, tokens], dim=-1)], []
        for index, (forward, backward) in enumerate(zip(self.forward_layers, self.backward_layers, strict=True)):
            before = state[index] if state is not None else (None, None)
            ahead_out, ahead_state = forward(ahead, mask, before[0])
            behind_out, behind_state = backward(behind, mask, before[1])
            residual = self.options.skip_connections and index > 0
            ahead = ahead + ahead_out if residual else ahead_out
            behind = behind + behind_out if residual else behind_out
            layers.append(torch.cat([ahead, _gather(behind, flip)], dim=-1))
            states.append((ahead_state, behind_state))
        return torch.stack(layers, dim=1), tuple(states)  # (B, L + 1, T, 2P)


class NoRandomValues(TorchFunctionMode):
    """Leave parameters unchanged when `reset_parameters` draws random numbers.

    Drawing normal numbers on the meta device makes PyTorch import its compiler, which takes longer than importing
    PyTorch itself.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__name__", "") in ("normal_", "uniform_"):  # functions of torch.nn.init, or tensor methods
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


def without_weights(options: BilmOptions) -> BiLM:
    """A biLM on the meta device: the names and shapes of its parameters, without memory or values."""
    with torch.device("meta"), NoRandomValues():
        return BiLM(options)


def add_sentence_boundaries(
    char_ids: Tensor, mask: Tensor, begin: Sequence[int], end: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Put the ids of boundaries around each sentence. (B, T, C), (B, T), (C,) twice -> (B, T + 2, C), (B, T + 2)."""
    batch, length, width = char_ids.shape
    sizes = mask.sum(dim=1)  # (B,)
    out = char_ids.new_zeros(batch, length + 2, width)
    out[:, 1:-1] = char_ids
    out[:, 0] = char_ids.new_tensor(begin)
    out[torch.arange(batch, device=out.device), sizes + 1] = out.new_tensor(end)
    positions = torch.arange(length + 2, device=mask.device)
    return out, positions[None, :] < (sizes + 2)[:, None]


def _reversal(mask: Tensor) -> Tensor:
    """Indices that reverse the real tokens of each row and leave its padding in place. (B, T) -> (B, T)."""
    positions = torch.arange(mask.shape[1], device=mask.device).expand_as(mask)
    mirrored = mask.sum(dim=1, keepdim=True) - 1 - positions
    return torch.where(mirrored >= 0, mirrored, positions)


def _gather(x: Tensor, index: Tensor) -> Tensor:
    """x: (B, T, D) rearranged along T by index (B, T)."""
    return x.gather(1, index.unsqueeze(-1).expand_as(x))  # (B, T, D)
