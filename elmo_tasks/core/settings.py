"""The one strict reader of settings: dataclasses from YAML, mappings and `--set key=value`."""

from __future__ import annotations

import dataclasses
import difflib
import math
import operator
import types
import typing
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

import yaml

from elmo_tasks.core.errors import InputError

_BOUNDS = {
    "least": (operator.ge, "of {} or more"),
    "above": (operator.gt, "above {}"),
    "most": (operator.le, "up to {}"),
    "below": (operator.lt, "below {}"),
}


def bounded(default: float, **bounds: float) -> Any:
    """A field of a configuration that is a finite number: `least`, `above`, `most` and `below` say which.

    The default is not checked, and a value only where it is read: by `from_mapping`, so from files and `--set`.
    """
    assert bounds.keys() <= _BOUNDS.keys()
    return field(default=default, metadata={"bounds": bounds})


def flat(values: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    """Nested values by the key that `--set` has for them, such as `training.epochs`."""
    made: dict[str, Any] = {}
    for key, value in values.items():
        made |= flat(value, f"{where}{key}.") if isinstance(value, Mapping) else {f"{where}{key}": value}
    return made


def from_mapping(kind: type[Any], values: Mapping[str, Any], where: str = "") -> Any:
    """Build a dataclass from nested mappings: every key known, every value of its type and within its bounds.

    Raises:
        InputError: one of them is not.
    """
    hints = typing.get_type_hints(kind)
    bounds = {entry.name: entry.metadata.get("bounds", {}) for entry in dataclasses.fields(kind)}
    made: dict[str, Any] = {}
    for key, value in values.items():
        full = f"{where}{key}"
        if key not in hints:
            close = difflib.get_close_matches(str(key), hints, n=1)
            guess = f"; did you mean {where}{close[0]}?" if close else ""
            raise InputError(f"unknown configuration key {full!r}: expected one of {', '.join(hints)}{guess}")
        hint = hints[key]
        if dataclasses.is_dataclass(hint):
            if not isinstance(value, Mapping):
                raise InputError(f"{full}: expected keys below it, got {value!r}")
            made[key] = from_mapping(typing.cast("type[Any]", hint), value, f"{full}.")
        elif hint == dict[str, Any]:
            if not isinstance(value, Mapping):
                raise InputError(f"{full}: expected keys below it, got {value!r}")
            made[key] = dict(value)
        else:
            made[key] = _coerce(full, value, hint)
            _check_bounds(full, made[key], bounds[key])
    return kind(**made)


def _coerce(name: str, value: Any, hint: Any) -> Any:
    if hint == tuple[str, ...]:
        if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
            return tuple(value)
        raise InputError(f"{name}: expected a list of names, got {value!r}")
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if value is None and type(None) in kinds:
        return None
    if bool in kinds and isinstance(value, bool):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if int in kinds and value % 1 == 0:  # of infinity it is not a number
            return int(value)
        if float in kinds:
            return float(value)
        if str in kinds:
            return str(value)
    if float in kinds and isinstance(value, str):  # YAML 1.1 reads 1e-3 as text
        try:
            return float(value)
        except ValueError:
            pass
    if str in kinds and isinstance(value, str):
        return value
    expected = " or ".join("null" if kind is type(None) else kind.__name__ for kind in kinds)
    raise InputError(f"{name}: expected {expected}, got {value!r}")


def _check_bounds(name: str, value: Any, bounds: Mapping[str, float]) -> None:
    if bounds and not (abs(value) < math.inf and all(_BOUNDS[key][0](value, limit) for key, limit in bounds.items())):
        kind = "a whole number" if isinstance(value, int) else "a number"
        range_ = " and ".join(_BOUNDS[key][1].format(limit) for key, limit in bounds.items())
        raise InputError(f"{name}: expected {kind} {range_}, got {value}")


def read_yaml(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such configuration file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as a configuration ({error})") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise InputError(f"{path}{line}: expected YAML ({getattr(error, 'problem', error)})") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise InputError(f"{path}: expected keys and values, got {type(values).__name__}")
    return values


def merge(into: dict[str, Any], values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = dict(value) if isinstance(value, Mapping) else value
