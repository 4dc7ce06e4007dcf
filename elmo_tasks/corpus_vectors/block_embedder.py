"""What computes a block: the same object in this process and in every worker of a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from elmo_tasks.core.errors import InputError
from elmo_tasks.embedders.elmo import BilmEmbedder, frozen_device
from elmo_tasks.embedders.frozen import frozen_embedder
from elmo_tasks.embedders.protocol import Embedder

Vectors = NDArray[np.float32] | NDArray[np.float16]


@dataclass(frozen=True)
class Recipe:
    """All that decides a block's vectors.

    embedder: its name; layers: `all`, `average` or the number of one; dtype: `float32` or `float16`; precision,
    batch_tokens: of the biLM's engine, None for its own choice; threads: of torch, since sums may be split by them.
    """

    embedder: str
    layers: str = "all"
    dtype: str = "float32"
    precision: str | None = None
    batch_tokens: int | None = None
    threads: int = 1


class BlockEmbedder:
    """Lines in, one array of all their tokens' vectors out: (L, N, D) for `all` layers, else (N, D).

    Raises:
        InputError: no such embedder or layer.
    """

    def __init__(self, recipe: Recipe) -> None:
        torch.set_num_threads(recipe.threads)
        self.recipe, self._embedder = recipe, _embedder_of(recipe)
        layers = self._embedder.n_layers
        if recipe.layers not in ("all", "average", *map(str, range(layers))):
            raise InputError(
                f"--layers: expected all, average or one of 0 to {layers - 1} for {recipe.embedder}, "
                f"got {recipe.layers!r}"
            )

    def fingerprint(self) -> str:
        """Of the embedder."""
        return self._embedder.fingerprint

    def numbers_a_token(self) -> int:
        """L x D, or D."""
        return self._embedder.width * (self._embedder.n_layers if self.recipe.layers == "all" else 1)

    def embed(self, sentences: Sequence[Sequence[str]]) -> Vectors:
        """The vectors of a block, its sentences one after the other.

        Raises:
            InputError: a value that float16 cannot hold.
        """
        if isinstance(self._embedder, BilmEmbedder):
            # A word's vector depends, in its last bit, on the words that it was encoded with: no block may inherit any.
            self._embedder.engine.words.clear()
        found = self._embedder.embed(sentences)
        layers = torch.cat(found, dim=1)  # (L, N, D)
        if self.recipe.layers == "average":
            layers = layers.mean(dim=0)  # (N, D)
        elif self.recipe.layers != "all":
            layers = layers[int(self.recipe.layers)]  # (N, D)
        if self.recipe.dtype == "float16":
            if layers.numel() and float(layers.abs().max()) > torch.finfo(torch.float16).max:
                raise InputError("--dtype float16: expected numbers of at most 65504, got larger; give --dtype float32")
            layers = layers.half()
        array: Vectors = layers.contiguous().numpy()
        return array


def _embedder_of(recipe: Recipe) -> Embedder:
    kind, _, detail = recipe.embedder.partition(":")
    given = {"precision": recipe.precision, "token_budget": recipe.batch_tokens}
    options: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if not options:
        return frozen_embedder(recipe.embedder)
    if kind != "elmo":
        raise InputError(f"--precision and --batch-tokens: expected them with an elmo, got {recipe.embedder!r}")
    device = frozen_device(recipe.precision or "auto")
    return BilmEmbedder(detail or "default", recipe.embedder, device=device, **options)
