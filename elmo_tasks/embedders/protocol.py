"""What every frozen embedder offers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor, nn

Sentences = Sequence[Sequence[str]]


class Embedder(Protocol):
    """Sentences in, one tensor of frozen vectors a sentence out.

    A sentence's vectors depend on that sentence alone: not on its neighbours, their order or the batch size.
    """

    @property
    def name(self) -> str:
        """What the user calls it."""

    @property
    def n_layers(self) -> int:
        """L, the layers that a ScalarMix can weigh."""

    @property
    def width(self) -> int:
        """D, the width of a layer."""

    @property
    def fingerprint(self) -> str:
        """A digest of weights and options: equal fingerprints mean equal vectors.

        What follows a dot says in which arithmetic they are computed: caches keep them apart, trained models take both.
        """

    @property
    def parameters(self) -> int:
        """How many frozen numbers it consists of; 0 if it computes its vectors from nothing."""

    def embed(self, sentences: Sentences) -> list[Tensor]:
        """One (L, T, D) float32 tensor per sentence, on the CPU, without gradient."""


class Prepared(Protocol):
    """Sentences that one source has prepared. What is large stays on the disk until a batch needs it."""

    def take(self, numbers: Sequence[int]) -> list[Tensor]:
        """One tensor for each of these sentences: (L, T, D) frozen layers, or time first."""


class Input(Protocol):
    """A source of a model: prepared sentences on one side, a module for the collated batch on the other."""

    @property
    def name(self) -> str:
        """As the user wrote it."""

    @property
    def fingerprint(self) -> str:
        """What a stored model must find again to be usable."""

    def prepare(self, sentences: Sentences) -> Prepared:
        """Do once per split what need not be done in every epoch."""

    def build_module(self) -> nn.Module:
        """A module with `.width` that maps the collated tensor and mask (B, T) to (B, T, width)."""
