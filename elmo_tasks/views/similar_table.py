"""Like occurrences as a table on screen."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from elmo_tasks.analysis.similar import Neighbour
from elmo_tasks.data.senses import Occurrence

_AROUND = 12
"""Tokens that are shown on either side of the word."""


def similar_table(query: Occurrence, found: Sequence[Neighbour], console: Console | None = None) -> None:
    """Print the query's sentence and its neighbours, nearest first, each with cosine and place."""
    table = Table(title=Text("nearest to: ") + marked(query), title_justify="left")
    senses = any(neighbour.occurrence.sense is not None for neighbour in found)
    for heading in ("cosine", "sentence", *(["sense"] if senses else []), "where"):
        table.add_column(heading, justify="right" if heading == "cosine" else "left", overflow="fold")
    for neighbour in found:
        occurrence = neighbour.occurrence
        sense = [Text(occurrence.sense or "")] if senses else []
        table.add_row(f"{neighbour.cosine:.3f}", marked(occurrence), *sense, Text(occurrence.source))
    (console or Console()).print(table)


def marked(occurrence: Occurrence) -> Text:
    """The sentence with its word in bold, cut where it is long. Text, so that brackets in it are no markup."""
    begin, end = max(0, occurrence.index - _AROUND), occurrence.index + _AROUND + 1
    text = Text("... " if begin else "")
    for index, token in enumerate(occurrence.tokens[begin:end], begin):
        text.append(token, style="bold" if index == occurrence.index else "").append(" ")
    return text.append("..." if end < len(occurrence.tokens) else "")
