"""Word vectors of every format: values as written, and faults with the line or the byte."""

from __future__ import annotations

import gzip
import hashlib
import json
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from elmo_tasks.core.errors import InputError
from elmo_tasks.embedders.registry import build_inputs
from elmo_tasks.embedders.words import load
from elmo_tasks.embedders.words.load import load_word_vectors
from elmo_tasks.embedders.words.provider import GloveSettings
from elmo_tasks.embedders.words.vectors import StaticEmbedder, WordVectors

FIXTURES = Path(__file__).parent / "fixtures"
GLOVE = "the 1 2 3\ncat -1 0.5 0\n. . 4 5 6\nthe 7 7 7\n"
EXPECTED = [[1, 2, 3], [4, 5, 6], [0, 0, 0], [-1, 0.5, 0]]  # of The, ". .", unknown, cat
WORDS = ["The", ". .", "unknown", "cat"]


def word2vec(rows: Sequence[tuple[str, Sequence[float]]], breaks: str = "\n", count: int | None = None) -> bytes:
    """As word2vec.c writes it (a break behind each vector), or gensim (none)."""
    width = len(rows[0][1]) if rows else 0
    body = b"".join(f"{word} ".encode() + struct.pack(f"<{width}f", *row) + breaks.encode() for word, row in rows)
    return f"{len(rows) if count is None else count} {width}\n".encode() + body


ROWS = [("the", (1, 2, 3)), ("cat", (-1, 0.5, 0)), ("naïve", (7, 8, 9))]


def lookup(path: Path | str, words: Sequence[str] = WORDS) -> list[list[float]]:
    found: list[list[float]] = load_word_vectors(path).lookup(words).tolist()
    return found


def test_text(tmp_path: Path) -> None:
    """Words may hold blanks; the first of two wins; a word is lower-cased if it is not there as it is."""
    (tmp_path / "v.txt").write_text(GLOVE)
    assert lookup(tmp_path / "v.txt") == EXPECTED


def test_text_with_counts_and_carriage_returns(tmp_path: Path) -> None:
    (tmp_path / "v.vec").write_bytes(("4 3\n" + GLOVE.replace("\n", " \n")).replace("\n", "\r\n").encode())
    assert lookup(tmp_path / "v.vec") == EXPECTED


def test_packed_text(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "v.txt.gz", "wt") as file:
        file.write(GLOVE)
    with zipfile.ZipFile(tmp_path / "one.zip", "w") as archive:
        archive.writestr("v.txt", GLOVE)
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("folder/v.txt", GLOVE)
        archive.writestr("w.txt", "the 9\n")
    assert lookup(tmp_path / "v.txt.gz") == lookup(tmp_path / "one.zip") == EXPECTED
    assert lookup(tmp_path / "two.zip" / "folder" / "v.txt") == EXPECTED
    with pytest.raises(InputError, match=r"two.zip: choose one file .*folder/v.txt, w.txt; write it as .*two.zip/FILE"):
        load_word_vectors(tmp_path / "two.zip")
    with pytest.raises(InputError, match=r"choose one file of this archive"):
        load_word_vectors(tmp_path / "two.zip" / "x.txt")


@pytest.mark.parametrize("breaks", ["", "\n"])
def test_word2vec_binary(tmp_path: Path, breaks: str) -> None:
    (tmp_path / "v.bin").write_bytes(word2vec(ROWS, breaks))
    with gzip.open(tmp_path / "v.bin.gz", "wb") as file:
        file.write(word2vec(ROWS, breaks))
    expected = [[1, 2, 3], [0, 0, 0], [0, 0, 0], [-1, 0.5, 0], [7, 8, 9]]
    assert lookup(tmp_path / "v.bin", [*WORDS, "naïve"]) == lookup(tmp_path / "v.bin.gz", [*WORDS, "naïve"]) == expected


def test_word2vec_binary_over_many_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elmo_tasks.embedders.words.word2vec._CHUNK", 7)
    matrix = np.random.default_rng(1).standard_normal((200, 9)).astype(np.float32)
    (tmp_path / "v.bin").write_bytes(word2vec([(f"w{i}", row.tolist()) for i, row in enumerate(matrix)]))
    vectors = load_word_vectors(tmp_path / "v.bin")
    assert torch.equal(vectors.lookup([f"w{i}" for i in range(200)]), torch.from_numpy(matrix))


FASTTEXT = json.loads((FIXTURES / "fasttext.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("kind", FASTTEXT)
def test_fasttext_binary(kind: str) -> None:
    """Models and vectors written by fastText 0.9.2: skip-gram with n-grams of 2 to 3, CBOW with 1 to 2, without
    n-grams, and a classifier with 2 to 3; words of the vocabulary, others, two alphabets, and none at all."""
    vectors = load_word_vectors(FIXTURES / f"fasttext-{kind}.bin")
    expected = torch.tensor(list(FASTTEXT[kind].values()))
    torch.testing.assert_close(vectors.lookup(list(FASTTEXT[kind])), expected, rtol=1e-5, atol=1e-6)


def test_fasttext_lower_cases_before_it_takes_pieces() -> None:
    vectors = load_word_vectors(FIXTURES / "fasttext-subwords.bin")
    assert torch.equal(vectors.lookup(["CAT"]), vectors.lookup(["cat"]))
    assert not torch.equal(vectors.lookup(["CATS"]), vectors.lookup(["cats"]))


def test_fasttext_as_a_source(tmp_path: Path) -> None:
    name = f"glove:{FIXTURES / 'fasttext-subwords.bin'}"
    (source,) = build_inputs([name], {"glove": GloveSettings(trainable=False)})
    (vectors,) = source.prepare([["cat", "Katze"]]).take([0])
    mixed = source.build_module()(vectors[None], torch.ones(1, 2, dtype=torch.bool))  # (1, T, D)
    expected = torch.tensor([FASTTEXT["subwords"]["cat"], FASTTEXT["subwords"]["Katze"]])
    torch.testing.assert_close(mixed[0], expected, rtol=1e-5, atol=1e-6)
    with pytest.raises(
        InputError,
        match="fastText model, which has no table to fine-tune; pass --set glove.trainable=false",
    ):
        build_inputs([name], {"glove": GloveSettings(trainable=True)})


def test_a_table_is_an_embedder_too(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text(GLOVE)
    vectors = load_word_vectors(tmp_path / "v.txt")
    assert isinstance(vectors, WordVectors)
    assert StaticEmbedder(vectors).embed([WORDS, []])[0].tolist() == [EXPECTED]


@pytest.mark.parametrize("line", ["b 1 nan 2", "b 1 inf 2", "b 1 x 2", "b 1 2", "b", ""])
def test_damaged_text(tmp_path: Path, line: str) -> None:
    (tmp_path / "v.txt").write_text(f"a 1 2 3\n{line}\n")
    with pytest.raises(InputError, match=r"v.txt:2: not a word and 3 finite numbers"):
        load_word_vectors(tmp_path / "v.txt")


def test_text_of_other_kinds(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "short.txt").write_text("3 2\na 1 2\n")
    (tmp_path / "latin.txt").write_bytes(b"a 1 2\nna\xefve 1 2\n")
    for name, message in {
        "empty.txt": "the file is empty; expected word vectors",
        "short.txt": "short.txt:1: the header says 3 words, but the file has 1",
        "latin.txt": "latin.txt:2: not UTF-8 .invalid continuation byte in column 3",
        "none.txt": "no such file of word vectors",
        ".": "cannot be read",
    }.items():
        with pytest.raises(InputError, match=message):
            load_word_vectors(tmp_path / name)


def test_cut_archives(tmp_path: Path) -> None:
    whole = gzip.compress(GLOVE.encode() * 50)
    (tmp_path / "v.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="cannot be read as word vectors"):
        load_word_vectors(tmp_path / "v.gz")


def test_damaged_word2vec(tmp_path: Path) -> None:
    path = tmp_path / "v.bin"
    path.write_bytes(word2vec(ROWS)[:-3])
    with pytest.raises(InputError, match=r"v.bin: truncated at byte 37, after 2 of 3 words with 3 numbers each;"):
        load_word_vectors(path)
    path.write_bytes(word2vec(ROWS, count=5))
    with pytest.raises(InputError, match=r"truncated at byte .*, after 3 of 5 words with 3 numbers each"):
        load_word_vectors(path)
    path.write_bytes(word2vec([("the", (1, 2, 3)), ("cat", (1, float("nan"), 3))]))
    with pytest.raises(InputError, match=r"the vector of word 2 at byte 25 contains NaN or infinity"):
        load_word_vectors(path)
    path.write_bytes(word2vec(ROWS, count=10**18))
    with pytest.raises(InputError, match="does not fit into memory"):
        load_word_vectors(path)


MODEL = (FIXTURES / "fasttext-subwords.bin").read_bytes()


@pytest.mark.parametrize("length", [*range(4, len(MODEL) - 250, 37)])
def test_fasttext_cut_anywhere(tmp_path: Path, length: int) -> None:
    """The fixture ends with its output matrix, which is not read."""
    path = tmp_path / "v.bin"
    path.write_bytes(MODEL[:length])
    with pytest.raises(InputError, match=r"v.bin: truncated.* byte .*; download it again"):
        load_word_vectors(path)


def test_fasttext_of_other_kinds(tmp_path: Path) -> None:
    path = tmp_path / "v.bin"
    path.write_bytes(MODEL[:4] + struct.pack("<i", 13) + MODEL[8:])
    with pytest.raises(
        InputError, match=r"version 13 of fastText \(byte 4\) is not supported; use a model of version 11 or 12"
    ):
        load_word_vectors(path)
    path.write_bytes(MODEL[:84] + struct.pack("<q", 5) + MODEL[92:])
    with pytest.raises(InputError, match="not the vocabulary of an uncompressed fastText model"):
        load_word_vectors(path)
    rows = struct.pack("<?2q", False, 37, 3)  # the head of the matrix: 20 words and 17 buckets
    at = MODEL.index(rows)
    path.write_bytes(MODEL[:at] + b"\1" + MODEL[at + 1 :])
    with pytest.raises(InputError, match=r"the fastText model is compressed \(.ftz\); use an uncompressed one"):
        load_word_vectors(path)
    path.write_bytes(MODEL[:at] + struct.pack("<?2q", False, 36, 3) + MODEL[at + 17 :])
    with pytest.raises(
        InputError, match=rf"36 vectors of 3 numbers at byte {at + 1}, but its vocabulary needs 37 of 3"
    ):
        load_word_vectors(path)
    for value in (float("nan"), float("inf"), 3e38):  # the last overflows in a sum of n-grams
        path.write_bytes(MODEL[: at + 17] + struct.pack("<f", value) * 111 + MODEL[at + 17 + 444 :])
        with pytest.raises(InputError, match="the vector of 'cat' contains NaN or infinity"):
            load_word_vectors(path).lookup(["cat"])
    path.write_bytes(gzip.compress(MODEL))
    with pytest.raises(InputError, match="a fastText model must not be compressed; decompress it"):
        load_word_vectors(path)


def test_the_digest_is_of_the_values_however_they_lie_in_memory() -> None:
    """Column by column, for one, as the package of GloVe has them."""
    matrix = torch.arange(6.0).view(2, 3)
    by_column = matrix.t().contiguous().t()
    assert not by_column.is_contiguous()
    found = {WordVectors(["a", "b"], table, "").fingerprint for table in (matrix, by_column)}
    expected = hashlib.blake2b(struct.pack("6f", *range(6)) + b"a\nb", digest_size=16).hexdigest()
    assert found == {expected}


def test_packed_files_that_expand_beyond_measure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "the 1 2 3\n" * 100_000
    (tmp_path / "v.txt.gz").write_bytes(gzip.compress(text.encode()))
    with zipfile.ZipFile(tmp_path / "v.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("v.txt", text)
    for name in ("v.txt.gz", "v.zip"):
        assert lookup(tmp_path / name, ["the"]) == [[1, 2, 3]]
    monkeypatch.setattr(load, "FREE_BYTES", 1 << 16)
    for name in ("v.txt.gz", "v.zip"):
        with pytest.raises(
            InputError, match="expands to more than 200 times its compressed size; decompress it yourself"
        ):
            load_word_vectors(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"9" * 4400 + b" 3\nthe x\n", "v.txt:2: not a word and 1 finite numbers"),
        (b"x" * (1 << 22), "v.txt:1: the line has over 4,194,304 bytes"),
        (b"3 2\n" + b"\0" * (1 << 21), "the word at byte 4 has over 65,536 bytes"),
        (b"9" * 19 + b" 3\n" + b"\0", "does not fit into memory"),
        (b"9" * 2000 + b" 3\n" + b"\0", "does not fit into memory"),
    ],
)
def test_text_and_tables_beyond_limits(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "v.txt").write_bytes(content)
    with pytest.raises(InputError, match=message):
        load_word_vectors(tmp_path / "v.txt")
