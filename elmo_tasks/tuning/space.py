"""The space of a search: which settings to try, and which values of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.settings import bounded, flat, from_mapping, shown
from elmo_tasks.core.yaml_text import read_yaml

_EXAMPLE = "write a list of values, or a range such as {low: 0.0001, high: 0.01, log: true}"
_OURS = ("task", "data", "embedders", "seed")


@dataclass(frozen=True)
class Choices:
    """One of several values: numbers, texts, true or false, or lists."""

    values: tuple[Any, ...]


@dataclass(frozen=True)
class Range:
    """`key: {low: ..., high: ...}` in a space file.

    low: the smallest value.
    high: the largest value; both are whole numbers for a setting that is one.
    log: whether to draw the logarithm uniformly, for values of different orders of magnitude.
    step: the distance of neighbouring values; 0 for any value.
    """

    low: float
    high: float
    log: bool = False
    step: float = bounded(0.0, least=0)


Space: TypeAlias = "Mapping[str, Choices | Range]"
"""The values to try of each setting, by its dotted key as for `--set`."""


def read_space(path: Path) -> Space:
    """Read a space from YAML: dotted or nested keys, each with a list of values or a range.

    Only the form is checked here; whether settings and values exist is known when they are tried on a task.

    Raises:
        InputError: the file cannot be read, has no settings, or a value is neither a list nor a range.
    """
    values, places = read_yaml(path)
    found = {key: _read(key, value, f"{places.get(key, path)}: ") for key, value in _settings(values)}
    if not found:
        raise InputError(f"{path}: the space has no settings; {_EXAMPLE} for each, such as training.learning_rate")
    for key in _OURS:
        if key in found:
            advice = "use --embedders, each combination with as many trials" if key == "embedders" else "leave it out"
            raise InputError(f"{places.get(key, path)}: {key} is not searched; {advice}")
    return found


def _settings(values: Mapping[str, Any], where: str = "") -> list[tuple[str, Any]]:
    """All settings with their values, by dotted key. A mapping with `low` or `high` is a range."""
    found: list[tuple[str, Any]] = []
    for key, value in values.items():
        is_section = isinstance(value, Mapping) and value and not value.keys() & {"low", "high", "log", "step"}
        found += _settings(value, f"{where}{key}.") if is_section else [(f"{where}{key}", value)]
    return found


def _read(key: str, value: Any, at: str) -> Choices | Range:
    if isinstance(value, list):
        if not value:
            raise InputError(f"{at}{key} has no values; {_EXAMPLE}")
        if len({repr(each) for each in value}) < len(value):
            raise InputError(f"{at}{key} has a value twice; give each once")
        return Choices(tuple(value))
    if not isinstance(value, Mapping):
        raise InputError(f"{at}{key} is {shown(value)}; {_EXAMPLE}")
    origin = at.removesuffix(": ")
    read = from_mapping(Range, value, f"{key}.", {f"{key}.{name}": origin for name in flat(value)}, origin)
    if not read.low < read.high:
        raise InputError(f"{at}{key}: low must be below high, not {read.low:g} and {read.high:g}")
    if read.log and read.low <= 0:
        raise InputError(f"{at}{key}: low must be above 0 with log: true, not {read.low:g}")
    if read.log and read.step:
        raise InputError(f"{at}{key}: step cannot be used with log: true; leave out one of them")
    return read
