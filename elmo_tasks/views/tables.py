"""Print tables on the terminal. Text is shown literally, and numbers are never truncated, however narrow it is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from elmo_tasks.core.terminal import encodable, printable

if TYPE_CHECKING:
    from elmo_tasks.analysis.contrast import Contrast
    from elmo_tasks.analysis.similar import Neighbour
    from elmo_tasks.data.senses import Occurrence
    from elmo_tasks.pretraining.substitutes import Substitutes

STATIC = 1.0
"""Static vectors such as GloVe's depend only on the word, so their cosine in any two sentences is 1."""

_NARROWEST = 8  # minimum width in characters of a wrapped text column
_AROUND = 12  # number of tokens shown on either side of a word


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str | Text]],
    *,
    numbers: Collection[int],
    title: str | Text | None = None,
    bold: Collection[int] = (),
    console: Console | None = None,
) -> None:
    """Print a table as wide as the terminal; if that is too narrow, texts and headings are wrapped.

    numbers: the columns with numbers, which are right-aligned and never wrapped; bold: the rows in bold.
    """
    console = console or Console()
    cells = [[_text(cell, console) for cell in row] for row in rows]
    table = Table(title=None if title is None else _text(title, console), title_justify="left")
    for place, heading in enumerate(columns):
        widths = [cell_len(word) for word in (*heading.split(), *(row[place].plain for row in cells))]
        widest = max(widths, default=1)
        table.add_column(
            _text(heading, console),
            justify="right" if place in numbers else "left",
            overflow="fold",
            min_width=widest if place in numbers else min(widest, _NARROWEST),
        )
    for number, row in enumerate(cells):
        table.add_row(*row, style="bold" if number in bold else None)
    console.print(table, crop=False)


def print_line(text: str | Text, console: Console) -> None:
    """Print one line of any length, without rich's automatic colours."""
    console.print(_text(text, console), soft_wrap=True, highlight=False)


def print_similar(query: Occurrence, found: Sequence[Neighbour], console: Console | None = None) -> None:
    """Print the sentence of the query and its neighbours, nearest first, each with its cosine and its source."""
    senses = any(neighbour.occurrence.sense is not None for neighbour in found)
    rows: list[list[str | Text]] = [
        [
            f"{neighbour.cosine:.3f}",
            marked(neighbour.occurrence.tokens, neighbour.occurrence.index),
            *([neighbour.occurrence.sense or ""] if senses else []),
            neighbour.occurrence.source,
        ]
        for neighbour in found
    ]
    columns = ("cosine", "sentence", *(["sense"] if senses else []), "where")
    title = Text("nearest to: ") + marked(query.tokens, query.index)
    print_table(columns, rows, numbers={0}, title=title, console=console)


def print_substitutes(found: Substitutes, console: Console | None = None) -> None:
    """Print the words for one position side by side: forward, backward, and both directions combined."""
    triples = zip(found.forward, found.backward, found.both, strict=True)
    rows = [[cell for word, value in triple for cell in (word, f"{100 * value:.1f} %")] for triple in triples]
    columns = ("forward", "", "backward", "", "both", "")
    print_table(columns, rows, numbers={1, 3, 5}, title=f"{found.position + 1}: {found.word}", console=console)


def print_contrast(found: Contrast, console: Console | None = None) -> None:
    """Print both sentences, and the cosine of the word in every layer next to that of a static vector."""
    console = console or Console()
    for tokens, position in zip(found.sentences, found.positions, strict=True):
        print_line(marked(tokens, position), console)
    rows = [
        ("0 (characters alone)" if layer == 0 else str(layer), f"{cosine:.3f}", f"{STATIC:.3f}")
        for layer, cosine in enumerate(found.cosines)
    ]
    columns = ("layer", "biLM", "static (GloVe)")
    print_table(columns, rows, numbers={1, 2}, title="cosine of the two", console=console)


def marked(tokens: Sequence[str], index: int) -> Text:
    """The sentence with the word in bold, truncated if it is long."""
    begin, end = max(0, index - _AROUND), index + _AROUND + 1
    text = Text("... " if begin else "")
    for place, token in enumerate(tokens[begin:end], begin):
        text.append(printable(token), style="bold" if place == index else "").append(" ")
    return text.append("..." if end < len(tokens) else "")


def _text(content: str | Text, console: Console) -> Text:
    """Text instead of a string, so that rich does not interpret brackets as markup."""
    if isinstance(content, Text):
        return content
    plain = printable(content)
    if not plain.isascii():
        if encodable("±", console.encoding) != "±":
            plain = plain.replace("±", "+-")
        plain = encodable(plain, console.encoding)  # before rich counts characters
    return Text(plain)
