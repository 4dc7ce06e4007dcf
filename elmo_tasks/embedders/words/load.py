"""Load a file of word vectors, detecting its format: text or binary, plain or compressed."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from elmo_tasks.core.errors import InputError
from elmo_tasks.embedders.words.fasttext import MAGIC, FastTextVectors
from elmo_tasks.embedders.words.glove import SMALL, packaged_glove, small_glove
from elmo_tasks.embedders.words.text import read_text_vectors
from elmo_tasks.embedders.words.vectors import WordVectors
from elmo_tasks.embedders.words.word2vec import read_word2vec

_COUNTS = re.compile(rb"\d+ \d+\s*\n")
_SNIFFED = 1 << 12
FREE_BYTES, MOST_EXPANSION = 1 << 26, 200
"""A compressed file may expand to `FREE_BYTES`, or to `MOST_EXPANSION` times its size if that is more."""


def load_word_vectors(place: str | Path | None = None) -> WordVectors | FastTextVectors:
    """Load GloVe from its package (None), its most frequent words from ours (`small`), or a file of word vectors.

    place: text of GloVe, word2vec or fastText (`.txt`, `.vec`), word2vec's binary format, both also as `.gz` or in a
    `.zip` (`ARCHIVE.zip/MEMBER` if it has several files), or fastText's `.bin`. The format is detected by the content.

    Raises:
        InputError: the package is not installed, or the file is missing or malformed (`file:line` or the byte).
    """
    if place is None:
        return packaged_glove()
    if str(place) == SMALL:
        return small_glove()
    path = Path(place).expanduser()
    try:
        with _opened(path) as stream:
            head = stream.read(_SNIFFED)
            stream.seek(0)
            if head.startswith(MAGIC):
                if isinstance(stream, _Unpacked):
                    raise InputError(f"{path}: a fastText model must not be compressed; decompress it")
                return FastTextVectors(path)
            return read_word2vec(stream, path) if _is_binary(head) else read_text_vectors(stream, path)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file of word vectors") from None
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise InputError(f"{path}: cannot be read as word vectors ({error})") from None


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a plain, gzipped or zipped file."""
    archive = next((parent for parent in path.parents if parent.suffix == ".zip" and parent.is_file()), None)
    if archive is not None or zipfile.is_zipfile(path):
        with zipfile.ZipFile(archive or path) as file:
            names = [info.filename for info in file.infolist() if not info.is_dir()]
            wanted = [path.relative_to(archive).as_posix()] if archive else names
            if len(wanted) != 1 or wanted[0] not in names:
                raise InputError(
                    f"{path}: choose one file of this archive, which has {', '.join(names) or 'none'}; write it as "
                    f"{archive or path}/FILE"
                )
            with file.open(wanted[0]) as stream:
                yield _Unpacked(stream, path, file.getinfo(wanted[0]).compress_size)
        return
    with path.open("rb") as plain:
        gzipped = plain.read(2) == b"\x1f\x8b"
        plain.seek(0)
        if not gzipped:
            yield plain
            return
        with gzip.open(plain) as unpacked:
            yield _Unpacked(cast("IO[bytes]", unpacked), path, path.stat().st_size)


class _Unpacked(io.BufferedReader):
    """The content of a compressed file of `packed` bytes, limited in size."""

    def __init__(self, stream: IO[bytes], path: Path, packed: int) -> None:
        super().__init__(_Measured(stream, path, max(FREE_BYTES, MOST_EXPANSION * packed)))


class _Measured(io.RawIOBase):
    """The bytes of a stream, limited in number."""

    def __init__(self, stream: IO[bytes], path: Path, most: int) -> None:
        self._stream, self._path, self._most, self._count = stream, path, most, 0

    def readable(self) -> bool:
        """Always True."""
        return True

    def seekable(self) -> bool:
        """Always True."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill the buffer. Raises InputError beyond the limit."""
        content = self._stream.read(len(buffer))
        self._count += len(content)
        if self._count > self._most:
            raise InputError(
                f"{self._path}: the file expands to more than {MOST_EXPANSION} times its compressed size; decompress "
                "it yourself if you trust it"
            )
        buffer[: len(content)] = content
        return len(content)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Like the method of a file; returning to the beginning resets the count."""
        self._count = self._stream.seek(offset, whence)
        return self._count


def _is_binary(head: bytes) -> bool:
    """Whether binary numbers follow a word2vec header: they contain bytes that text does not."""
    header = _COUNTS.match(head)
    if header is None:
        return False
    body = head[header.end() :]
    try:
        codecs.getincrementaldecoder("utf-8")().decode(body)
    except UnicodeDecodeError:
        return True
    return b"\0" in body
