"""The documents that a user reads, README.md, CONTRIBUTING.md and the pages in docs/, and their fenced blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
SHELLS = ("bash", "sh", "console", "")
OUTPUTS = ("text", "json")
_FENCED = re.compile(
    r"^(?:<!-- (?P<about>runs|output|code of): (?P<mark>[^\n]+) -->\n)?```(?P<language>\w*)\n(?P<code>.*?)^```$",
    re.M | re.S,
)
_EXITS = re.compile(r"exits with (\d+)")
_WITHIN = re.compile(r"decimals within (\d+) %")


@dataclass(frozen=True)
class Output:
    """What a document says that a block prints.

    where: `docs/ner.md:12`; uncompared: why it is not compared with the real output; within: how far its decimals may
    be from the real ones, as a fraction.
    """

    where: str
    text: str
    uncompared: str | None = None
    within: float = 0.0


@dataclass(frozen=True)
class Block:
    """A fenced block, with what the comment on the line above it says.

    where: `docs/ner.md:7`; unrun: why it is not run; exit_code: what it ends with; output: the `text` or `json` block
    right below it; library: whose code it is if it is not ours, which is not run either.
    """

    where: str
    language: str
    code: str
    unrun: str | None
    exit_code: int = 0
    output: Output | None = None
    library: str | None = None

    @property
    def is_run(self) -> bool:
        return self.unrun is None and self.library is None


def name_of(path: Path) -> str:
    """`docs/ner.md`."""
    return path.relative_to(ROOT).as_posix()


def fenced_blocks(path: Path) -> list[Block]:
    """The fenced blocks of a document, in order. A block's output also appears as a block of its own."""
    return blocks_of(path.read_text(encoding="utf-8"), name_of(path))


def blocks_of(text: str, name: str) -> list[Block]:
    """The fenced blocks of a text; name: what `where` begins with."""
    found = list(_FENCED.finditer(text))
    blocks = []
    for fence, following in zip_longest(found, found[1:]):
        output = None
        if following and following["language"] in OUTPUTS and fence["language"] not in OUTPUTS:
            adjacent = not text[fence.end() : following.start()].strip()
            output = _output(following, _where(text, name, following)) if adjacent else None
        where = _where(text, name, fence)
        library = fence["mark"] if fence["about"] == "code of" else None
        blocks.append(Block(where, fence["language"], fence["code"], *_runs(fence, where), output, library))
    return blocks


def _where(text: str, name: str, fence: re.Match[str]) -> str:
    return f"{name}:{text.count(chr(10), 0, fence.start('code'))}"


def _runs(fence: re.Match[str], where: str) -> tuple[str | None, int]:
    """Why a block is not run, and its exit code."""
    mark = fence["mark"] if fence["about"] == "runs" else ""
    exits = _EXITS.fullmatch(mark or "")
    if mark and not exits and not mark.startswith("no, "):
        raise ValueError(f"{where}: `runs: {mark}` is neither `no, REASON` nor `exits with N`")
    return (None if exits or not mark else mark.removeprefix("no, ")), int(exits[1]) if exits else 0


def _output(fence: re.Match[str], where: str) -> Output:
    mark = fence["mark"] if fence["about"] == "output" else ""
    within = _WITHIN.fullmatch(mark or "")
    if mark and not within and not mark.startswith("not compared, "):
        raise ValueError(f"{where}: `output: {mark}` is neither `decimals within N %` nor `not compared, REASON`")
    return Output(
        where,
        fence["code"],
        None if within or not mark else mark.removeprefix("not compared, "),
        int(within[1]) / 100 if within else 0.0,
    )
