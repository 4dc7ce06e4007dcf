"""AllenNLP's names for the weights of an `Elmo`, and its `.th` checkpoints. Only this module knows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo.options import BilmOptions

_EMBEDDER = "_elmo_lstm._token_embedder"
_LSTM = "_elmo_lstm._elmo_lstm"
_MARK = f"{_EMBEDDER}._char_embedding_weights"
CACHED_WORDS = "_elmo_lstm._word_embedding.weight"
"""The weights that AllenNLP stores for `vocab_to_cache`; they are computed from the other weights."""


def rename_to_ours(state: MutableMapping[str, Tensor], options: BilmOptions, n_mixes: int, prefix: str = "") -> None:
    """Rename the weights of an AllenNLP `Elmo` in place; other keys, and ours, are not changed.

    Args:
        state: a state dict.
        options: the options of the biLM.
        n_mixes: number of output representations.
        prefix: the prefix of the names, such as `elmo.`.
    """
    theirs = _Keys(state, prefix)
    for our_name, their_name in _plain_names(options, n_mixes):
        if their_name in theirs:
            theirs[our_name] = theirs.pop(their_name)
    for index in range(options.n_highway):
        ours = f"bilm.token_encoder.highways.{index}"
        for kind in ("weight", "bias"):
            if (name := f"{_EMBEDDER}._highways._layers.{index}.{kind}") in theirs:
                # g * x + (1 - g) * f(x) there, carry * f(x) + (1 - carry) * x here: the gate has the opposite sign.
                transform, gate = theirs.pop(name).chunk(2)
                theirs[f"{ours}.transform.{kind}"], theirs[f"{ours}.carry.{kind}"] = transform, -gate
    for ours, layer in _lstm_layers(options):
        if (name := f"{layer}.state_linearity.bias") in theirs:
            theirs[f"{ours}.stored_bias"] = _plus_forget(theirs.pop(name), -1.0)
    for mix in range(n_mixes):
        names = [f"scalar_mix_{mix}.scalar_parameters.{layer}" for layer in range(options.n_layers + 1)]
        if all(name in theirs for name in names):
            theirs[f"scalar_mixes.{mix}.scalar_parameters"] = torch.cat([theirs.pop(name) for name in names])


def to_allennlp(state: Mapping[str, Tensor], options: BilmOptions, n_mixes: int) -> dict[str, Tensor]:
    """Convert the state dict of our `Elmo` to AllenNLP's names."""
    found = {theirs: state[ours] for ours, theirs in _plain_names(options, n_mixes)}
    for index in range(options.n_highway):
        ours = f"bilm.token_encoder.highways.{index}"
        for kind in ("weight", "bias"):
            gates = [state[f"{ours}.transform.{kind}"], -state[f"{ours}.carry.{kind}"]]
            found[f"{_EMBEDDER}._highways._layers.{index}.{kind}"] = torch.cat(gates)
    for ours, layer in _lstm_layers(options):
        found[f"{layer}.state_linearity.bias"] = _plus_forget(state[f"{ours}.stored_bias"], 1.0)
    for mix in range(n_mixes):
        for number, weight in enumerate(state[f"scalar_mixes.{mix}.scalar_parameters"].unsqueeze(1)):  # (1,) each
            found[f"scalar_mix_{mix}.scalar_parameters.{number}"] = weight
    return found


def read_elmo(path: str | PathLike[str], prefix: str | None = None) -> dict[str, Tensor]:
    """Read the weights of the ELMo in an AllenNLP checkpoint, a state dict in a `.th` file. No code in it is run.

    Args:
        path: the file.
        prefix: the part of the names before `_elmo_lstm`, such as `text_field_embedder.token_embedder_elmo._elmo.`;
            not needed if there is only one ELMo.

    Returns:
        The weights by AllenNLP's names, without the prefix.

    Raises:
        InputError: the file does not exist, is not a checkpoint, or contains no ELMo or several.
    """
    path = Path(path)
    try:
        state: Any = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; give the .th file of an AllenNLP model") from None
    except Exception as error:  # pickle, zipfile and torch raise various exceptions for other files
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(
            f"{path}: not a checkpoint with only weights ({reason:.120}); for a model.tar.gz, give the weights.th in it"
        ) from None
    named = state.items() if isinstance(state, Mapping) else ()
    tensors = {str(key): value for key, value in named if isinstance(value, Tensor)}
    prefixes = sorted(key.removesuffix(_MARK) for key in tensors if key.endswith(_MARK))
    if not prefixes:
        raise InputError(f"{path}: there is no AllenNLP ELMo in this file: no name ends in {_MARK}")
    if prefix is None and len(prefixes) > 1:
        raise InputError(
            f"{path}: there are {len(prefixes)} ELMos in this file; pass one of these as prefix: {prefixes}"
        )
    prefix = prefixes[0] if prefix is None else prefix
    if prefix not in prefixes:
        raise InputError(f"{path}: there is no ELMo with the prefix {prefix!r}; the prefixes are {prefixes}")
    inside = (f"{prefix}_elmo_lstm.", f"{prefix}scalar_mix_")
    found = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(inside)}
    found.pop(CACHED_WORDS, None)
    return found


def _plain_names(options: BilmOptions, n_mixes: int) -> Iterator[tuple[str, str]]:
    """Yield our name and AllenNLP's of each tensor that is equal in both."""
    yield "bilm.token_encoder.embedding.weight", _MARK
    for kind in ("weight", "bias"):
        for index in range(len(options.filters)):
            yield f"bilm.token_encoder.convolutions.{index}.{kind}", f"{_EMBEDDER}.char_conv_{index}.{kind}"
        yield f"bilm.token_encoder.projection.{kind}", f"{_EMBEDDER}._projection.{kind}"
    for ours, layer in _lstm_layers(options):
        yield f"{ours}.weight_ih", f"{layer}.input_linearity.weight"
        yield f"{ours}.weight_hh", f"{layer}.state_linearity.weight"
        yield f"{ours}.weight_proj", f"{layer}.state_projection.weight"
    for mix in range(n_mixes):
        yield f"scalar_mixes.{mix}.gamma", f"scalar_mix_{mix}.gamma"


def _lstm_layers(options: BilmOptions) -> Iterator[tuple[str, str]]:
    for direction in ("forward", "backward"):
        for layer in range(options.n_layers):
            yield f"bilm.{direction}_layers.{layer}", f"{_LSTM}.{direction}_layer_{layer}"


def _plus_forget(bias: Tensor, number: float) -> Tensor:
    """Add a number to the forget gate of (4H,): AllenNLP stores the 1 that our LSTM adds at run time."""
    i, f, g, o = bias.chunk(4)
    return torch.cat([i, f + number, g, o])


class _Keys:
    """A view of a state dict in which all names have a prefix, by the names without it."""

    def __init__(self, state: MutableMapping[str, Tensor], prefix: str) -> None:
        self._state, self._prefix = state, prefix

    def __contains__(self, name: str) -> bool:
        return self._prefix + name in self._state

    def __setitem__(self, name: str, value: Tensor) -> None:
        self._state[self._prefix + name] = value

    def pop(self, name: str) -> Tensor:
        return self._state.pop(self._prefix + name)
