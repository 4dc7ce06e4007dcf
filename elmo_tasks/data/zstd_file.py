"""Reading `.zst`: the frames of a file, one after the other, as a stream of bytes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import IO, Any

from elmo_tasks.core.errors import InputError

_LONGEST_WINDOW = 1 << 31
"""Bytes: the window of `zstd --long=31`; memory is taken only for a file that asks for it."""


def open_zstd(path: Path) -> IO[bytes]:
    """Open a `.zst` file. Reading raises an OSError without a number for damage, EOFError for a cut file.

    Raises:
        InputError: the package `zstandard` is missing.
    """
    try:
        import zstandard
    except ImportError:
        raise InputError(f"{path}: reading .zst files needs zstandard; pip install 'elmo-tasks[zstd]'") from None
    return io.BufferedReader(_Frames(path, zstandard))


class _Frames(io.RawIOBase):
    """zstandard's own stream reader takes a cut file for one that ends there; `decompressobj` tells the two apart."""

    def __init__(self, path: Path, zstandard: Any) -> None:
        self._file = path.open("rb")
        self._error = zstandard.ZstdError
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=_LONGEST_WINDOW)
        self._frame: Any = None  # the frame that is being read; none between two frames
        self._packed, self._text = b"", memoryview(b"")

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as what is decompressed reaches. Returns the bytes; 0 at the end of the last frame."""
        while not self._text:
            self._packed = self._packed or self._file.read(io.DEFAULT_BUFFER_SIZE)
            if not self._packed:
                if self._frame is not None:
                    raise EOFError("the file ends within a frame")
                return 0
            self._frame = self._frame or self._decompressor.decompressobj()
            try:
                self._text = memoryview(self._frame.decompress(self._packed))
            except self._error as error:
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
