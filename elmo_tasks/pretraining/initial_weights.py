"""Initialisation of pre-training from an existing biLM: the check that it fits, and its weights."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import torch

from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo.options import BilmOptions
from elmo_tasks.elmo.weights.resolve import load_bilm
from elmo_tasks.pretraining.bilm_folder import read_language_model, vocabulary_file
from elmo_tasks.pretraining.objective import Objective


def check_options(ours: BilmOptions, name: str) -> None:
    """Compare the architecture of a run with that of its initial biLM.

    Raises:
        InputError: the biLM does not exist, or the architectures differ (including clipping and activation); the
            message names the key.
    """
    options = load_bilm(name).options
    if options.dictionary is not None:
        raise InputError(
            f"--init {name}: this biLM is from ELMoForManyLangs and cannot be trained further; choose another"
        )
    here, there = _flat(ours), _flat(options)
    for key, value in there.items():
        if here[key] != value:
            raise InputError(
                f"--init {name}: its {key} is {value!r}, but --config has {here[key]!r}; "
                "set the same value in --config or choose another biLM"
            )


def bilm_digest(name: str) -> str:
    """A digest of the architecture and weights of a biLM. Raises InputError if it does not exist."""
    bilm = load_bilm(name)
    digest = hashlib.sha256(repr(sorted(_flat(bilm.options).items())).encode())
    for key, value in sorted(bilm.state_dict().items()):
        digest.update(key.encode())
        digest.update(value.contiguous().numpy().tobytes())
    return digest.hexdigest()


def initialise(objective: Objective, words: list[str], name: str) -> None:
    """Copy the weights of an existing biLM, and its softmax (if it has one) for the words it contains.

    Raises:
        InputError: the biLM does not exist or has another architecture.
    """
    check_options(objective.bilm.options, name)
    objective.bilm.load_state_dict(load_bilm(name).state_dict())
    if vocabulary_file(name) is None:
        return
    known = read_language_model(name)
    pairs = [(row, known.vocabulary[word]) for row, word in enumerate(words) if word in known.vocabulary]
    rows, classes = (torch.tensor(part) for part in zip(*pairs, strict=True))
    with torch.no_grad():
        objective.softmax.weight.weight[rows] = known.weight[classes]
        objective.softmax.bias.weight[rows, 0] = known.bias[classes]


def _flat(options: BilmOptions) -> dict[str, Any]:
    """The architecture as dotted keys of `options.json`."""
    nested = options.to_dict()
    return dict(_dotted({key: nested[key] for key in ("char_cnn", "lstm")}))


def _dotted(nested: Mapping[str, Any], where: str = "") -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for key, value in nested.items():
        pairs += _dotted(value, f"{where}{key}.") if isinstance(value, Mapping) else [(where + key, value)]
    return pairs
