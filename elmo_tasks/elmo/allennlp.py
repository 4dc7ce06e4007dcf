"""`Elmo` and `batch_to_ids` as code written for AllenNLP calls them."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike, fspath
from typing import TypedDict

import torch
from torch import Tensor, nn

from elmo_tasks.elmo.characters import batch_to_ids
from elmo_tasks.elmo.resolve import load_pair
from elmo_tasks.elmo.scalar_mix import ScalarMix
from elmo_tasks.errors import InputError

__all__ = ["Elmo", "ElmoOutput", "batch_to_ids"]


class ElmoOutput(TypedDict):
    """What `Elmo` returns: the mixes, (B, T, 2P) each, and the mask, (B, T) bool."""

    elmo_representations: list[Tensor]
    mask: Tensor


class Elmo(nn.Module):
    """Character ids in, `num_output_representations` learned mixes of the biLM's layers out; a drop-in for AllenNLP's.

    One run of the biLM serves all mixes.

    Deviation: no state is carried from one batch to the next, so that the same sentence always has the same vectors
    (allennlp issues 2371, 2516, 3845); AllenNLP's first call on a fresh module is what every call returns here.

    Examples:
        >>> from pathlib import Path
        >>> from elmo_tasks.elmo.resolve import load_bilm
        >>> from elmo_tasks.elmo.weights_hdf5 import write_hdf5
        >>> write_hdf5(load_bilm(), Path("options.json"), Path("weights.hdf5"))  # a published pair will do as well
        >>> elmo = Elmo("options.json", "weights.hdf5", num_output_representations=1, dropout=0.0)
        >>> output = elmo(batch_to_ids([["Rain", "fell"], ["No"]]))
        >>> output["elmo_representations"][0].shape, output["mask"].tolist()
        (torch.Size([2, 2, 256]), [[True, True], [True, False]])

    Args:
        options_file: path or http address of the biLM's `options.json`.
        weight_file: path or http address of its HDF5 weights.
        num_output_representations: number of mixes.
        requires_grad: whether the biLM itself learns.
        do_layer_norm: normalise each layer before it is weighted, with one mean and variance over all real positions
            of the batch, sentence boundaries included: as there, results then depend on the batch.
        dropout: probability, on the mixes.
        keep_sentence_boundaries: return `<S>` and `</S>` too; `T` grows by 2.
        scalar_mix_parameters: fixed weights (before the softmax), one a layer; nothing of the mixes learns then.

    Raises:
        InputError: a file is missing or broken, the two do not fit, a wrong number of `scalar_mix_parameters`.
    """

    def __init__(
        self,
        options_file: str | PathLike[str],
        weight_file: str | PathLike[str],
        num_output_representations: int,
        requires_grad: bool = False,
        do_layer_norm: bool = False,
        dropout: float = 0.5,
        keep_sentence_boundaries: bool = False,
        scalar_mix_parameters: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        if num_output_representations < 1:
            raise InputError(f"expected num_output_representations of 1 or more, got {num_output_representations}")
        self.bilm = load_pair(fspath(options_file), fspath(weight_file)).requires_grad_(requires_grad)
        self.keep_sentence_boundaries = keep_sentence_boundaries
        self.dropout = nn.Dropout(dropout)
        self.scalar_mixes = nn.ModuleList(
            ScalarMix(
                self.bilm.n_layers,
                layer_norm=do_layer_norm,
                layer_norm_over="batch",
                initial=scalar_mix_parameters,
                trainable=scalar_mix_parameters is None,
            )
            for _ in range(num_output_representations)
        )

    def get_output_dim(self) -> int:
        """Width of a representation."""
        return self.bilm.width

    def forward(self, inputs: Tensor) -> ElmoOutput:
        """Embed a batch.

        Args:
            inputs: (B, T, 50) or (B, ..., T, 50) character ids as `batch_to_ids` makes them.

        Returns:
            `elmo_representations`: a list of (B, ..., T, 2P), zero at absent words unless boundaries are kept
            (AllenNLP's layer normalisation then leaves a constant there); `mask`: (B, ..., T) bool.
        """
        leading = inputs.shape[:-2]
        char_ids = inputs.reshape(-1, *inputs.shape[-2:])  # (B, T, C)
        layers, mask, _ = self.bilm(char_ids, keep_sentence_boundaries=True)  # (B, L, T + 2, D), (B, T + 2)
        inner_mask = (char_ids > 0).any(dim=-1)  # (B, T)
        representations = []
        for mix in self.scalar_mixes:
            mixed = mix(layers, mask)  # (B, T + 2, D)
            if not self.keep_sentence_boundaries:
                mixed = torch.where(inner_mask.unsqueeze(-1), mixed[:, 1:-1], 0.0)  # (B, T, D)
            dropped = self.dropout(mixed)
            representations.append(dropped.reshape(*leading, *dropped.shape[1:]))
        kept = mask if self.keep_sentence_boundaries else inner_mask
        return {"elmo_representations": representations, "mask": kept.reshape(*leading, kept.shape[-1])}
