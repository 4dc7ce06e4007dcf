"""Columns of bracketed spans, used for arguments in CoNLL-2005 and CoNLL-2012: `(A0*`, `*`, `*)`, `(V*)`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from elmo_tasks.core.errors import InputError, quoted
from elmo_tasks.text.spans import Span, from_spans, to_spans

_CELL = re.compile(r"((?:\([^()*\s]+)*)\*(\)*)")


def from_brackets(cells: Sequence[str], sources: Sequence[str]) -> tuple[str, ...]:
    """Convert a column of cells to BIO tags.

    sources: `file:line` of each cell.

    Raises:
        InputError: a cell is malformed, a span is inside another, or brackets are unbalanced.
    """
    spans: list[Span] = []
    label, start = "", -1  # the open span
    for place, cell in enumerate(cells):
        if cell == "*":  # the most frequent case
            continue
        parts = _CELL.fullmatch(cell)
        if parts is None:
            raise InputError(f"{sources[place]}: {quoted(cell)} is not brackets such as (ARG0*, *, *) or (V*)")
        opened = parts[1].split("(")[1:]
        if len(opened) > 1 or (opened and start >= 0):
            outer = label if start >= 0 else opened[0]
            raise InputError(
                f"{sources[place]}: {quoted(cell)} opens a span inside {outer[:60]}; close each span before the next "
                "one opens"
            )
        if opened:
            label, start = opened[0], place
        if len(parts[2]) > (start >= 0):
            raise InputError(f"{sources[place]}: unbalanced brackets: {quoted(cell)} closes a span that is not open")
        if parts[2]:
            spans.append(Span(label, start, place + 1))
            start = -1
    if start >= 0:
        raise InputError(
            f"{sources[start]}: unbalanced brackets: {quoted(cells[start])} is not closed at the end of its sentence"
        )
    return from_spans(spans, len(cells), "BIO")


def to_brackets(tags: Sequence[str]) -> list[str]:
    """Convert BIO tags to cells. Raises InputError for an illegal sequence."""
    cells = ["*"] * len(tags)
    for label, start, end in to_spans(tags, "BIO"):
        cells[start] = f"({label}*"
        cells[end - 1] += ")"
    return cells
