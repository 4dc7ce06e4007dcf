"""Split a text file into blocks of sentences, the units of work, always in the same way."""

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
    """Consecutive lines of a text, without surrounding spaces. An empty line is a sentence without tokens.

    number, first: the number of the block and that of its first line, from 0.
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
        """The number of tokens in all lines."""
        return sum(len(words) for words in self.sentences)


@dataclass(frozen=True)
class Survey:
    """The size of a text: blocks, lines, tokens and bytes of its lines, and its digest."""

    blocks: int
    sentences: int
    tokens: int
    bytes: int
    digest: str


def cut_blocks(path: Path, origin: str, encoding: str = "utf-8") -> Iterator[SentenceBlock]:
    """Yield the blocks of a text file, in order: at most `MOST_TOKENS` tokens each, unless a single line has more.

    origin: the name of the file in messages.

    Raises:
        InputError: the file cannot be read or is not text in `encoding` (`file:line`).
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
    """Read a text once, so that errors in it show before hours of work. origin: the name of the file in messages.

    Raises:
        InputError: the file cannot be read, or has no words.
    """
    digest = hashlib.blake2b(digest_size=16)
    blocks = sentences = tokens = size = 0
    for block in cut_blocks(path, origin, encoding):
        text = "".join(line + "\n" for line in block.lines).encode()
        digest.update(text)
        blocks, sentences = blocks + 1, sentences + len(block.lines)
        tokens, size = tokens + block.n_tokens, size + len(text)
    if not tokens:
        raise InputError(f"{origin}: the text has no words; expected one tokenised sentence per line")
    return Survey(blocks, sentences, tokens, size, digest.hexdigest())
