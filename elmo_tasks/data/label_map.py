"""Rename the labels of a data set: `person=PER,place=LOC,*=drop`."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from functools import partial

from elmo_tasks.core.errors import InputError, quoted
from elmo_tasks.data.reading import Note, Reader

DROP, OTHERS = "drop", "*"


class LabelMap:
    """The value of `--map-labels`. Labels that it does not mention keep their names, unless there is a pair for `*`.

    Args:
        text: comma-separated pairs OLD=NEW. OLD may be `*`, for every label without a pair of its own; NEW may be
            `drop`, which removes the spans or texts with that label.

    Raises:
        InputError: the text is malformed or mentions a label twice.

    Examples:
        >>> rename = LabelMap("person=PER,PER=PER,*=drop")
        >>> rename("person"), rename("PER"), rename("event")
        ('PER', 'PER', None)
        >>> rename.tags(["B-person", "I-person", "O", "B-event"])
        ('B-PER', 'I-PER', 'O', 'O')
    """

    def __init__(self, text: str = "") -> None:
        self._names: dict[str, str] = {}
        self._seen: set[str] = set()
        for part in filter(None, text.split(",")):
            old, sign, new = (piece.strip() for piece in part.partition("="))
            if not (sign and old and new) or old in self._names:
                raise InputError(f"--map-labels must be OLD=NEW pairs such as person=PER,*=drop, not {quoted(text)}")
            self._names[old] = new

    def __bool__(self) -> bool:
        return bool(self._names)

    def __call__(self, label: str) -> str | None:
        """The new name of a label, or None if it is dropped."""
        self._seen.add(label)
        new = self._names.get(label, self._names.get(OTHERS, label))
        return None if new == DROP else new

    def tags(self, tags: Sequence[str]) -> tuple[str, ...]:
        """Rename the types of BIO tags; spans of a dropped type become O."""
        if not self:
            return tuple(tags)
        renamed = ((tag[:2], self(tag[2:]) if tag != "O" else None) for tag in tags)
        return tuple(f"{prefix}{new}" if new else "O" for prefix, new in renamed)

    def note_unused(self, note: Note) -> None:
        """Report labels in the map that did not occur in the data; they may be misspelt."""
        unused = sorted(self._names.keys() - self._seen - {OTHERS})
        if unused:
            note(f"--map-labels: the data has no label {_listed(unused)}; its labels are {_listed(sorted(self._seen))}")


def with_label_map(reader: Reader, rename: LabelMap) -> Reader:
    """Make a reader rename labels. Raises InputError if it does not support that."""
    if "map_labels" not in inspect.signature(reader).parameters:
        raise InputError("--map-labels: the reader for this task's files does not support it; leave it out")
    return partial(reader, map_labels=rename)


def _listed(names: Iterable[str], most: int = 12) -> str:
    quotes = [quoted(name) for name in names]
    return ", ".join(quotes[:most]) + (", ..." if len(quotes) > most else "")
