"""Split lines into tokens, for all readers of the package."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"[^ \t\r\n]+")


def split_tokens(text: str) -> tuple[str, ...]:
    """Split a tokenised text into its tokens.

    Spaces, tabs and line breaks separate tokens. All other white space, such as the no-break space U+00A0 or the line
    separator U+2028, is part of a token.

    Examples:
        >>> split_tokens("10\\u00a0000 people  came\\thome\\n")
        ('10\\xa0000', 'people', 'came', 'home')
    """
    return tuple(_TOKEN.findall(text))
