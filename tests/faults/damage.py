"""Damage to the bytes of a file: one to three kinds, drawn with a seed."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable

NASTY = (
    *(b"\0", b"\r", b"\r\n", b"\n\n\n", b"\t", b" \t ", b"\xc2\xa0", b"\xe2\x80\xa8", b"\xef\xbb\xbf"),
    *(b"\xed\xa0\xbd", b"\xff\xfe", b"\x1b[31mred\x1b[0m", b"[red]markup[/red]", b"\xf0\x9f\x98\x80"),
    *(b"'", b'"', b"|", b"<b>", b"{}", b"[]", b"(", b")", b"*", b"(A0*", b"- ", b"# comment", b",", b";", b":"),
    *(b"O", b"B-", b"I-X", b"null", b"NaN", b"-1", b"1e999", b"\\ud83d", b"&a [*a]"),
    *(b"9" * 5000, b"x" * 70_000, b"[" * 2000, b'{"a":' * 500, b"!!python/object/apply:os.system [echo]"),
)


def damage(content: bytes, draw: random.Random, *, text: bool) -> bytes:
    """Apply one to three randomly drawn kinds of damage to the content of a file."""
    for _ in range(draw.randint(1, 3)):
        content = draw.choice(TEXT_DAMAGE if text else BINARY_DAMAGE)(content, draw)
    return content


def _flip(content: bytes, draw: random.Random) -> bytes:
    if not content:
        return b"\x80"
    changed = bytearray(content)
    for _ in range(draw.randint(1, 4)):
        changed[draw.randrange(len(changed))] = draw.randrange(256)
    return bytes(changed)


def _cut(content: bytes, draw: random.Random) -> bytes:
    return content[: draw.randrange(len(content) + 1)]


def _head_lost(content: bytes, draw: random.Random) -> bytes:
    return content[draw.randrange(len(content) + 1) :]


def _insert(content: bytes, draw: random.Random) -> bytes:
    place = draw.randrange(len(content) + 1)
    return content[:place] + draw.choice(NASTY) + content[place:]


def _lines(content: bytes, draw: random.Random) -> bytes:
    lines = content.split(b"\n")
    first, second = draw.randrange(len(lines)), draw.randrange(len(lines))
    kind = draw.randrange(3)
    if kind == 0:
        lines[first], lines[second] = lines[second], lines[first]
    elif kind == 1:
        del lines[first]
    else:
        lines.insert(first, lines[second])
    return b"\n".join(lines)


def _field(content: bytes, draw: random.Random) -> bytes:
    """Drop, repeat or replace one word of one line (words are separated by spaces)."""
    lines = content.split(b"\n")
    number = draw.randrange(len(lines))
    words = lines[number].split(b" ")
    place = draw.randrange(len(words))
    words[place : place + 1] = draw.choice(([], [words[place]] * 2, [draw.choice(NASTY)], [b""]))
    lines[number] = b" ".join(words)
    return b"\n".join(lines)


def _recode(content: bytes, draw: random.Random) -> bytes:
    text = content.decode("utf-8", "replace")
    encoding = draw.choice(("utf-16", "utf-16-le", "utf-8-sig", "utf-32", "cp1252", "latin-1"))
    return (text + draw.choice(("", "é", "€"))).encode(encoding, "replace")


OTHERS = (
    *(b"", b"\n", b"   \n\n", b"{}", b"[]", b"null", b'{"text": 3, "label": null}\n', b"a,b,c\n1,2,3\n"),
    *(b"1\tDie\tO\tO\n2\tKatze\tB-X\tO\n", b"- - -\n", b"---\n...\n"),
    *(b"\x89PNG\r\n\x1a\n", b"\x80\x04\x95", b"PK\x03\x04", gzip.compress(b"The dog barked .\n")),
)


def _other_format(content: bytes, draw: random.Random) -> bytes:
    return draw.choice(OTHERS)


def _doubled(content: bytes, draw: random.Random) -> bytes:
    return content + content


BINARY_DAMAGE: tuple[Callable[[bytes, random.Random], bytes], ...] = (_flip, _cut, _head_lost, _insert, _doubled)
TEXT_DAMAGE = (*BINARY_DAMAGE, _lines, _lines, _field, _field, _insert, _recode, _other_format)
