"""A text file cut into blocks of sentences, in the same way whoever computes them: a block is a unit of work."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from elmo_tasks.core.errors import InputError
from elmo_tasks.data.lines import open_lines
from elmo_tasks.text.tokens import split_tokens

MOST_TOKENS, MOST_SENTENCES = 8192, 1024


@dataclass(frozen=True)
class SentenceBlock:
    """Consecutive lines of a text, without the blanks around them. An empty line is a sentence without tokens.

    number, first: of the block and of its first line, from 0.
    """

    number: int
    first: int
    lines: tuple[str, ...]

    @property
    def sentences(self) -> list[list[str]]:
        """The tokens of each line."""
        return [list(split_tokens(line)) for line in self.lines]

    @property
    def n_tokens(self) -> int:
        """Of all lines."""
        return sum(len(words) for words in self.sentences)


@dataclass(frozen=True)
class Survey:
    """How much a text has: blocks, lines, tokens, bytes of its lines, and its digest."""

    blocks: int
    sentences: int
    tokens: int
    bytes: int
    digest: str


def cut_blocks(path: Path, origin: str, encoding: str = "utf-8") -> Iterator[SentenceBlock]:
    """The blocks of a text file, in order: at most `MOST_TOKENS` tokens each, unless a single line has more.

    origin: what the file is, for messages.

    Raises:
        InputError: the file cannot be read, or is no text in `encoding` (`file:line`).
    """
    lines: list[str] = []
    number = first = tokens = 0
    for _, line in open_lines(path, origin, encoding):
        count = len(split_tokens(line))
        if lines and (len(lines) == MOST_SENTENCES or tokens + count > MOST_TOKENS):
            yield SentenceBlock(number, first, tuple(lines))
            number, first, tokens = number + 1, first + len(lines), 0
            lines.clear()
        lines.append(line.strip(" \t"))
        tokens += count
    if lines:
        yield SentenceBlock(number, first, tuple(lines))


def survey(path: Path, origin: str, encoding: str = "utf-8") -> Survey:
    """Read a text once, so that a fault in it shows before hours of work. origin: what it is, for messages.

    Raises:
        InputError: it cannot be read, or has no word.
    """
    digest = hashlib.blake2b(digest_size=16)
    blocks = sentences = tokens = size = 0
    for block in cut_blocks(path, origin, encoding):
        text = "".join(line + "\n" for line in block.lines).encode()
        digest.update(text)
        blocks, sentences = blocks + 1, sentences + len(block.lines)
        tokens, size = tokens + block.n_tokens, size + len(text)
    if not tokens:
        raise InputError(f"{origin}: expected a tokenised sentence a line, got no word at all")
    return Survey(blocks, sentences, tokens, size, digest.hexdigest())
