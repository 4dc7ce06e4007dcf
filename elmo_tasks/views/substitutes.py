"""Substitutes as a table on screen."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from elmo_tasks.pretraining.substitutes import Substitutes


def substitutes_table(found: Substitutes, console: Console | None = None) -> None:
    """Print one position's words, the two directions and both together side by side, brackets as they are."""
    table = Table(title=Text(f"{found.position + 1}: {found.word}"), title_justify="left")
    for heading in ("forward", "", "backward", "", "both", ""):
        table.add_column(heading, justify="left" if heading else "right")
    for triple in zip(found.forward, found.backward, found.both, strict=True):
        table.add_row(*(cell for word, value in triple for cell in (Text(word), f"{100 * value:.1f} %")))
    (console or Console()).print(table)
