"""What separates the tokens of a line, for every reader of the package."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"[^ \t\r\n]+")


def split_tokens(text: str) -> tuple[str, ...]:
    """The tokens of a tokenised text.

    Blanks, tabs and line breaks separate tokens. All other white space, such as the no-break space U+00A0 or the line
    separator U+2028, belongs to the token that it stands in.

    Examples:
        >>> split_tokens("10\\u00a0000 people  came\\thome\\n")
        ('10\\xa0000', 'people', 'came', 'home')
    """
    return tuple(_TOKEN.findall(text))
