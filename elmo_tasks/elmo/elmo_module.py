"""`Elmo`: learned mixes of the layers of a biLM, a drop-in for AllenNLP's."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from typing import Any, TypedDict

import torch
from torch import Tensor, nn

from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo.allennlp_modules import _ElmoBiLm
from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.cached_words import CachedWords
from elmo_tasks.elmo.scalar_mix import ScalarMix
from elmo_tasks.elmo.weights.allennlp import CACHED_WORDS, read_elmo, rename_to_ours, to_allennlp
from elmo_tasks.elmo.weights.resolve import load_bilm, load_pair


class ElmoOutput(TypedDict):
    """The output of `Elmo`: the mixes, (B, T, 2P) each, and the mask, (B, T) bool."""

    elmo_representations: list[Tensor]
    mask: Tensor


class Elmo(nn.Module):
    """Computes learned mixes of the layers of a biLM from character ids; a drop-in for AllenNLP's `Elmo`.

    The biLM runs once for all `num_output_representations` mixes.

    Deviation: no state is carried from one batch to the next, so a sentence always gets the same vectors (allennlp
    issues 2371, 2516, 3845). Every call returns the same as the first call of a new AllenNLP module.

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
        requires_grad: whether the biLM itself is trained.
        do_layer_norm: normalise each layer before it is weighted, with one mean and variance over all real positions
            of the batch, sentence boundaries included; as in AllenNLP, results then depend on the batch.
        dropout: dropout probability on the mixes.
        vocab_to_cache: words whose vectors are computed only once; `forward` looks them up by `word_inputs`. The first
            word is padding.
        keep_sentence_boundaries: return `<S>` and `</S>` too; `T` grows by 2.
        scalar_mix_parameters: fixed weights (before the softmax), one per layer; the mixes are then not trained.
        module: a biLM to use instead of files, which must be None: from `load_bilm`, `bilm` of another `Elmo`, or an
            `_ElmoBiLm`. Its weights are shared; `requires_grad` has no effect on it.

    Raises:
        InputError: a file is missing or damaged, the two files do not fit, files and a module are both given or both
            missing, the number of `scalar_mix_parameters` is wrong, or `vocab_to_cache` is combined with
            `requires_grad=True`.
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
        module: BiLM | _ElmoBiLm | None = None,
    ) -> None:
        super().__init__()
        if num_output_representations < 1:
            raise InputError(f"num_output_representations must be 1 or more, not {num_output_representations}")
        if not isinstance(keep_sentence_boundaries, bool):
            raise InputError(
                f"keep_sentence_boundaries must be True or False, not {keep_sentence_boundaries!r:.60}; the seventh "
                "argument is vocab_to_cache, as in AllenNLP"
            )
        self.bilm = _bilm(options_file, weight_file, module)
        if module is None:
            self.bilm.requires_grad_(requires_grad)
        self.keep_sentence_boundaries = keep_sentence_boundaries
        self.words = CachedWords(self.bilm, vocab_to_cache) if vocab_to_cache else None
        if self.words is None and isinstance(module, _ElmoBiLm):
            self.words = module.words
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
        self.register_load_state_dict_pre_hook(_take_names_of_allennlp)  # type: ignore[no-untyped-call]
        self.register_load_state_dict_post_hook(_compute_words_again)  # type: ignore[no-untyped-call]

    def get_output_dim(self) -> int:
        """The width of a representation."""
        return self.bilm.width

    @classmethod
    def from_pretrained(
        cls, name: str, num_output_representations: int = 1, requires_grad: bool = False, **arguments: Any
    ) -> Elmo:
        """Make an `Elmo` with a biLM given by name, such as `original`, instead of files.

        Examples:
            >>> Elmo.from_pretrained("default", dropout=0.0).get_output_dim()
            256

        Args:
            name: `small`, `original`, `ORG/NAME` on the Hugging Face hub, or any other name that `load_bilm` accepts.
            num_output_representations, requires_grad: as for `Elmo`.
            arguments: further keyword arguments of `Elmo`, without files and module.

        Raises:
            InputError: there is no biLM of that name, or `Elmo` raises it.
        """
        bilm = load_bilm(name).requires_grad_(requires_grad)
        return cls(None, None, num_output_representations, requires_grad, module=bilm, **arguments)

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Elmo:
        """Make an `Elmo` from a dictionary of its arguments, as in AllenNLP's configurations.

        Raises:
            InputError: an argument is unknown or missing.
        """
        given = arguments_of(cls, params)
        if "num_output_representations" not in given:
            raise InputError("Elmo.from_params: num_output_representations is missing")
        return cls(**{"options_file": None, "weight_file": None} | given)

    def load_allennlp(self, path: str | PathLike[str], prefix: str | None = None) -> None:
        """Load the weights and mixes of the ELMo inside a `.th` checkpoint of an AllenNLP model.

        For a model of your own that contains an `Elmo`, `load_state_dict` is enough: it recognises AllenNLP's names.

        Args:
            path: the checkpoint, such as `best.th`, or `weights.th` of an unpacked `model.tar.gz`.
            prefix: the part of its names before `_elmo_lstm`; only needed if there are several ELMos.

        Raises:
            InputError: the file does not exist or has no ELMo, or one of another size or number of mixes.
        """
        state, expected = read_elmo(path, prefix), self.state_dict()
        rename_to_ours(state, self.bilm.options, len(self.scalar_mixes))
        for name in sorted(expected.keys() | state.keys()):
            shapes = [tuple(found[name].shape) if name in found else "none" for found in (expected, state)]
            if shapes[0] != shapes[1]:
                raise InputError(
                    f"{path}: the ELMo in it does not fit this one: the shape of {name} is {shapes[1]}, not "
                    f"{shapes[0]}; check options_file and num_output_representations"
                )
            if not bool(torch.isfinite(state[name]).all()):
                raise InputError(f"{path}: {name} contains NaN or infinity; the file is damaged, or training diverged")
        self.load_state_dict(state)

    def allennlp_state_dict(self) -> dict[str, Tensor]:
        """The weights under the names of AllenNLP's `Elmo`, for its `load_state_dict`."""
        return to_allennlp(self.state_dict(), self.bilm.options, len(self.scalar_mixes))

    @property
    def _elmo_lstm(self) -> _ElmoBiLm:
        """The biLM under AllenNLP's name; it shares the weights."""
        return _ElmoBiLm.of(self.bilm, self.words)

    def __getattr__(self, name: str) -> Any:
        """AllenNLP's names of the mixes: `scalar_mix_0` and so on."""
        number = name.removeprefix("scalar_mix_")
        if number != name and number.isdecimal() and int(number) < len(self.scalar_mixes):
            return self.scalar_mixes[int(number)]
        return super().__getattr__(name)

    def forward(self, inputs: Tensor, word_inputs: Tensor | None = None) -> ElmoOutput:
        """Embed a batch.

        Args:
            inputs: (B, T, 50) or (B, ..., T, 50) character ids from `batch_to_ids`, with `options.max_characters`
                instead of 50 if the biLM has another number. `bilm.batch_to_ids` makes the ids of any biLM.
            word_inputs: (B, T) or (B, ..., T) positions in `vocab_to_cache`, 0 for padding. If all are in it, the
                characters are not read; otherwise, and without `vocab_to_cache`, only the characters are, as in
                AllenNLP.

        Returns:
            `elmo_representations`: a list of (B, ..., T, 2P), zero at absent words unless boundaries are kept
            (AllenNLP's layer normalisation then leaves a constant there); `mask`: (B, ..., T) bool.
        """
        if word_inputs is not None and self.words is not None and self.words.has_all(word_inputs):
            leading = word_inputs.shape[:-1]
            layers, mask = self.words.layers(self.bilm, word_inputs.reshape(leading.numel(), word_inputs.shape[-1]))
        else:
            if inputs.dim() < 3:
                raise InputError(
                    f"inputs must be character ids (B, T, {self.bilm.spelling.width}), not a tensor of shape "
                    f"{tuple(inputs.shape)}; make them with {self.bilm.spelling.maker}"
                )
            leading = inputs.shape[:-2]
            char_ids = inputs.flatten(0, -3)  # (B, T, C)
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


def arguments_of(kind: type[Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments in a dictionary from an AllenNLP configuration, without the redundant `type`.

    Raises:
        InputError: an argument is unknown.
    """
    known = inspect.signature(kind).parameters
    given = {key: value for key, value in params.items() if key != "type"}
    if unknown := sorted(set(given) - set(known)):
        raise InputError(
            f"{kind.__name__}.from_params: unknown argument {unknown[0]!r}; the arguments are {', '.join(known)}"
        )
    return given


def _take_names_of_allennlp(elmo: Elmo, state: dict[str, Tensor], prefix: str, *_: object) -> None:
    """Rename weights with AllenNLP's names, before a state dict is loaded."""
    if elmo.words is not None:
        state.pop(prefix + CACHED_WORDS, None)
    rename_to_ours(state, elmo.bilm.options, len(elmo.scalar_mixes), prefix)


def _compute_words_again(elmo: Elmo, _: object) -> None:
    """Compute the vectors of cached words from the new weights, after a state dict is loaded."""
    if elmo.words is not None:
        elmo.words.compute(elmo.bilm)


def _bilm(options_file: str | PathLike[str] | None, weight_file: str | PathLike[str] | None, module: Any) -> BiLM:
    """Load or check the biLM of an `Elmo`."""
    if module is not None:
        if options_file is not None or weight_file is not None:
            raise InputError("both files and a module were given; pass None for options_file and weight_file")
        if isinstance(module, _ElmoBiLm):
            return module.bilm
        if not isinstance(module, BiLM):
            raise InputError(f"module must be a biLM, as returned by load_bilm(), not {type(module).__name__}")
        return module
    if options_file is None or weight_file is None:
        raise InputError("options_file and weight_file are both needed; or pass module=load_bilm()")
    return load_pair(fspath(options_file), fspath(weight_file))
