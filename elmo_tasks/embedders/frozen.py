"""The embedders that are looked into, by name, and the random biLM that is their control."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch

from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo import BiLM, load_bilm
from elmo_tasks.elmo.weights.safetensors import write_safetensors
from elmo_tasks.embedders.elmo import BilmEmbedder, frozen_device
from elmo_tasks.embedders.inputs import FrozenInput, WordInput
from elmo_tasks.embedders.protocol import Embedder
from elmo_tasks.embedders.registry import build_inputs
from elmo_tasks.embedders.words.vectors import StaticEmbedder


def frozen_embedder(name: str, cache_folder: Path | None = None) -> Embedder:
    """The embedder of a name that `--embedders` takes: `elmo`, `elmo:WEIGHTS`, `glove`, `random`, ...

    Raises:
        InputError: an unknown name, one that is not installed, or one that learns with the task (`chars`).
    """
    (made,) = build_inputs([name], cache_folder=cache_folder)
    if isinstance(made, WordInput):
        return StaticEmbedder(made.vectors, name)
    if not isinstance(made, FrozenInput):
        raise InputError(f"--embedders: expected frozen vectors such as elmo, glove or random, got {name!r}")
    return made.embedder


def bilm_embedder(bilm: str, cache_folder: Path | None = None) -> Embedder:
    """The embedder of a biLM named as in `--bilm`."""
    return frozen_embedder("elmo" if bilm == "default" else f"elmo:{bilm}", cache_folder)


def random_bilm(bilm: str, seed: int) -> Embedder:
    """A biLM of the same shape as `bilm` with the weights that pre-training starts from, drawn from `seed`."""
    options = load_bilm(bilm).options
    with torch.random.fork_rng(devices=[]), tempfile.TemporaryDirectory() as folder:
        torch.manual_seed(seed)
        path = Path(folder) / "bilm.safetensors"
        write_safetensors(BiLM(options), path)
        return BilmEmbedder(str(path), "random biLM", device=frozen_device())
