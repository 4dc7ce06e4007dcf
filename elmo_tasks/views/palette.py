"""One colour and one marker for each combination of embedders, the same in all pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Style(NamedTuple):
    """A colour and a marker of matplotlib."""

    color: str
    marker: str


# After Okabe and Ito 2008, whose colours are distinct for all kinds of colour vision; markers distinguish them in
# greyscale. Related combinations share a hue: the darker one has more inputs.
_KNOWN = {
    frozenset({"glove"}): Style("#E69F00", "o"),
    frozenset({"glove", "chars"}): Style("#B94A00", "D"),
    frozenset({"elmo"}): Style("#56B4E9", "s"),
    frozenset({"elmo", "chars"}): Style("#2E8BCB", "<"),
    frozenset({"elmo", "glove", "chars"}): Style("#00508C", "v"),
    frozenset({"minilm"}): Style("#2FB58E", "^"),
    frozenset({"minilm", "glove", "chars"}): Style("#00604A", "P"),
    frozenset({"chars"}): Style("#CC79A7", "X"),
    frozenset({"random biLM"}): Style("#CCCCCC", "o"),
}
_OTHERS = (
    Style("#882255", "p"),
    Style("#000000", "h"),
    Style("#999933", "*"),
    Style("#AA4499", "8"),
    Style("#661100", "d"),
    Style("#6E6E6E", ">"),
)

LIGHT = frozenset({"#CCCCCC", "#56B4E9", "#E69F00", "#2FB58E", "#CC79A7"})
"""Colours on which text must be dark."""


def styles(choices: Iterable[Sequence[str]]) -> dict[tuple[str, ...], Style]:
    """The style of each list of embedders. Lists without a predefined style get the remaining ones in order."""
    found: dict[tuple[str, ...], Style] = {}
    others = 0
    for names in dict.fromkeys(map(tuple, choices)):
        known = _KNOWN.get(frozenset(names))
        if known is None:
            known, others = _OTHERS[others % len(_OTHERS)], others + 1
        found[names] = known
    return found
