"""Read `.zst` and `.xz` files: all frames of a file as one stream of bytes, in bounded memory."""

from __future__ import annotations

import io
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import IO, Protocol

from elmo_tasks.core.errors import InputError

LARGEST_WINDOW = 1 << 30
"""The largest window in bytes that a `.zst` or `.xz` file may ask for: 1 GiB, as with `zstd --long=30`."""


class _Frame(Protocol):
    """A decompressor of one frame, as in the standard library and in zstandard."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, /) -> bytes: ...


def open_zstd(path: Path) -> IO[bytes]:
    """Open a `.zst` file. Reading raises OSError without an errno if it is damaged, EOFError if it is truncated.

    Raises:
        InputError: the package `zstandard` is not installed.
    """
    try:
        import zstandard
    except ImportError:
        raise InputError(f"{path}: .zst files need the package zstandard; pip install 'elmo-tasks[zstd]'") from None
    # zstandard's own stream reader does not notice a truncated file; `decompressobj` does.
    decompressor = zstandard.ZstdDecompressor(max_window_size=LARGEST_WINDOW)
    return io.BufferedReader(_Frames(path, decompressor.decompressobj, zstandard.ZstdError, "too much memory"))


def open_xz(path: Path) -> IO[bytes]:
    """Open an `.xz` file. Reading raises the same errors as with `open_zstd`."""
    # `lzma.open` uses as much memory as a file asks for, up to 4 GiB.
    limit = LARGEST_WINDOW + (1 << 24)
    return io.BufferedReader(
        _Frames(path, lambda: lzma.LZMADecompressor(memlimit=limit), lzma.LZMAError, "usage limit", padding=b"\0")
    )


class _Frames(io.RawIOBase):
    """The decompressed bytes of all frames.

    begin: makes a decompressor for one frame; error: what that raises; large: a part of its message for a window above
    the limit; padding: bytes allowed between frames.
    """

    def __init__(
        self, path: Path, begin: Callable[[], _Frame], error: type[Exception], large: str, padding: bytes = b""
    ) -> None:
        self._file = path.open("rb")
        self._begin, self._error, self._large, self._padding = begin, error, large, padding
        self._frame: _Frame | None = None  # the frame being read; None between frames
        self._packed, self._text = b"", memoryview(b"")

    def readable(self) -> bool:
        """Always True."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill the buffer with decompressed bytes. Returns how many were written; 0 after the last frame."""
        while not self._text:
            self._packed = self._packed or self._file.read(io.DEFAULT_BUFFER_SIZE)
            if self._frame is None and self._packed:
                self._packed = self._packed.lstrip(self._padding) if self._padding else self._packed
                if not self._packed:
                    continue
                self._frame = self._begin()
            if self._frame is None:
                return 0
            if not self._packed:
                raise EOFError("the file ends within a frame")
            try:
                self._text = memoryview(self._frame.decompress(self._packed))
            except self._error as error:
                if self._large in str(error):
                    raise InputError(
                        f"{self._file.name}: needs more than {LARGEST_WINDOW >> 20:,} MiB of memory to decompress; "
                        "compress it again with a smaller window"
                    ) from None
                raise OSError(str(error)) from None
            self._packed = self._frame.unused_data
            if self._frame.eof:
                self._frame = None
        count = min(len(buffer), len(self._text))
        buffer[:count], self._text = self._text[:count], self._text[count:]
        return count

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()
