"""What embedders, the inputs of a model, and the providers that make them have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from torch import Tensor, nn

Sentences = Sequence[Sequence[str]]
SettingsT = TypeVar("SettingsT")


class Embedder(Protocol):
    """Sentences in, one tensor of frozen vectors per sentence out.

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
    """Sentences that an input has prepared. What is large stays on the disk until a batch needs it."""

    def take(self, numbers: Sequence[int]) -> list[Tensor]:
        """One tensor for each of these sentences: (L, T, D) frozen layers, or time first."""


class Input(Protocol):
    """What feeds a model: prepared sentences on one side, a module for the collated batch on the other."""

    @property
    def name(self) -> str:
        """As the user wrote it."""

    @property
    def fingerprint(self) -> str:
        """What a stored model must find again to be usable."""

    @property
    def frozen_parameters(self) -> int:
        """Number of frozen parameters that are not part of its module."""

    @property
    def tuned_words(self) -> tuple[str, ...]:
        """Words of the training data that have parameters of their own; they are stored with the run."""

    def prepare(self, sentences: Sentences) -> Prepared:
        """Do once per split what need not be done in every epoch."""

    def build_module(self) -> nn.Module:
        """A module with `.width` that maps the collated tensor and mask (B, T) to (B, T, width)."""


@dataclass(frozen=True)
class Request:
    """What is asked of a provider.

    name: as the user wrote it; detail: the part after its colon, or ""; cache_folder: where frozen vectors are kept,
    None keeps none; train_words: the words of the training data, sorted; within: the only folder that files are read
    from, see `confined`, None reads from anywhere.
    """

    name: str
    detail: str = ""
    cache_folder: Path | None = None
    train_words: Iterable[str] = ()
    within: Path | None = None


@dataclass(frozen=True)
class NoSettings:
    """The settings of a provider that has none."""


@dataclass(frozen=True)
class Provider(Generic[SettingsT]):
    """Makes the inputs of a name such as `elmo` or `glove:FILE`. The module of a provider imports nothing heavy.

    build: makes the input; settings: the dataclass that it takes, `section:` in a configuration; summary: for `list`;
    detail: what may follow the colon; preset: the detail of a name that takes none; contextual: whether a word's vector
    depends on its sentence.
    """

    build: Callable[[Request, SettingsT], Input]
    settings: type[SettingsT]
    section: str
    summary: str
    detail: str = ""
    preset: str = ""
    contextual: bool = False

    def form(self, kind: str) -> str:
        """How it is written, such as `glove[:FILE]`."""
        return f"{kind}[:{self.detail}]" if self.detail else kind
