"""A file of word vectors by what it holds: text or binary, plain or packed."""

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
from elmo_tasks.embedders.words.glove import packaged_glove
from elmo_tasks.embedders.words.text import read_text_vectors
from elmo_tasks.embedders.words.vectors import WordVectors
from elmo_tasks.embedders.words.word2vec import read_word2vec

_COUNTS = re.compile(rb"\d+ \d+\s*\n")
_SNIFFED = 1 << 12


def load_word_vectors(place: str | Path | None = None) -> WordVectors | FastTextVectors:
    """Word vectors of the package (None), or of a file.

    place: text of GloVe, word2vec or fastText (`.txt`, `.vec`), word2vec's binary format, both also as `.gz` or in a
    `.zip` (`ARCHIVE.zip/MEMBER` where it has several files), or fastText's `.bin`. The content decides, not the name.

    Raises:
        InputError: the package is not installed, or the file is missing or malformed (`file:line` or the byte).
    """
    if place is None:
        return packaged_glove()
    path = Path(place).expanduser()
    try:
        with _opened(path) as stream:
            head = stream.read(_SNIFFED)
            stream.seek(0)
            if head.startswith(MAGIC):
                if not isinstance(stream, io.BufferedReader):
                    raise InputError(f"{path}: expected a fastText model as a plain file, got a packed one; unpack it")
                return FastTextVectors(path)
            return read_word2vec(stream, path) if _is_binary(head) else read_text_vectors(stream, path)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file of word vectors") from None
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: expected a file of word vectors, got one that cannot be read ({error})") from None


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a plain, gzipped or zipped file."""
    archive = next((parent for parent in path.parents if parent.suffix == ".zip" and parent.is_file()), None)
    if archive is not None or zipfile.is_zipfile(path):
        with zipfile.ZipFile(archive or path) as file:
            names = [info.filename for info in file.infolist() if not info.is_dir()]
            wanted = [path.relative_to(archive).as_posix()] if archive else names
            if len(wanted) != 1 or wanted[0] not in names:
                raise InputError(
                    f"{path}: expected one file of this archive, which has {', '.join(names) or 'none'}; "
                    f"name it as {archive or path}/FILE"
                )
            with file.open(wanted[0]) as stream:
                yield stream
        return
    with path.open("rb") as plain:
        gzipped = plain.read(2) == b"\x1f\x8b"
        plain.seek(0)
        if not gzipped:
            yield plain
            return
        with gzip.open(plain) as unpacked:
            yield cast("IO[bytes]", unpacked)


def _is_binary(head: bytes) -> bool:
    """Whether what follows a word2vec header are the bytes of numbers: they hold what text does not."""
    header = _COUNTS.match(head)
    if header is None:
        return False
    body = head[header.end() :]
    try:
        codecs.getincrementaldecoder("utf-8")().decode(body)
    except UnicodeDecodeError:
        return True
    return b"\0" in body
