"""From the names that `--embedders` takes to the inputs of a model. Nothing heavy is imported before one is built.

A new embedder is a module with its settings, its embedder and its `PROVIDER`, and one entry in `PROVIDERS`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from elmo_tasks.core.errors import InputError
from elmo_tasks.embedders.chars import PROVIDER as CHARS
from elmo_tasks.embedders.elmo import PROVIDER as ELMO
from elmo_tasks.embedders.protocol import Input, Provider, Request
from elmo_tasks.embedders.random import PROVIDER as RANDOM
from elmo_tasks.embedders.transformer.provider import MINILM
from elmo_tasks.embedders.transformer.provider import PROVIDER as TRANSFORMER
from elmo_tasks.embedders.words.provider import PROVIDER as WORDS

PROVIDERS: dict[str, Provider[Any]] = {
    "elmo": ELMO,
    "glove": WORDS,
    "minilm": MINILM,
    "transformer": TRANSFORMER,
    "chars": CHARS,
    "random": RANDOM,
}
"""By the name that stands before the colon."""

SECTIONS = {p.section: p.settings for p in PROVIDERS.values() if getattr(p.settings, "__dataclass_fields__", {})}
"""The settings of the providers, by the section of a configuration that holds them."""


def build_inputs(
    names: Sequence[str],
    settings: Mapping[str, Any] | None = None,
    *,
    cache_folder: Path | None = None,
    train_words: Iterable[str] = (),
    within: Path | None = None,
) -> list[Input]:
    """The inputs of a model, each made by the provider of its name.

    Args:
        names: as `--embedders` takes them: `elmo`, `glove:FILE` and so on.
        settings: those of the providers by section, such as `{"elmo": ElmoSettings(layers="1")}`; otherwise defaults.
        cache_folder: where frozen vectors are kept; None computes them each time.
        train_words: the words of the training data, of which an input may tune some (see `Input.tuned_words`).
        within: the folder of a run that somebody else trained, outside which no file is read and no address is opened.

    Raises:
        InputError: see `check_names`, or an embedder that is not installed, cannot be loaded or is outside `within`.
    """
    made: list[Input] = []
    for name, provider in zip(names, check_names(names), strict=True):
        request = Request(name, name.partition(":")[2] or provider.preset, cache_folder, train_words, within)
        made.append(provider.build(request, (settings or {}).get(provider.section) or provider.settings()))
    return made


def check_names(names: Sequence[str]) -> list[Provider[Any]]:
    """The provider of each name.

    Raises:
        InputError: no name, an unknown name (the nearest is named), a name twice, several names with commas between
            them, or a detail where none belongs.
    """
    if not names:
        raise InputError(f"--embedders: no name given; choose one or more of {', '.join(PROVIDERS)}")
    if len(set(names)) < len(names):
        raise InputError(f"--embedders: {' '.join(names)} has a name twice; give each name once")
    return [_provider_of(name) for name in names]


def split_names(text: str) -> list[str]:
    """The names of embedders that have commas between them.

    No comma between names is that of `elmo:OPTIONS.json,WEIGHTS.hdf5`, nor one in the path of a file or folder, unless
    an embedder's name follows it.
    """
    names: list[str] = []
    for part in text.split(","):
        joined = f"{names[-1]},{part}" if names else ""
        detail = joined.partition(":")[2]
        is_path = detail and (".json," in detail or "/" in detail or Path(detail).expanduser().exists())
        if is_path and part.strip().partition(":")[0] not in PROVIDERS:
            names[-1] = joined
        elif part:
            names.append(part)
    return names


def _provider_of(name: str) -> Provider[Any]:
    parts = split_names(name)
    if len(parts) > 1 and all(part.strip().partition(":")[0] in PROVIDERS for part in parts):
        raise InputError(f"--embedders: separate embedders with blanks, not commas: --embedders {' '.join(parts)}")
    kind, colon, detail = name.partition(":")
    provider = PROVIDERS.get(kind)
    if provider is None:
        close = difflib.get_close_matches(kind, PROVIDERS, n=1)
        guess = f"did you mean {close[0]}? Choose" if close else "choose"
        raise InputError(f"--embedders: unknown embedder {name!r}; {guess} among {', '.join(PROVIDERS)}")
    if colon and not (detail and provider.detail):
        raise InputError(f"--embedders: {name!r} is not complete or takes no colon; write {provider.form(kind)}")
    return provider
