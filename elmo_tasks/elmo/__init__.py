"""ELMo: the biLM, its weights, and the AllenNLP-compatible `Elmo`. Importing this package does not import torch."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from elmo_tasks.elmo.allennlp import Elmo, ElmoEmbedder, ElmoTokenEmbedder
    from elmo_tasks.elmo.bilm import BiLM
    from elmo_tasks.elmo.characters import batch_to_ids
    from elmo_tasks.elmo.engine import Engine
    from elmo_tasks.elmo.options import BilmOptions
    from elmo_tasks.elmo.scalar_mix import ScalarMix
    from elmo_tasks.elmo.weights.resolve import load_bilm

__all__ = [
    "BiLM",
    "BilmOptions",
    "Elmo",
    "ElmoEmbedder",
    "ElmoTokenEmbedder",
    "Engine",
    "ScalarMix",
    "batch_to_ids",
    "load_bilm",
]

_HOMES = {
    "BiLM": "bilm",
    "BilmOptions": "options",
    "Elmo": "allennlp",
    "ElmoEmbedder": "allennlp",
    "ElmoTokenEmbedder": "allennlp",
    "Engine": "engine",
    "ScalarMix": "scalar_mix",
    "batch_to_ids": "characters",
    "load_bilm": "weights.resolve",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
