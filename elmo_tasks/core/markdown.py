"""Write Markdown: the only module that writes tables and escapes external text.

The output looks the same on GitHub and with Python-Markdown, which builds the site of docs/.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from elmo_tasks.core.terminal import printable

_ENTITIES = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    "~": "&#126;",
}  # no renderer supports a backslash before all of these
_SPECIAL = re.compile(
    r"[\\`*\[\]|<>~]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)|^(?:[#+-]|\d+[.)])(?=\s)|^(?:-(?=-+\s*$)|=(?==*\s*$))"
)
_IN_CODE = re.compile(r"[&<>|`\\*_\[\]~]")


class Markdown(str):
    """Text that is already Markdown. All other text is escaped before it is inserted into a document."""

    __slots__ = ()


def escape(text: str) -> Markdown:
    r"""Escape text so that Markdown shows it literally, on one line. `Markdown` is returned unchanged.

    >>> print(escape("a|b <script> *c* snake_case _d_"))
    a\|b &lt;script&gt; \*c\* snake_case \_d\_
    """
    if isinstance(text, Markdown):
        return text
    return Markdown(_SPECIAL.sub(_escaped, printable(text)))


def code(text: str) -> Markdown:
    r"""Format text as inline code.

    >>> print(code("results/a.json"), code("a|b"))
    `results/a.json` <code>a&#124;b</code>
    """
    plain = printable(text)
    if plain and plain == plain.strip() and not set(plain) & set("`|\\"):
        return Markdown(f"`{plain}`")
    # Renderers treat backslashes and bars between backticks differently.
    return Markdown(f"<code>{_IN_CODE.sub(lambda found: f'&#{ord(found[0])};', plain)}</code>")


def code_block(text: str) -> str:
    """Format lines as a code block, with a line break at its end, whatever they contain.

    >>> print(code_block("precision  recall"), end="")
    ```
    precision  recall
    ```
    """
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([fence, *map(printable, text.split("\n")), fence]) + "\n"


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: int | None = None) -> str:
    r"""A table with a line break at its end; cells that are not `Markdown` are escaped.

    numbers: index of the first right-aligned column, or None.

    >>> print(markdown_table(["name", "F1"], [["a|b", "90.00"]], numbers=1), end="")
    | name | F1 |
    | --- | ---: |
    | a\|b | 90.00 |
    """
    first = len(columns) if numbers is None else numbers
    rule = ["---" if place < first else "---:" for place in range(len(columns))]
    lines = [map(escape, columns), rule, *(map(escape, row) for row in rows)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _escaped(found: re.Match[str]) -> str:
    text = found[0]
    return _ENTITIES.get(text) or f"{text[:-1]}\\{text[-1]}"
