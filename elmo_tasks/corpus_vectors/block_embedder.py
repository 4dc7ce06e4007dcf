"""Compute a block of vectors: the same class in this process and in every worker of a cluster."""

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
    """Everything that determines the vectors of a block.

    embedder: its name; layers: `all`, `average` or the number of one; dtype: `float32` or `float16`; precision,
    batch_tokens: settings of the biLM's engine, None for its default; threads: number of torch threads, which affect
    the order of additions.
    """

    embedder: str
    layers: str = "all"
    dtype: str = "float32"
    precision: str | None = None
    batch_tokens: int | None = None
    threads: int = 1


class BlockEmbedder:
    """Maps lines to one array with the vectors of all their tokens: (L, N, D) for `all` layers, else (N, D).

    Raises:
        InputError: the embedder or layer does not exist.
    """

    def __init__(self, recipe: Recipe) -> None:
        torch.set_num_threads(recipe.threads)
        self.recipe, self._embedder = recipe, _embedder_of(recipe)
        layers = self._embedder.n_layers
        if recipe.layers not in ("all", "average", *map(str, range(layers))):
            raise InputError(
                f"--layers must be all, average or 0 to {layers - 1} for {recipe.embedder}, not {recipe.layers!r}"
            )

    def fingerprint(self) -> str:
        """The fingerprint of the embedder."""
        return self._embedder.fingerprint

    def numbers_a_token(self) -> int:
        """The number of values per token: L x D, or D."""
        return self._embedder.width * (self._embedder.n_layers if self.recipe.layers == "all" else 1)

    def embed(self, sentences: Sequence[Sequence[str]]) -> Vectors:
        """The vectors of a block, with its sentences concatenated.

        Raises:
            InputError: a value is too large for float16.
        """
        if isinstance(self._embedder, BilmEmbedder):
            # The last bit of a word vector depends on the words encoded together: start each block with an empty cache.
            self._embedder.engine.words.clear()
        found = self._embedder.embed(sentences)
        layers = torch.cat(found, dim=1)  # (L, N, D)
        if self.recipe.layers == "average":
            layers = layers.mean(dim=0)  # (N, D)
        elif self.recipe.layers != "all":
            layers = layers[int(self.recipe.layers)]  # (N, D)
        if self.recipe.dtype == "float16":
            if layers.numel() and float(layers.abs().max()) > torch.finfo(torch.float16).max:
                raise InputError("--dtype float16: a value is above 65504, the largest float16; pass --dtype float32")
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
        raise InputError(
            f"--precision and --batch-tokens only apply to elmo, not to {recipe.embedder!r}; leave them out"
        )
    device = frozen_device(recipe.precision or "auto")
    return BilmEmbedder(detail or "default", recipe.embedder, device=device, **options)
