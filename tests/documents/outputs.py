"""Compares the output that a document shows with the real one."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fenced_blocks import Output

ANYTHING = "..."
_DECIMAL = re.compile(r"-?\d[\d,]*\.\d+")
_LONG_RULES = re.compile(r"([─━═-])\1+")


def difference(shown: Output, real: str) -> str | None:
    """What is wrong with the output that a document shows; None if it is right.

    A line that is only `...` stands for any number of lines, `...` within a line for any text. The number of spaces
    and the length of rules do not count.
    """
    if shown.uncompared is not None or _lines_match(_lines(shown.text), _lines(real), shown.within):
        return None
    return f"{shown.where} shows\n{shown.text}\nbut the output is\n{real}"


def _lines(text: str) -> list[str]:
    lines = [_LONG_RULES.sub(r"\1", " ".join(line.split())) for line in text.splitlines()]
    return [line for line in lines if line]


def _lines_match(shown: Sequence[str], real: Sequence[str], within: float) -> bool:
    if not shown:
        return not real
    if shown[0] == ANYTHING:
        return any(_lines_match(shown[1:], real[start:], within) for start in range(len(real) + 1))
    return bool(real) and _line_matches(shown[0], real[0], within) and _lines_match(shown[1:], real[1:], within)


def _line_matches(shown: str, real: str, within: float) -> bool:
    decimals = _DECIMAL.findall(shown) if within else []
    pattern = ".*?".join(map(re.escape, shown.split(ANYTHING)))
    for decimal in decimals:
        pattern = pattern.replace(re.escape(decimal), f"({_DECIMAL.pattern})", 1)
    found = re.fullmatch(pattern, real)
    if found is None:
        return False
    pairs = zip(map(_number, decimals), map(_number, found.groups()), strict=True)
    return all(abs(ours - theirs) <= within * abs(ours) for ours, theirs in pairs)


def _number(text: str) -> float:
    return float(text.replace(",", ""))
