"""Read the lines of text files, plain or compressed, in any encoding."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import IO

from elmo_tasks.core.errors import InputError, quoted
from elmo_tasks.data.frames import open_xz, open_zstd

COMPRESSED = (".xz", ".gz", ".bz2", ".zst")
LONGEST_LINE = 1 << 24
"""Maximum length of a line in characters."""
FREE_TEXT, MOST_EXPANSION = 1 << 26, 500
"""A compressed file may expand to `FREE_TEXT` characters, or to `MOST_EXPANSION` times its size if that is more."""

_CONVERT = "convert it to UTF-8, or pass --encoding {}"
_UNDECODABLE = re.compile("[\udc80-\udcff]")  # how `surrogateescape` marks undecodable bytes
_UTF16_MARKS = ("\udcff\udcfe", "\udcfe\udcff")


def open_lines(path: Path, origin: str | None = None, encoding: str = "utf-8") -> Iterator[tuple[int, str]]:
    """Yield numbered lines of a text file without line breaks, decompressed by its extension (.xz, .gz, .bz2, .zst).

    origin: the name of the file in messages, if not its path.

    Raises:
        InputError: the file does not exist, is not text in this encoding or has a line of over `LONGEST_LINE`
            characters, or compressed data is damaged or expands too much, with `file:line`.
    """
    return _unbroken(_open_pieces(path, origin or str(path), encoding))


def decode_lines(stream: IO[bytes], origin: str, encoding: str = "utf-8") -> Iterator[tuple[int, str]]:
    """Yield numbered lines of a stream without line breaks, each as soon as it arrives.

    A line ends at a line feed, a carriage return, or both. Other breaks, such as U+2028, are part of a token.

    Raises:
        InputError: as `open_lines`, with `origin:line`.
    """
    return _unbroken(_pieces(stream, origin, encoding))


def open_text(path: Path, encoding: str = "utf-8") -> Iterator[str]:
    """Yield the text of a file in pieces, with its line breaks unchanged; the joined pieces are the text.

    Raises:
        InputError: as `open_lines`.
    """
    return (piece for _, piece in _open_pieces(path, str(path), encoding))


def decode_text(stream: IO[bytes], origin: str, encoding: str = "utf-8") -> Iterator[str]:
    """Yield the text of a stream, like `open_text`. Raises InputError as `open_lines`, with `origin:line`."""
    return (piece for _, piece in _pieces(stream, origin, encoding))


def read_lines(path: Path, encoding: str = "utf-8") -> list[str]:
    """Read all lines of a file of examples, like `open_lines`; the first is line 1.

    Raises:
        InputError: as `open_lines`, or a carriage return inside a line of a file whose lines end in line feeds, which
            would cut an example in two.
    """
    pieces = list(_open_pieces(path, str(path), encoding))
    if any(piece.endswith("\n") for _, piece in pieces):
        for (number, piece), (_, following) in pairwise([*pieces, (0, "")]):
            if piece.endswith("\r") and following != "\r\n":
                raise InputError(
                    f"{path}:{number}: carriage return inside the line {quoted(piece.strip())}; replace it with a space"
                )
    return [line for _, line in _unbroken(iter(pieces))]


def require_regular_file(path: Path, why: str) -> None:
    """Raises InputError for a pipe such as `<(...)`, which can be read only once. why: what reads it more than once."""
    if path.exists() and not path.is_file():
        kind = "folder" if path.is_dir() else "pipe or device"
        raise InputError(f"{path}: is a {kind}, not a regular file, but {why} it more than once; write it to a file")


def _open_pieces(path: Path, origin: str, encoding: str) -> Iterator[tuple[int, str]]:
    try:
        packed = path.stat().st_size if path.suffix in COMPRESSED else None
        with _open(path) as stream:
            yield from _pieces(stream, origin, encoding, packed)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None


def _unbroken(pieces: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Remove line breaks; CR CR LF, left behind by writing in text mode twice, counts as one break."""
    after_return = False
    for number, piece in pieces:
        if piece.endswith("\n"):
            if not (after_return and piece == "\r\n"):
                yield number, piece[: -2 if piece.endswith("\r\n") else -1]
            after_return = False
        else:
            after_return = piece.endswith("\r")
            yield number, piece.removesuffix("\r")


def _pieces(stream: IO[bytes], origin: str, encoding: str, packed: int | None = None) -> Iterator[tuple[int, str]]:
    """Yield numbered lines with their breaks (`\\n`, `\\r\\n` or `\\r`). packed: file size in bytes, if compressed."""
    text = io.TextIOWrapper(stream, _codec(encoding), errors="surrogateescape", newline="")
    number, count, total, after_return = 0, 0, 0, False
    try:
        while piece := text.readline(LONGEST_LINE):
            count += 1
            number += not (after_return and piece == "\r\n")
            after_return = piece.endswith("\r")
            total += len(piece)
            _check_piece(piece, f"{origin}:{number}", encoding, first=count == 1)
            if packed is not None and total > max(FREE_TEXT, MOST_EXPANSION * packed):
                raise InputError(
                    f"{origin}:{number}: the file expands to more than {MOST_EXPANSION} times its compressed size; "
                    "decompress it yourself if you trust it"
                )
            yield number, piece
    except UnicodeError as error:
        raise InputError(f"{origin}:{number + 1}: not {encoding} text ({error})") from None
    except (zlib.error, EOFError) as error:
        raise InputError(f"{origin}:{number + 1}: damaged or truncated compressed file ({error})") from None
    except OSError as error:  # gzip and bz2 raise one without an errno for damaged data
        if error.errno is not None:
            raise
        raise InputError(f"{origin}:{number + 1}: damaged or truncated compressed file ({error})") from None
    finally:
        if not stream.closed:
            text.detach()  # the stream is the caller's to close


def _check_piece(piece: str, source: str, encoding: str, *, first: bool) -> None:
    if len(piece) == LONGEST_LINE and not piece.endswith(("\n", "\r")):
        raise InputError(f"{source}: the line has over {LONGEST_LINE:,} characters; break the text into lines")
    if first and piece.startswith(_UTF16_MARKS):
        raise InputError(f"{source}: the text is UTF-16, not {encoding.upper()}; {_CONVERT.format('utf-16')}")
    if "\0" in piece:
        raise InputError(
            f"{source}: binary data (a NUL byte) instead of text; remove NUL bytes, or if it is UTF-16, "
            f"{_CONVERT.format('utf-16')}"
        )
    if not piece.isascii() and (bad := _UNDECODABLE.search(piece)):
        raise InputError(
            f"{source}: the byte {ord(bad[0]) - 0xDC00:#04x} is not valid {encoding.upper()}; if the text is "
            f"Latin-1, {_CONVERT.format('latin-1')}"
        )


def _codec(encoding: str) -> str:
    """Python's name of an encoding. Raises InputError for an unknown encoding or one that is not for text."""
    try:
        known = codecs.lookup(encoding)
        "".encode(encoding)
    except (LookupError, ValueError):
        raise InputError(
            f"--encoding: unknown encoding {encoding!r}; use a name such as utf-8, utf-16, latin-1 or cp1252"
        ) from None
    return "utf-8-sig" if known.name == "utf-8" else known.name


def _open(path: Path) -> IO[bytes]:
    if path.suffix == ".xz":
        return open_xz(path)
    if path.suffix == ".gz":
        return gzip.open(path)  # type: ignore[return-value]
    if path.suffix == ".bz2":
        return bz2.open(path)
    if path.suffix == ".zst":
        return open_zstd(path)
    return path.open("rb")
