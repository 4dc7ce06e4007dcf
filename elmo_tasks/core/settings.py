"""Read settings strictly: dataclasses from YAML, JSON, mappings and `--set key=value`.

A dataclass defines what it accepts by the types and defaults of its fields: `bool`, `int`, `float`, `str`,
`Literal[...]` for a choice, `X | None`, tuples, and other such dataclasses for nested keys; `bounded`, `matching` and
`sections` add further constraints. A field without a default is required.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import operator
import re
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any, Literal, TypeVar

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.yaml_text import parse_yaml, read_yaml

T = TypeVar("T")

_BOUNDS = {
    "least": (operator.ge, "of {:g} or more"),
    "above": (operator.gt, "above {:g}"),
    "most": (operator.le, "up to {:.10g}"),
    "below": (operator.lt, "below {:g}"),
}
_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text", type(None): "null"}


def bounded(default: Any = dataclasses.MISSING, **bounds: float) -> Any:
    """A field for a finite number with the bounds `least`, `above`, `most` and `below`; None is always allowed.

    Raises:
        ValueError: a bound is unknown, or the default is outside the bounds.
    """
    if unknown := bounds.keys() - _BOUNDS.keys():
        raise ValueError(f"unknown bounds: {', '.join(sorted(unknown))}")
    if isinstance(default, (int, float)) and not _within(default, bounds):
        raise ValueError(f"the default {default} is outside its own bounds {bounds}")
    return field(default=default, metadata={"bounds": bounds})


def matching(default: str, pattern: str, expected: str) -> Any:
    """A field for text that matches a pattern, described in messages by `expected`. Raises ValueError as `bounded`."""
    if not re.fullmatch(pattern, default):
        raise ValueError(f"the default {default!r} is not {expected}")
    return field(default=default, metadata={"pattern": pattern, "expected": expected})


def sections(kinds: Mapping[str, type[Any]]) -> Any:
    """A field for other settings by name; their keys are on the same level as the other keys, not nested."""
    return field(default_factory=lambda: {name: kind() for name, kind in kinds.items()}, metadata={"sections": kinds})


class Layers:
    """Values from defaults, files, code and the command line; later ones take precedence, and all keep their places."""

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self.values: dict[str, Any] = {}
        self.places: dict[str, str] = {}
        self.add(values or {})

    def add(self, values: Mapping[str, Any], places: Mapping[str, str] | None = None) -> None:
        """Add nested values. places: the `file:line` of each, by its dotted key."""
        for key in flat(values):
            self.places.pop(key, None)
        self.places |= places or {}
        _merge(self.values, values)

    def add_file(self, path: Path) -> None:
        """Add a YAML or JSON file. Raises InputError if it cannot be read, see `read_yaml`."""
        self.add(*read_yaml(path))

    def add_set(self, settings: Iterable[str]) -> None:
        """Add the values of `--set key=value`. Raises InputError if one is malformed or its value is not YAML."""
        for setting in settings:
            key, sign, text = setting.partition("=")
            if not (sign and key):
                raise InputError(f"--set {setting!r} has no value; write key=value, such as --set training.epochs=3")
            nested: Any = parse_yaml(text, f"--set {key}")[0]
            for part in reversed(key.split(".")):
                nested = {part: nested}
            self.add(nested)

    def read(self, kind: type[T], others: Sequence[str] = ()) -> T:
        """Make the dataclass from these values. Raises InputError, see `from_mapping`."""
        return from_mapping(kind, self.values, places=self.places, others=others)


def from_mapping(
    kind: type[T],
    values: Mapping[str, Any],
    where: str = "",
    places: Mapping[str, str] | None = None,
    origin: str = "",
    others: Sequence[str] = (),
) -> T:
    """Build a dataclass from nested mappings, checking all keys, types and bounds.

    Args:
        kind: the dataclass.
        values: the values; missing fields have their defaults.
        where: the prefix of the keys in messages, such as `model.`.
        places: the `file:line` of values, by their dotted keys.
        origin: the file, for messages about missing keys.
        others: further dotted keys to suggest for an unknown key.

    Raises:
        InputError: a key is unknown (the message suggests the nearest), a required key is missing, or a value has the
            wrong type or is out of bounds.
    """
    assert dataclasses.is_dataclass(kind)
    places, hints = places or {}, typing.get_type_hints(kind)
    fields = {entry.name: entry for entry in dataclasses.fields(kind)}
    beside = {name: (entry.name, below) for entry in fields.values() for name, below in _sections(entry).items()}
    known = [name for entry in fields.values() for name in _sections(entry) or (entry.name,)]
    others = others if where else [*others, *dotted_keys(kind)]
    made: dict[str, Any] = {}
    for key, value in values.items():
        full = f"{where}{key}"
        at = f"{places[full]}: " if full in places else ""
        if key not in known:
            given = next(iter(flat({full: value})), full)  # including the nested key, as in trainig.epochs
            raise InputError(at + unknown_key(given, [where + name for name in known], others))
        inner = beside[key][1] if key in beside else hints[key]
        if inner == dict[str, Any] or dataclasses.is_dataclass(inner):
            if not isinstance(value, Mapping):
                raise InputError(f"{at}{full} must have nested keys, not {shown(value)}")
            below: Any = dict(value)
            if inner != dict[str, Any]:
                below = from_mapping(typing.cast("type[Any]", inner), value, f"{full}.", places, origin, others)
            if key in beside:
                entry = fields[beside[key][0]]
                made.setdefault(entry.name, {name: below() for name, below in _sections(entry).items()})[key] = below
            else:
                made[key] = below
        else:
            made[key] = _checked(f"{at}{full}", _coerce(f"{at}{full}", value, inner), fields[key])
    for name, entry in fields.items():
        if name not in made and entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING:
            raise InputError(f"{origin}{': ' * bool(origin)}{where}{name} is missing; it has no default")
    return kind(**made)


def check(settings: Any) -> None:
    """Check the values of a dataclass that was built in code, like `from_mapping`.

    Raises:
        InputError: a value is out of bounds or not one of its choices.
    """
    hints = typing.get_type_hints(type(settings))
    for entry in dataclasses.fields(settings):
        value = getattr(settings, entry.name)
        if typing.get_origin(hints[entry.name]) is Literal:
            _coerce(entry.name, value, hints[entry.name])
        _checked(entry.name, value, entry)


def to_dict(settings: Any) -> dict[str, Any]:
    """Convert to a nested dictionary for `from_mapping`, in the order of the fields; tuples become lists."""
    made: dict[str, Any] = {}
    for entry in dataclasses.fields(settings):
        value = getattr(settings, entry.name)
        made |= {name: to_dict(value[name]) for name in _sections(entry)} or {entry.name: _plain(value)}
    return made


def flat(values: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    """Flatten nested values to dotted keys as for `--set`, such as `training.epochs`."""
    made: dict[str, Any] = {}
    for key, value in values.items():
        made |= flat(value, f"{where}{key}.") if isinstance(value, Mapping) else {f"{where}{key}": value}
    return made


def dotted_keys(kind: type[Any], where: str = "") -> list[str]:
    """All keys of a dataclass and the nested ones, as for `--set`."""
    hints, made = typing.get_type_hints(kind), list[str]()
    for entry in dataclasses.fields(kind):
        for name, inner in (_sections(entry) or {entry.name: hints[entry.name]}).items():
            is_group = dataclasses.is_dataclass(inner)
            made += dotted_keys(inner, f"{where}{name}.") if is_group else [where + name]
    return made


def unknown_key(key: str, known: Sequence[str], others: Sequence[str] = ()) -> str:
    """The message for an unknown key, suggesting keys of `known` (on the same level) or `others`.

    Suggestions have the same last part, such as `training.epochs` for `epochs`, or the nearest spelling.
    """
    last, lasts = key.rpartition(".")[2], {other.rpartition(".")[2]: other for other in reversed(others)}
    meant = [other for other in others if other.rpartition(".")[2] == last][:3]
    meant = meant or difflib.get_close_matches(key, [*known, *others], n=1)
    meant = meant or [lasts[name] for name in difflib.get_close_matches(last, lasts, n=1)]
    advice = f"did you mean {_either(meant)}?" if meant else f"the keys are {', '.join(known)}"
    return f"unknown key {key!r}; {advice}"


def shown(value: Any) -> str:
    """A value as shown in messages, truncated if it is long."""
    text = f"a list of {len(value)}" if isinstance(value, list) and len(value) > 20 else repr(value)
    return text if len(text) <= 80 else f"{text[:60]}... ({len(text)} characters)"


def _sections(entry: dataclasses.Field[Any]) -> Mapping[str, type[Any]]:
    found: Mapping[str, type[Any]] = entry.metadata.get("sections", {})
    return found


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return to_dict(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _merge(into: dict[str, Any], values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        if isinstance(value, Mapping):
            if not isinstance(into.get(key), dict):
                into[key] = {}
            _merge(into[key], value)
        else:
            into[key] = value


def _coerce(name: str, value: Any, hint: Any) -> Any:
    """Convert a value to the type of its field."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        for choice in arguments:
            if not isinstance(value, bool) and value in (choice, *([int(choice)] if str(choice).isdecimal() else [])):
                return choice
        close = difflib.get_close_matches(str(value), map(str, arguments), n=1)
        guess = f"; did you mean {close[0]}?" if close else ""
        raise InputError(f"{name} must be {_either(map(str, arguments))}, not {shown(value)}{guess}")
    if origin is tuple:
        if isinstance(value, (list, tuple)) and (arguments[-1] is ... or len(arguments) == len(value)):
            kinds = arguments[:1] * len(value) if arguments[-1] is ... else arguments
            return tuple(_coerce(name, item, kind) for item, kind in zip(value, kinds, strict=True))
        raise InputError(f"{name} must be {_called(hint)}, not {shown(value)}")
    kinds = arguments if isinstance(hint, types.UnionType) else (hint,)
    if value is None and type(None) in kinds:
        return None
    if isinstance(value, bool):
        if bool in kinds:
            return value
    elif isinstance(value, (int, float)):
        if int in kinds and value % 1 == 0:  # NaN for infinity
            return int(value)
        if float in kinds:
            return math.copysign(math.inf, value) if abs(value) > 1e300 else float(value)  # an int may overflow
        if str in kinds:
            return str(value)
    elif isinstance(value, str) and str in kinds:
        return value
    elif isinstance(value, str) and float in kinds:  # YAML 1.1 reads 1e-3 as text
        try:
            return float(value)
        except ValueError:
            pass
    raise InputError(f"{name} must be {_either(map(_called, kinds))}, not {shown(value)}")


def _checked(name: str, value: Any, entry: dataclasses.Field[Any]) -> Any:
    bounds = entry.metadata.get("bounds")
    if bounds is not None and value is not None and not _within(value, bounds):
        kind = "a whole number" if isinstance(value, int) else "a number"
        allowed = " and ".join(_BOUNDS[key][1].format(limit) for key, limit in bounds.items())
        raise InputError(f"{name} must be {kind} {allowed}, not {shown(value)}")
    if "pattern" in entry.metadata and not re.fullmatch(entry.metadata["pattern"], value):
        raise InputError(f"{name} must be {entry.metadata['expected']}, not {shown(value)}")
    return value


def _within(value: float, bounds: Mapping[str, float]) -> bool:
    return abs(value) < math.inf and all(_BOUNDS[key][0](value, limit) for key, limit in bounds.items())


def _called(hint: Any) -> str:
    """The description of a type in messages."""
    if typing.get_origin(hint) is tuple:
        inner = typing.get_args(hint)
        if typing.get_origin(inner[0]) is tuple:
            return "a list of pairs of whole numbers"
        return {str: "a list of names"}.get(inner[0], f"a list, each {_called(inner[0])}")
    return _KINDS.get(hint, str(hint))


def _either(names: Iterable[str]) -> str:
    """`a, b or c`."""
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last
