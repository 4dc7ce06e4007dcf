"""`Elmo`: learned mixes of a biLM's layers, as code written for AllenNLP calls it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from typing import Any, TypedDict

import torch
from torch import Tensor, nn

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.sentences import checked_sentence
from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.scalar_mix import ScalarMix
from elmo_tasks.elmo.spelling import encode
from elmo_tasks.elmo.weights.resolve import load_pair

_WORDS = 1024  # of a vocabulary, encoded at a time


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
        >>> from elmo_tasks.elmo import batch_to_ids
        >>> from elmo_tasks.elmo.weights.resolve import load_bilm
        >>> from elmo_tasks.elmo.weights.hdf5 import write_hdf5
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
        vocab_to_cache: words whose vectors are computed once, here; `forward` looks them up by `word_inputs`. The first
            one stands for padding.
        keep_sentence_boundaries: return `<S>` and `</S>` too; `T` grows by 2.
        scalar_mix_parameters: fixed weights (before the softmax), one per layer; nothing of the mixes learns then.
        module: a biLM to use instead of files, from `load_bilm` or from another `Elmo`, whose weights are then shared;
            the two file arguments are None.

    Raises:
        InputError: a file is missing or broken, the two do not fit, files and a module or neither of them, a wrong
            number of `scalar_mix_parameters`, or a vocabulary whose vectors would have to be trained.
    """

    def __init__(
        self,
        options_file: str | PathLike[str] | None,
        weight_file: str | PathLike[str] | None,
        num_output_representations: int,
        requires_grad: bool = False,
        do_layer_norm: bool = False,
        dropout: float = 0.5,
        vocab_to_cache: Sequence[str] | None = None,
        keep_sentence_boundaries: bool = False,
        scalar_mix_parameters: Sequence[float] | None = None,
        module: BiLM | None = None,
    ) -> None:
        super().__init__()
        if num_output_representations < 1:
            raise InputError(f"expected num_output_representations of 1 or more, got {num_output_representations}")
        if not isinstance(keep_sentence_boundaries, bool):
            raise InputError(
                f"keep_sentence_boundaries: expected True or False, got {keep_sentence_boundaries!r:.60}; the seventh "
                "argument is vocab_to_cache, as in AllenNLP"
            )
        self.bilm = _bilm(options_file, weight_file, module)
        if module is None:
            self.bilm.requires_grad_(requires_grad)
        self.keep_sentence_boundaries = keep_sentence_boundaries
        self.word_vectors: Tensor | None
        self.register_buffer("word_vectors", None, persistent=False)
        if vocab_to_cache:
            if any(parameter.requires_grad for parameter in self.bilm.token_encoder.parameters()):
                raise InputError(
                    "vocab_to_cache: the vectors of words are computed only once, so they cannot be trained; leave it "
                    "out or give requires_grad=False"
                )
            words = checked_sentence(vocab_to_cache, "vocab_to_cache")
            ids = encode(self.bilm.spelling, words)  # (V, C)
            device = next(self.bilm.parameters()).device
            with torch.no_grad():
                self.word_vectors = torch.cat(
                    [self.bilm.token_encoder(some.to(device)) for some in torch.split(ids, _WORDS)]
                )  # (V, P)
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

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Elmo:
        """An `Elmo` from a dictionary of its arguments, as they are in AllenNLP's configurations.

        Raises:
            InputError: an argument that there is not, or one that is missing.
        """
        known = inspect.signature(cls).parameters
        unknown = sorted(set(params) - set(known))
        if unknown:
            raise InputError(f"Elmo.from_params: there is no argument {unknown[0]!r}; there are {', '.join(known)}")
        if "num_output_representations" not in params:
            raise InputError("Elmo.from_params: num_output_representations is missing")
        return cls(**{"options_file": None, "weight_file": None} | dict(params))

    def forward(self, inputs: Tensor, word_inputs: Tensor | None = None) -> ElmoOutput:
        """Embed a batch.

        Args:
            inputs: (B, T, 50) or (B, ..., T, 50) character ids as `batch_to_ids` makes them; not 50 but
                `options.max_characters` where a biLM has another number. `bilm.batch_to_ids` makes those of every biLM.
            word_inputs: (B, T) or (B, ..., T) positions in `vocab_to_cache`, 0 for padding. Where all are in it, the
                characters are not read; otherwise, as in AllenNLP, they alone are.

        Returns:
            `elmo_representations`: a list of (B, ..., T, 2P), zero at absent words unless boundaries are kept
            (AllenNLP's layer normalisation then leaves a constant there); `mask`: (B, ..., T) bool.
        """
        if word_inputs is not None and self.word_vectors is None:
            raise InputError("word_inputs: this Elmo was made without vocab_to_cache, so there is nothing to look up")
        if word_inputs is not None and self._has_all(word_inputs):
            leading = word_inputs.shape[:-1]
            layers, mask = self._look_up(word_inputs.reshape(leading.numel(), word_inputs.shape[-1]))
        else:
            if inputs.dim() < 3:
                raise InputError(
                    f"inputs: expected character ids (B, T, {self.bilm.spelling.width}), got a tensor of shape "
                    f"{tuple(inputs.shape)}; make them with {self.bilm.spelling.maker}"
                )
            leading = inputs.shape[:-2]
            char_ids = inputs.reshape(leading.numel(), *inputs.shape[-2:])  # (B, T, C)
            layers, mask, _ = self.bilm(char_ids, keep_sentence_boundaries=True)  # (B, L, T + 2, D), (B, T + 2)
        inner_mask = mask[:, 2:]  # (B, T)
        representations = []
        for mix in self.scalar_mixes:
            mixed = mix(layers, mask)  # (B, T + 2, D)
            if not self.keep_sentence_boundaries:
                mixed = torch.where(inner_mask.unsqueeze(-1), mixed[:, 1:-1], 0.0)  # (B, T, D)
            dropped = self.dropout(mixed)
            representations.append(dropped.reshape(*leading, *dropped.shape[1:]))
        kept = mask if self.keep_sentence_boundaries else inner_mask
        return {"elmo_representations": representations, "mask": kept.reshape(*leading, kept.shape[-1])}

    def _has_all(self, word_inputs: Tensor) -> bool:
        """Whether every position is one of the vocabulary."""
        assert self.word_vectors is not None
        return not word_inputs.numel() or 0 <= int(word_inputs.min()) <= int(word_inputs.max()) < len(self.word_vectors)

    def _look_up(self, word_inputs: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T) -> layers (B, L, T + 2, D) and mask (B, T + 2), both with boundaries."""
        assert self.word_vectors is not None
        present = word_inputs > 0  # (B, T)
        if bool((present[:, 1:] & ~present[:, :-1]).any()):
            raise InputError("word_inputs: padding (0) stands before a word; pad on the right")
        batch, length = word_inputs.shape
        lengths = present.sum(dim=1)  # (B,)
        begin, end = self.bilm.boundary_vectors().unbind(0)  # (P,) each
        tokens = self.word_vectors.new_zeros(batch, length + 2, self.word_vectors.shape[1])  # (B, T + 2, P)
        tokens[:, 1:-1] = self.word_vectors[word_inputs] * present.unsqueeze(2)
        tokens[:, 0] = begin
        tokens[torch.arange(batch, device=tokens.device), lengths + 1] = end
        mask = torch.arange(length + 2, device=tokens.device) < (lengths + 2).unsqueeze(1)  # (B, T + 2)
        layers, _ = self.bilm.contextualise(tokens, mask)
        return layers, mask


def _bilm(options_file: str | PathLike[str] | None, weight_file: str | PathLike[str] | None, module: Any) -> BiLM:
    """The biLM of an `Elmo`."""
    if module is not None:
        if options_file is not None or weight_file is not None:
            raise InputError("expected options_file and weight_file or a module, got both; give None for the files")
        if not isinstance(module, BiLM):
            raise InputError(f"module: expected a biLM such as load_bilm() returns, got {type(module).__name__}")
        return module
    if options_file is None or weight_file is None:
        raise InputError("expected options_file and weight_file, got one of them or none; or give module=load_bilm()")
    return load_pair(fspath(options_file), fspath(weight_file))
