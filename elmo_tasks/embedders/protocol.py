"""The interfaces of embedders, of the inputs of a model, and of the providers that make them."""

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
    """Maps each sentence to one tensor of frozen vectors.

    The vectors depend only on the sentence, not on its neighbours, their order or the batch size.
    """

    @property
    def name(self) -> str:
        """The name given by the user."""

    @property
    def n_layers(self) -> int:
        """L, the number of layers that a ScalarMix can combine."""

    @property
    def width(self) -> int:
        """D, the width of a layer."""

    @property
    def fingerprint(self) -> str:
        """A digest of weights and options: equal fingerprints mean equal vectors.

        A part after a dot names the arithmetic: caches keep different arithmetics apart, trained models accept any.
        """

    @property
    def parameters(self) -> int:
        """The number of frozen parameters; 0 if the vectors are computed without any."""

    def embed(self, sentences: Sentences) -> list[Tensor]:
        """One (L, T, D) float32 tensor per sentence, on the CPU, without gradient."""


class Prepared(Protocol):
    """Sentences prepared by an input. Large tensors stay on disk until a batch needs them."""

    def take(self, numbers: Sequence[int]) -> list[Tensor]:
        """One tensor for each of these sentences: (L, T, D) frozen layers, or a tensor whose first dimension is T."""


class Input(Protocol):
    """An input of a model: it prepares sentences, and builds a module for the collated batch."""

    @property
    def name(self) -> str:
        """The name given by the user."""

    @property
    def fingerprint(self) -> str:
        """A digest that must be unchanged for a stored model to be usable."""

    @property
    def frozen_parameters(self) -> int:
        """Number of frozen parameters that are not part of its module."""

    @property
    def tuned_words(self) -> tuple[str, ...]:
        """Words of the training data with their own trained parameters; they are stored with the run."""

    def prepare(self, sentences: Sentences) -> Prepared:
        """Do the work that is needed only once per split, not in every epoch."""

    def build_module(self) -> nn.Module:
        """A module with `.width` that maps the collated tensor and mask (B, T) to (B, T, width)."""


@dataclass(frozen=True)
class Request:
    """A request to a provider.

    name: the name given by the user; detail: the part after its colon, or ""; cache_folder: the folder for cached
    frozen vectors, None for no cache; train_words: the words of the training data, sorted; within: the only folder that
    files may be read from, see `confined`, None for no restriction.
    """

    name: str
    detail: str = ""
    cache_folder: Path | None = None
    train_words: Iterable[str] = ()
    within: Path | None = None


@dataclass(frozen=True)
class NoSettings:
    """Settings for providers without any."""


@dataclass(frozen=True)
class Provider(Generic[SettingsT]):
    """Makes the inputs for names such as `elmo` or `glove:FILE`. The module of a provider imports nothing slow.

    build: makes the input; settings: the dataclass of its settings, `section:` in a configuration; summary: the line
    for `list`; detail: what may follow the colon; preset: the detail of a name without a colon; contextual: whether the
    vector of a word depends on its sentence.
    """

    build: Callable[[Request, SettingsT], Input]
    settings: type[SettingsT]
    section: str
    summary: str
    detail: str = ""
    preset: str = ""
    contextual: bool = False

    def form(self, kind: str) -> str:
        """The form of its name, such as `glove[:FILE]`."""
        return f"{kind}[:{self.detail}]" if self.detail else kind
