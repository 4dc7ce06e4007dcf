"""What feeds a model: each named source prepared once a split, and the module that turns it into vectors."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor, nn

from elmo_tasks.embedders.protocol import Sentences
from elmo_tasks.embedders.providers import PROVIDERS, Request
from elmo_tasks.errors import InputError


class Input(Protocol):
    """A source of a model: prepared sentences on one side, a module for the collated batch on the other."""

    @property
    def name(self) -> str:
        """As the user wrote it."""

    @property
    def fingerprint(self) -> str:
        """What a stored model must find again to be usable."""

    def prepare(self, sentences: Sentences) -> list[Tensor]:
        """One tensor a sentence: (L, T, D) frozen layers, or time first. Computed once a split, never once an epoch."""

    def build_module(self) -> nn.Module:
        """A module with `.width` that maps the collated tensor and mask (B, T) to (B, T, width)."""


def build_inputs(
    names: Sequence[str],
    options: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    cache_folder: Path | None = None,
    train_words: Iterable[str] = (),
) -> list[Input]:
    """Inputs by name: `elmo`, `glove:FILE` and so on, each made by its provider (see `elmo_tasks.embedders.providers`).

    options: keyword arguments of the providers, by section; cache_folder: where frozen vectors are kept, None computes
    them anew; train_words: what is tuned where word vectors are trainable.

    Raises:
        InputError: an unknown name (the nearest is named), a name twice, or a source that is not installed.
    """
    if not names:
        raise InputError(f"--embedders: expected one or more of {', '.join(PROVIDERS)}, got none")
    if len(set(names)) < len(names):
        raise InputError(f"--embedders: expected each name once, got {' '.join(names)}")
    made: list[Input] = []
    for name in names:
        kind, colon, detail = name.partition(":")
        provider = PROVIDERS.get(kind)
        if provider is None:
            close = difflib.get_close_matches(kind, PROVIDERS, n=1)
            guess = f"; did you mean {close[0]}?" if close else ""
            raise InputError(f"--embedders: expected some of {', '.join(PROVIDERS)}, got {name!r}{guess}")
        if colon and not (detail and provider.detail):
            raise InputError(f"--embedders: expected {provider.form(kind)}, got {name!r}")
        request = Request(name, detail or provider.preset, cache_folder, train_words)
        made.append(provider.build(request, **(options or {}).get(provider.section, {})))
    return made
