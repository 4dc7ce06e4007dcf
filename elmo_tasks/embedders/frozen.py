"""Frozen embedders by name, for analyses and models of your own, and a random biLM as a control."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch
from torch import Tensor

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.sentences import checked_sentences
from elmo_tasks.elmo import BiLM, load_bilm
from elmo_tasks.elmo.weights.safetensors import write_safetensors
from elmo_tasks.embedders.elmo import BilmEmbedder, frozen_device
from elmo_tasks.embedders.inputs import FrozenInput, WordInput
from elmo_tasks.embedders.protocol import Embedder, Sentences
from elmo_tasks.embedders.registry import build_inputs
from elmo_tasks.embedders.words.vectors import StaticEmbedder
from elmo_tasks.nn.batch import pad


def frozen_embedder(name: str, cache_folder: Path | None = None) -> Embedder:
    """The embedder for a name as in `--embedders`: `elmo`, `elmo:WEIGHTS`, `glove`, `random`, ...

    Raises:
        InputError: the name is unknown, its package is not installed, or it is trained with the task (`chars`).
    """
    (made,) = build_inputs([name], cache_folder=cache_folder)
    if isinstance(made, WordInput):
        return StaticEmbedder(made.vectors, name)
    if not isinstance(made, FrozenInput):
        raise InputError(f"--embedders: {name!r} has no frozen vectors; choose one such as elmo, glove or random")
    return made.embedder


def embed_batch(embedder: Embedder, sentences: Sentences, device: torch.device | str = "cpu") -> tuple[Tensor, Tensor]:
    """The padded frozen layers of a batch, for a torch model of your own.

    With `ScalarMix(embedder.n_layers)`, the model learns a mix of them, as do the tasks in this package.

    Args:
        embedder: an embedder such as `frozen_embedder("elmo")`, made only once.
        sentences: lists of tokens.
        device: the device of the model.

    Returns:
        The layers (B, L, T, D) float32 without gradient, zero at padding, and the mask (B, T) bool, true at tokens. T
        is the number of tokens of the longest sentence.

    Raises:
        InputError: a sentence is a string instead of a list of tokens.

    Examples:
        >>> layers, mask = embed_batch(frozen_embedder("elmo"), [["Rain", "fell", "."], ["No"]])
        >>> layers.shape, mask.tolist()
        (torch.Size([2, 3, 3, 256]), [[True, True, True], [True, False, False]])
    """
    found = checked_sentences(sentences)
    lengths = torch.tensor([len(tokens) for tokens in found], dtype=torch.long)  # (B,)
    longest = int(lengths.max()) if found else 0
    mask = torch.arange(longest) < lengths.unsqueeze(1)  # (B, T)
    layers = torch.zeros(0, embedder.n_layers, longest, embedder.width)
    if found:
        layers = pad(embedder.embed(found), longest, time=1)  # (B, L, T, D)
    return layers.to(device), mask.to(device)


def bilm_embedder(bilm: str, cache_folder: Path | None = None) -> Embedder:
    """The embedder of a biLM named as in `--bilm`."""
    return frozen_embedder("elmo" if bilm == "default" else f"elmo:{bilm}", cache_folder)


def random_bilm(bilm: str, seed: int) -> Embedder:
    """A biLM of the same shape as `bilm` with untrained weights, initialised as for pre-training with `seed`."""
    options = load_bilm(bilm).options
    with torch.random.fork_rng(devices=[]), tempfile.TemporaryDirectory() as folder:
        torch.manual_seed(seed)
        path = Path(folder) / "bilm.safetensors"
        write_safetensors(BiLM(options), path)
        return BilmEmbedder(str(path), "random biLM", device=frozen_device())
