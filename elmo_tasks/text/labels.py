"""The numbered set of labels of a task."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from elmo_tasks.core.errors import InputError, quoted

_INTEGER = re.compile(r"[+-]?[0-9]+")


@dataclass(frozen=True)
class LabelSet:
    """Labels in the order of their numbers.

    counts: frequencies in the training data; empty if they are not known, as in a loaded run.
    """

    names: tuple[str, ...]
    counts: tuple[int, ...] = field(default=(), compare=False, repr=False)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.names)}

    def __len__(self) -> int:
        return len(self.names)

    def index(self, name: str, source: str = "") -> int:
        """The number of a label. Raises InputError with `source` if the set does not contain it."""
        try:
            return self._numbers[name]
        except KeyError:
            at = f"{source}: " if source else ""
            known = ", ".join(self.names[:20]) + (", ..." if len(self.names) > 20 else "")
            raise InputError(f"{at}{quoted(name)} is not a label of the training data ({known})") from None

    def encode(self, names: Iterable[str], source: str = "") -> list[int]:
        """Convert labels to numbers."""
        return [self.index(name, source) for name in names]

    def decode(self, numbers: Iterable[int]) -> tuple[str, ...]:
        """Convert numbers to labels."""
        return tuple(self.names[number] for number in numbers)

    @classmethod
    def of_types(cls, types: Iterable[str], scheme: str) -> LabelSet:
        """All tags of span types in `scheme`, `O` first; sorted, so that the numbering is stable."""
        prefixes: Sequence[str] = ("B", "I", "E", "S") if scheme == "BIOES" else ("B", "I")
        return cls(("O", *(f"{prefix}-{name}" for name in sorted(set(types)) for prefix in prefixes)))

    @classmethod
    def of_classes(cls, names: Iterable[str]) -> LabelSet:
        """The distinct labels of a classification, in the order of `sort_labels`, with their frequencies."""
        counts = Counter(names)
        distinct = sort_labels(counts)
        return cls(distinct, tuple(counts[name] for name in distinct))

    def balanced_weights(self) -> tuple[float, ...]:
        """Weights that give all labels the same share of the loss, like scikit-learn's `balanced`: N / (K * count)."""
        return tuple(sum(self.counts) / (len(self.counts) * count) for count in self.counts)


def span_types(sequences: Iterable[Sequence[str]]) -> set[str]:
    """The span types that occur in tag sequences of any scheme."""
    return {tag[2:] for tags in sequences for tag in tags if tag != "O"}


def sort_labels(names: Iterable[str]) -> tuple[str, ...]:
    """Distinct labels in a stable order: by value if all are integers (`-1`, `2`, `10`), else as text."""
    distinct = sorted(set(names))
    return tuple(sorted(distinct, key=int) if all(_INTEGER.fullmatch(name) for name in distinct) else distinct)
