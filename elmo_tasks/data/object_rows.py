"""Rows of Python objects (lists, pandas frames, Hugging Face data sets) as pairs of input and gold.

Neither pandas nor datasets is imported here: whoever passes such an object has already loaded its library.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from elmo_tasks.core.errors import InputError, quoted
from elmo_tasks.data.splits import SPLIT_NAMES
from elmo_tasks.data.tables import usual_names


@dataclass(frozen=True)
class Kind:
    """The names of the two columns of a task's data, such as `tokens` and `tags`.

    usual: other common names for each; otherwise: names to try if none of these is present.
    """

    given: str
    gold: str
    usual: Mapping[str, Sequence[str]]
    otherwise: Mapping[str, Sequence[str]] = field(default_factory=dict)


class Row(NamedTuple):
    """One row as passed in; source: its name in messages; names: the labels that integers in its gold stand for."""

    source: str
    given: Any
    gold: Any
    names: tuple[str, ...] | None = None


def rows_of(given: Any, name: str, kind: Kind, columns: Mapping[str, Any]) -> list[Row]:
    """Return the rows of any supported container.

    Args:
        given: a list of pairs or of dictionaries, a tuple of two parallel lists, a pandas frame, a Hugging Face data
            set, or a dictionary of two columns.
        name: its name in messages.
        kind: the two columns.
        columns: their names in `given`, if they are not common ones.

    Raises:
        InputError: the container is not supported, a column is missing, or two lists differ in length.
    """
    for role in columns:
        if role not in (kind.given, kind.gold):
            raise InputError(f"columns: the keys must be {kind.given} and {kind.gold}, not {quoted(role)}")
    if _is(given, "pandas", "DataFrame"):
        first, second = _choose(list(given.columns), name, kind, columns)
        cells = zip(given[first].tolist(), given[second].tolist(), strict=True)
        return [Row(f"{name}.iloc[{number}]", *pair) for number, pair in enumerate(cells)]
    if _is(given, "datasets", "Dataset", "IterableDataset"):
        return _rows_of_data_set(given, name, kind, columns)
    if isinstance(given, Mapping):
        first, second = _choose(list(given), name, kind, columns)
        return _parallel(given[first], given[second], name, kind)
    if isinstance(given, tuple) and len(given) == 2:
        return _parallel(*given, name, kind)
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise InputError(
            f"{name} must be a list of ({kind.given}, {kind.gold}) pairs, a tuple of two lists, a pandas frame or a "
            f"Hugging Face data set, not {_shown(given)}"
        )
    return [_row(item, f"{name}[{number}]", kind, columns) for number, item in enumerate(given)]


def class_names(feature: Any) -> tuple[str, ...] | None:
    """The label names of a Hugging Face feature (ClassLabel or a list of it); None if it has none."""
    inner = feature[0] if isinstance(feature, list) and feature else getattr(feature, "feature", feature)
    names = getattr(inner, "names", None)
    return None if names is None else tuple(names)


def is_splits(given: Any) -> bool:
    """Whether `given` is a dictionary of splits, such as a `DatasetDict`."""
    known = {name for names in SPLIT_NAMES.values() for name in names}
    return isinstance(given, Mapping) and bool(known.intersection(map(str, given)))


def split_of(given: Mapping[Any, Any], split: str) -> Any:
    """Return a split of such a dictionary, or None. Raises InputError if two keys name the same split."""
    found = [key for key in given if str(key) in SPLIT_NAMES[split]]
    if len(found) > 1:
        raise InputError(f"{split}: {' and '.join(map(str, found))} both name this split; leave one out")
    return given[found[0]] if found else None


def plain(value: Any) -> Any:
    """Convert numpy numbers and arrays to Python objects; return anything else unchanged."""
    return value.tolist() if type(value).__module__ == "numpy" and hasattr(value, "tolist") else value


def is_missing(value: Any) -> bool:
    """Whether a cell is None, NaN, or pandas's NA or NaT."""
    unknown = type(value).__name__ in ("NAType", "NaTType")
    return value is None or unknown or (isinstance(value, float) and value != value)


def _row(item: Any, source: str, kind: Kind, columns: Mapping[str, Any]) -> Row:
    item = plain(item)
    if isinstance(item, Mapping):
        first, second = _choose(list(item), source, kind, columns)
        return Row(source, item[first], item[second])
    if isinstance(item, (tuple, list)) and len(item) == 2:
        return Row(source, *item)
    raise InputError(
        f"{source}: not a pair of {kind.given} and {kind.gold}: {_shown(item)}; pass two parallel lists as a tuple"
    )


def _rows_of_data_set(given: Any, name: str, kind: Kind, columns: Mapping[str, Any]) -> list[Row]:
    unformatted = given.with_format(None)
    found = unformatted.column_names
    streamed = list(unformatted) if found is None else None  # some streams reveal their columns only in their rows
    first, second = _choose(list(streamed[0] if streamed else found or ()), name, kind, columns)
    names = class_names((given.features or {}).get(second))
    rows = unformatted.select_columns([first, second]) if streamed is None else streamed
    return [Row(f"{name}[{number}]", row[first], row[second], names) for number, row in enumerate(rows)]


def _parallel(first: Any, second: Any, name: str, kind: Kind) -> list[Row]:
    for what, part in ((kind.given, first), (kind.gold, second)):
        if isinstance(part, (str, bytes)) or not isinstance(part, Iterable):
            raise InputError(f"{name}: the {what} must be a list with one item per row, not {_shown(part)}")
    given, gold = list(first), list(second)
    if len(given) != len(gold):
        raise InputError(
            f"{name}: there are {len(given)} {kind.given} but {len(gold)} {kind.gold}; give one per row of each"
        )
    names = class_names(getattr(second, "features", None))  # a column of a Hugging Face data set
    return [Row(f"{name}[{number}]", *pair, names) for number, pair in enumerate(zip(given, gold, strict=True))]


def _choose(found: Sequence[Any], name: str, kind: Kind, columns: Mapping[str, Any]) -> tuple[Any, Any]:
    """Choose the two columns. Raises InputError if one is missing; the message lists the existing ones."""
    texts = [column for column in found if isinstance(column, str)]
    known = usual_names(texts, kind.otherwise) | usual_names(texts, kind.usual)
    there = quoted(", ".join(map(str, found)), 200)
    chosen = []
    for role in (kind.given, kind.gold):
        column = columns.get(role, known.get(role))
        if column is None:
            raise InputError(
                f"{name}: no column, or more than one, has a common name for the {role}; the columns are {there}; name "
                f"it: columns={{'{role}': NAME}}"
            )
        if found.count(column) != 1:
            many = "are several columns" if column in found else "is no column"
            raise InputError(f"{name}: there {many} {quoted(column)}; the columns are {there}")
        chosen.append(column)
    return chosen[0], chosen[1]


def _shown(value: Any) -> str:
    """A value as shown in messages: its repr if that is one line, else its type."""
    text = quoted(value)
    return f"a {type(value).__name__}" if "\n" in text else text


def _is(given: Any, library: str, *classes: str) -> bool:
    """Whether `given` is an instance of a class of a library that may not be loaded."""
    module = sys.modules.get(library)
    return module is not None and any(isinstance(given, getattr(module, name, ())) for name in classes)
