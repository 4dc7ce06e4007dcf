"""Map names as in `--embedders` to the inputs of a model. Slow libraries are imported only when an input is built.

To add an embedder, write a module with its settings, its embedder and its `PROVIDER`, and add it to `PROVIDERS`.
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
"""The providers by the part of the name before the colon."""

SECTIONS = {p.section: p.settings for p in PROVIDERS.values() if getattr(p.settings, "__dataclass_fields__", {})}
"""The settings classes of the providers, by the section of a configuration."""


def build_inputs(
    names: Sequence[str],
    settings: Mapping[str, Any] | None = None,
    *,
    cache_folder: Path | None = None,
    train_words: Iterable[str] = (),
    within: Path | None = None,
) -> list[Input]:
    """Build the inputs of a model, each with the provider for its name.

    Args:
        names: names as for `--embedders`: `elmo`, `glove:FILE` and so on.
        settings: settings of the providers by section, such as `{"elmo": ElmoSettings(layers="1")}`; defaults for all
            others.
        cache_folder: the folder for cached frozen vectors; None computes them each time.
        train_words: the words of the training data, some of which an input may fine-tune (see `Input.tuned_words`).
        within: the folder of a run that was not trained here; no file outside it is read and no address is opened.

    Raises:
        InputError: see `check_names`; or an embedder is not installed, cannot be loaded or is outside `within`.
    """
    made: list[Input] = []
    for name, provider in zip(names, check_names(names), strict=True):
        request = Request(name, name.partition(":")[2] or provider.preset, cache_folder, train_words, within)
        made.append(provider.build(request, (settings or {}).get(provider.section) or provider.settings()))
    return made


def check_names(names: Sequence[str]) -> list[Provider[Any]]:
    """Return the provider for each name.

    Raises:
        InputError: there are no names, a name is unknown (the message suggests the nearest) or occurs twice, names are
            separated by commas, or a name has a detail that it does not support.
    """
    if not names:
        raise InputError(f"--embedders: no name given; choose one or more of {', '.join(PROVIDERS)}")
    if len(set(names)) < len(names):
        raise InputError(f"--embedders: a name occurs twice in {' '.join(names)}; give each name once")
    return [_provider_of(name) for name in names]


def split_names(text: str) -> list[str]:
    """Split comma-separated names of embedders.

    The comma in `elmo:OPTIONS.json,WEIGHTS.hdf5` does not separate names, nor does one in the path of a file or folder,
    unless the name of an embedder follows it.
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
        raise InputError(f"--embedders: separate embedders with spaces, not commas: --embedders {' '.join(parts)}")
    kind, colon, detail = name.partition(":")
    provider = PROVIDERS.get(kind)
    if provider is None:
        close = difflib.get_close_matches(kind, PROVIDERS, n=1)
        guess = f"did you mean {close[0]}? Choose" if close else "choose"
        raise InputError(f"--embedders: unknown embedder {name!r}; {guess} one of {', '.join(PROVIDERS)}")
    if colon and not (detail and provider.detail):
        raise InputError(f"--embedders: {name!r} is incomplete or must not have a colon; write {provider.form(kind)}")
    return provider
