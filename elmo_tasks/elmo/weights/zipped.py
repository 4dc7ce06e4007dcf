"""A zip file as a folder of weights, read where it lies: nothing is unpacked to the disk."""

from __future__ import annotations

import io
import lzma
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

from elmo_tasks.core.errors import InputError

Place = Path | zipfile.Path
"""A file or folder, on the disk or in a zip."""

MOST_BYTES = 8 << 30
MOST_RATIO = 50
_SMALL = 1 << 20  # bytes; a file up to this size may shrink by any ratio


def open_zip(path: Path) -> zipfile.Path:
    """The folder inside a zip that has the files: its root, or the only folder there.

    Raises:
        InputError: no zip or a damaged one, an encrypted file, or more bytes than weights have: over 8 GB in all, or a
            file 50 times as large as what is stored of it.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; check the path")
    try:
        archive = zipfile.ZipFile(path)
        infos = archive.infolist()
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path}: expected a zip file, but it is damaged or cut short ({one_line(error)}); fetch it again"
        ) from None
    if sum(info.file_size for info in infos) > MOST_BYTES:
        raise InputError(f"{path}: more than {MOST_BYTES >> 30} GB when unpacked, which no biLM has; it is not read")
    for info in infos:
        if info.file_size > max(_SMALL, MOST_RATIO * info.compress_size):
            raise InputError(
                f"{path}: {info.filename!r} is {info.file_size:,} bytes from {info.compress_size:,}, which no weights "
                "shrink to; it is not read"
            )
        if info.flag_bits & 1:
            raise InputError(f"{path}: {info.filename!r} is encrypted; unpack the zip and give the folder")
    root = zipfile.Path(archive)
    inside = [place for place in root.iterdir() if place.name != "__MACOSX"]
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else root


def opened(place: Place) -> Path | BinaryIO:
    """What libraries that want a path or an open file can read: the bytes in memory for a file in a zip.

    Raises:
        OSError: as `read_bytes` does; for a damaged zip too.
    """
    return place if isinstance(place, Path) else io.BytesIO(read_bytes(place))


def read_bytes(place: Place) -> bytes:
    """The content of a file. Raises OSError, for a damaged zip too."""
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
        raise OSError(f"the zip is damaged, {one_line(error)}") from None


def one_line(error: Exception) -> str:
    """The text of an error without line breaks."""
    return " ".join(str(error).split())
