"""Text and numbers as the page writes them: everything that comes from outside is escaped here."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

_LONGEST = 32  # characters of a token that are shown
_TINTS = 12  # in style.css


def word(token: str) -> str:
    """A token as HTML text; a long one is cut, and whole in its tooltip.

    >>> word("<b>")
    '&lt;b&gt;'
    """
    if len(token) <= _LONGEST:
        return escape(token)
    return f'<span title="{escape(token[:400])}">{escape(token[: _LONGEST - 1])}…</span>'


def words(tokens: Iterable[str]) -> str:
    """Tokens as HTML text, blanks between them."""
    return " ".join(map(word, tokens))


def per_cent(probability: float) -> str:
    """A probability, never rounded to certainty.

    >>> per_cent(0.5), per_cent(0.9996), per_cent(0.0004)
    ('50.0 %', '&gt; 99.9 %', '&lt; 0.1 %')
    """
    if probability >= 0.9995:
        return "&gt; 99.9 %"
    return "&lt; 0.1 %" if probability < 0.0005 else f"{probability:.1%}".replace("%", " %")


def tint(label: str, labels: Iterable[str]) -> str:
    """The class of a label's colour: by its place among all `labels`, whatever a sentence has of them."""
    return f"t{sorted(set(labels)).index(label) % _TINTS}"
