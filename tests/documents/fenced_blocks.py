"""The documents that a user reads, README.md, CONTRIBUTING.md and the pages in docs/, and their fenced blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
SHELLS = ("bash", "sh", "console", "")
_FENCED = re.compile(
    r"^(?:<!-- runs: no, (?P<reason>[^\n]+) -->\n)?```(?P<language>\w*)\n(?P<code>.*?)^```$", re.M | re.S
)


@dataclass(frozen=True)
class Block:
    """A fenced block. where: `docs/ner.md:7`; unrun: why it is not run, from the comment on the line above it."""

    where: str
    language: str
    code: str
    unrun: str | None


def name_of(path: Path) -> str:
    """`docs/ner.md`."""
    return path.relative_to(ROOT).as_posix()


def fenced_blocks(path: Path) -> list[Block]:
    """The fenced blocks of a document, in order."""
    text, name = path.read_text(encoding="utf-8"), name_of(path)
    return [
        Block(
            f"{name}:{text.count(chr(10), 0, found.start('code'))}", found["language"], found["code"], found["reason"]
        )
        for found in _FENCED.finditer(text)
    ]
