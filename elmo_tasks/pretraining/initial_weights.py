"""Starting pre-training from an existing biLM: whether it fits, and its weights."""

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
    """Compare the architecture of a run with that of the biLM to start from.

    Raises:
        InputError: no such biLM, or they differ, in clips or activation too; the key is named.
    """
    options = load_bilm(name).options
    if options.dictionary is not None:
        raise InputError(f"--init {name}: a biLM of ELMoForManyLangs, which cannot be trained further; give another")
    here, there = _flat(ours), _flat(options)
    for key, value in there.items():
        if here[key] != value:
            raise InputError(
                f"--init {name}: its options disagree with --config: expected {key} {value!r} as there, "
                f"got {here[key]!r}"
            )


def bilm_digest(name: str) -> str:
    """A digest of a biLM's architecture and weights. Raises InputError: no such biLM."""
    bilm = load_bilm(name)
    digest = hashlib.sha256(repr(sorted(_flat(bilm.options).items())).encode())
    for key, value in sorted(bilm.state_dict().items()):
        digest.update(key.encode())
        digest.update(value.contiguous().numpy().tobytes())
    return digest.hexdigest()


def initialise(objective: Objective, words: list[str], name: str) -> None:
    """Start from an existing biLM, and from its softmax for the words that it knows, if it has one.

    Raises:
        InputError: no such biLM, or its architecture is another.
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
