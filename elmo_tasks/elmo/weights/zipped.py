"""Read a zip file like a folder of weights, without unpacking it to disk."""

from __future__ import annotations

import io
import lzma
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

from elmo_tasks.core.errors import InputError

Place = Path | zipfile.Path
"""A file or folder, on disk or in a zip."""

MOST_BYTES = 8 << 30
MOST_RATIO = 50
_SMALL = 1 << 20  # bytes; a file up to this size may shrink by any ratio


def open_zip(path: Path) -> zipfile.Path:
    """Find the folder with the files inside a zip: its root, or the only folder there.

    Raises:
        InputError: the file is not a zip, is damaged or encrypted, or expands too much for weights: over 8 GB in total,
            or a file to over 50 times its compressed size.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; check the path")
    try:
        archive = zipfile.ZipFile(path)
        infos = archive.infolist()
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path}: not a zip file, or damaged or truncated ({one_line(error)}); download it again"
        ) from None
    if sum(info.file_size for info in infos) > MOST_BYTES:
        raise InputError(f"{path}: expands to more than {MOST_BYTES >> 30} GB, more than any biLM; it is not read")
    for info in infos:
        if info.file_size > max(_SMALL, MOST_RATIO * info.compress_size):
            raise InputError(
                f"{path}: {info.filename!r} expands from {info.compress_size:,} to {info.file_size:,} bytes, more than "
                "weights can; it is not read"
            )
        if info.flag_bits & 1:
            raise InputError(f"{path}: {info.filename!r} is encrypted; unpack the zip and give the folder")
    root = zipfile.Path(archive)
    inside = [place for place in root.iterdir() if place.name != "__MACOSX"]
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else root


def opened(place: Place) -> Path | BinaryIO:
    """A path, or an open file in memory for a file in a zip, for libraries that accept both.

    Raises:
        OSError: as `read_bytes`, also for a damaged zip.
    """
    return place if isinstance(place, Path) else io.BytesIO(read_bytes(place))


def read_bytes(place: Place) -> bytes:
    """The content of a file. Raises OSError, also for a damaged zip."""
    try:
        return place.read_bytes()
    except (
        zipfile.BadZipFile,
        EOFError,
        NotImplementedError,
        RuntimeError,
        ValueError,
        zlib.error,
        lzma.LZMAError,
    ) as error:
        raise OSError(f"the zip is damaged ({one_line(error)})") from None


def one_line(error: Exception) -> str:
    """The text of an error without line breaks."""
    return " ".join(str(error).split())
