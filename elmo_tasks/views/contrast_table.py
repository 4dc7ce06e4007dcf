"""The contrast of two sentences as a table on screen."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from elmo_tasks.analysis.contrast import Contrast
from elmo_tasks.data.senses import Occurrence
from elmo_tasks.views.similar_table import marked

STATIC = 1.0
"""A static vector such as GloVe's is the word's alone: in any two sentences it is the same, and its cosine is 1."""


def contrast_table(found: Contrast, console: Console | None = None) -> None:
    """Print both sentences and the word's cosine in every layer, a static vector's beside it."""
    console = console or Console()
    for tokens, position in zip(found.sentences, found.positions, strict=True):
        console.print(marked(Occurrence(tokens, position, found.word)), soft_wrap=True)
    table = Table(title="cosine of the two", title_justify="left")
    for heading in ("layer", "biLM", "static (GloVe)"):
        table.add_column(heading, justify="left" if heading == "layer" else "right")
    for layer, cosine in enumerate(found.cosines):
        name = "0 (characters alone)" if layer == 0 else str(layer)
        table.add_row(name, f"{cosine:.3f}", f"{STATIC:.3f}")
    console.print(table)
