"""Lines of text files, plain or compressed."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from elmo_tasks.core.errors import InputError
from elmo_tasks.data.zstd_file import open_zstd


def open_lines(path: Path, origin: str | None = None) -> Iterator[tuple[int, str]]:
    """Numbered lines of a text file, decompressed by its extension (.xz, .gz, .bz2, .zst).

    origin: what messages call it, if not by its path.

    Raises:
        InputError: no such file, not UTF-8 text, or damaged compressed data, with `file:line`.
    """
    try:
        with _open(path) as stream:
            yield from decode_lines(stream, origin or str(path))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None


def decode_lines(stream: IO[bytes], origin: str) -> Iterator[tuple[int, str]]:
    """Numbered lines of UTF-8 bytes. A line ends at a line feed alone: other breaks, such as U+2028, belong to a token.

    Raises:
        InputError: not UTF-8 text, or damaged compressed data, with `origin:line`.
    """
    number = 0
    try:
        for number, raw in enumerate(stream, 1):
            if b"\0" in raw:
                raise InputError(f"{origin}:{number}: expected text, got binary data (a NUL byte)")
            yield number, raw.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{origin}:{number}: expected UTF-8 text, got byte {error.object[error.start]:#x}") from None
    except (lzma.LZMAError, zlib.error, EOFError) as error:
        raise InputError(f"{origin}:{number + 1}: damaged or cut compressed file ({error})") from None
    except OSError as error:  # gzip and bz2 raise a bare one, without a number, for damage
        if error.errno is not None:
            raise
        raise InputError(f"{origin}:{number + 1}: damaged or cut compressed file ({error})") from None


def _open(path: Path) -> IO[bytes]:
    if path.suffix == ".xz":
        return lzma.open(path)
    if path.suffix == ".gz":
        return gzip.open(path)  # type: ignore[return-value]
    if path.suffix == ".bz2":
        return bz2.open(path)
    if path.suffix == ".zst":
        return open_zstd(path)
    return path.open("rb")
