"""AllenNLP's `_ElmoBiLm`, `_ElmoCharacterEncoder` and `ScalarMix`, for code that uses the parts of `Elmo`."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike, fspath
from typing import TypedDict

import torch
from torch import Tensor, nn

from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo.bilm import BiLM, add_sentence_boundaries
from elmo_tasks.elmo.cached_words import CachedWords
from elmo_tasks.elmo.scalar_mix import normalise_batch
from elmo_tasks.elmo.spelling import check_ids, spelling_of
from elmo_tasks.elmo.token_encoder import CharacterEncoder
from elmo_tasks.elmo.weights.resolve import load_pair


class Activations(TypedDict):
    """The output of `_ElmoBiLm`: the layers, (B, T + 2, D) each, and the mask, (B, T + 2), both with boundaries."""

    activations: list[Tensor]
    mask: Tensor


class TokenEmbedding(TypedDict):
    """The output of `_ElmoCharacterEncoder`: (B, T + 2, P) and (B, T + 2), both with boundaries."""

    token_embedding: Tensor
    mask: Tensor


class _ElmoBiLm(nn.Module):
    """A biLM that returns its layers as a list, including sentence boundaries.

    Args:
        options_file, weight_file: paths or http addresses.
        requires_grad: whether the biLM is trained.
        vocab_to_cache: words for `word_inputs`, as for `Elmo`.
    """

    def __init__(
        self,
        options_file: str | PathLike[str],
        weight_file: str | PathLike[str],
        requires_grad: bool = False,
        vocab_to_cache: Sequence[str] | None = None,
    ) -> None:
        super().__init__()
        bilm = load_pair(fspath(options_file), fspath(weight_file)).requires_grad_(requires_grad)
        self._share(bilm, CachedWords(bilm, vocab_to_cache) if vocab_to_cache else None)

    @classmethod
    def of(cls, bilm: BiLM, words: CachedWords | None) -> _ElmoBiLm:
        """Make one that shares the weights of a biLM."""
        made = cls.__new__(cls)
        nn.Module.__init__(made)
        made._share(bilm, words)
        return made

    def _share(self, bilm: BiLM, words: CachedWords | None) -> None:
        self.bilm, self.words = bilm, words
        self.num_layers = bilm.n_layers
        self._elmo_lstm = NoState()

    @property
    def _token_embedder(self) -> _ElmoCharacterEncoder:
        return _ElmoCharacterEncoder.of(self.bilm)

    def get_output_dim(self) -> int:
        """D, the width of a layer."""
        return self.bilm.width

    def forward(self, inputs: Tensor, word_inputs: Tensor | None = None) -> Activations:
        """inputs: (B, T, C) character ids; word_inputs: (B, T) positions in `vocab_to_cache`."""
        if word_inputs is not None and self.words is not None and self.words.has_all(word_inputs):
            layers, mask = self.words.layers(self.bilm, word_inputs)
        else:
            layers, mask, _ = self.bilm(inputs, keep_sentence_boundaries=True)  # (B, L, T + 2, D), (B, T + 2)
        return {"activations": list(layers.unbind(dim=1)), "mask": mask}


class _ElmoCharacterEncoder(nn.Module):
    """The character CNN of a biLM: context-free vectors, including sentence boundaries.

    Args:
        options_file, weight_file: paths or http addresses.
        requires_grad: whether it is trained.
    """

    token_encoder: CharacterEncoder

    def __init__(
        self, options_file: str | PathLike[str], weight_file: str | PathLike[str], requires_grad: bool = False
    ) -> None:
        super().__init__()
        self.token_encoder = load_pair(fspath(options_file), fspath(weight_file)).token_encoder
        self.token_encoder.requires_grad_(requires_grad)

    @classmethod
    def of(cls, bilm: BiLM) -> _ElmoCharacterEncoder:
        """Make one that shares the weights of a biLM."""
        made = cls.__new__(cls)
        nn.Module.__init__(made)
        made.token_encoder = bilm.token_encoder
        return made

    def get_output_dim(self) -> int:
        """P, the width of a word vector."""
        return self.token_encoder.options.projection_dim

    def forward(self, inputs: Tensor) -> TokenEmbedding:
        """inputs: (B, T, C) character ids."""
        spelling = spelling_of(self.token_encoder.options)
        check_ids(inputs, spelling)
        begin, end = (spelling.ids(word) for word in spelling.boundaries)
        present = (inputs > 0).any(dim=-1)  # (B, T)
        char_ids, mask = add_sentence_boundaries(inputs, present, begin, end)  # (B, T + 2, C), (B, T + 2)
        return {"token_embedding": self.token_encoder.encode(char_ids, mask), "mask": mask}


class NoState:
    """A replacement for AllenNLP's stateful LSTM that carries no state from batch to batch."""

    @property
    def stateful(self) -> bool:
        """Always False."""
        return False

    @stateful.setter
    def stateful(self, value: bool) -> None:
        if value:
            raise InputError("stateful can only be False: no state is carried from one batch to the next")

    def reset_states(self, mask: Tensor | None = None) -> None:
        """Do nothing, because there is no state."""


class ScalarMix(nn.Module):
    """AllenNLP's mix of a list of tensors: `gamma * sum_k softmax(w)_k * tensor_k`, with AllenNLP's weight names.

    Our own `elmo_tasks.elmo.ScalarMix` takes one tensor of all layers and can normalise each token separately.

    Args:
        mixture_size: number of tensors.
        do_layer_norm: normalise each tensor over all unmasked positions before it is weighted.
        initial_scalar_parameters: unnormalised weights to start from; zeros by default.
        trainable: whether weights and gamma are trained.
    """

    def __init__(
        self,
        mixture_size: int,
        do_layer_norm: bool = False,
        initial_scalar_parameters: Sequence[float] | None = None,
        trainable: bool = True,
    ) -> None:
        super().__init__()
        start = [0.0] * mixture_size if initial_scalar_parameters is None else list(initial_scalar_parameters)
        if len(start) != mixture_size:
            raise InputError(
                f"scalar mix: {len(start)} initial_scalar_parameters were given for {mixture_size} tensors"
            )
        self.mixture_size, self.do_layer_norm = mixture_size, do_layer_norm
        self.scalar_parameters = nn.ParameterList(
            nn.Parameter(torch.tensor([float(weight)]), requires_grad=trainable) for weight in start
        )
        self.gamma = nn.Parameter(torch.ones(1), requires_grad=trainable)

    def forward(self, tensors: Sequence[Tensor], mask: Tensor | None = None) -> Tensor:
        """tensors: (..., D) each; mask: (...), needed for the normalisation -> (..., D)."""
        if len(tensors) != self.mixture_size:
            raise InputError(f"scalar mix: {len(tensors)} tensors were passed, but mixture_size is {self.mixture_size}")
        layers = torch.stack([tensor.flatten(end_dim=-2) for tensor in tensors]).unsqueeze(0)  # (1, L, N, D)
        if self.do_layer_norm:
            if mask is None:
                raise InputError("scalar mix: do_layer_norm needs a mask; pass mask=")
            layers = normalise_batch(layers, mask.reshape(1, -1))
        weights = torch.softmax(torch.cat(list(self.scalar_parameters)), dim=0)  # (L,)
        mixed = self.gamma * torch.einsum("l,lnd->nd", weights, layers[0])  # (N, D)
        return mixed.view_as(tensors[0])
