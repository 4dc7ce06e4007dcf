"""The pre-training corpus, and its windows against a plain walk over the shuffled sentences."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
import sys
from pathlib import Path

import numpy as np
import pytest
import zstandard

from elmo_tasks.core.errors import InputError
from elmo_tasks.data.lines import open_lines
from elmo_tasks.pretraining.corpus import SPECIALS, Corpus, encode_corpus, open_corpus
from elmo_tasks.pretraining.windows import BEGIN, END, UNKNOWN, Windows, classes_of

TEXT = "the cat sat\nthe dog\na b c d e f g\nthe\n\nthe cat <UNK> x\n"


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    (tmp_path / "text.txt").write_text(TEXT)
    return encode_corpus([tmp_path / "text.txt"], tmp_path / "encoded")


def first_six(corpus: Corpus) -> np.ndarray:
    return classes_of(corpus.words, {word: number for number, word in enumerate(corpus.words[:6])})


def spelled(corpus: Corpus) -> list[list[str]]:
    starts = [0, *corpus.ends[:-1]]
    return [[corpus.words[i] for i in corpus.ids[a:b]] for a, b in zip(starts, corpus.ends, strict=True)]


def test_encoding_keeps_the_text(corpus: Corpus) -> None:
    assert spelled(corpus) == [line.split() for line in TEXT.splitlines() if line]
    assert corpus.words[:5] == (*SPECIALS, "the", "cat")
    assert corpus.counts[:5].tolist() == [0, 0, 1, 4, 2]
    assert (np.diff(corpus.counts[3:]) <= 0).all()
    assert (corpus.n_tokens, corpus.n_sentences) == (17, 5)


def random_text(seed: int) -> bytes:
    """Words that do not compress well, so that a cut archive is cut within its data."""
    return " ".join(random.Random(seed).choices("abcdefgh", k=1000)).encode()


def test_a_byte_order_mark_is_no_part_of_the_first_word(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_bytes(b"\xef\xbb\xbfone two\n\xef\xbb\xbfthree\n")
    words = encode_corpus([tmp_path / "t.txt"], tmp_path / "encoded").words
    assert "one" in words and "\ufeffthree" in words  # within a file the character is text


def test_a_folder_is_no_corpus_file(tmp_path: Path) -> None:
    (tmp_path / "t.txt").mkdir()
    with pytest.raises(InputError, match=r"t.txt: cannot be read \(Is a directory\)"):
        encode_corpus([tmp_path / "t.txt"], tmp_path / "encoded")


def test_compressed_shards_are_one_text(tmp_path: Path, corpus: Corpus) -> None:
    half = TEXT.index("a b")
    (tmp_path / "1.gz").write_bytes(gzip.compress(TEXT[:half].encode()))
    (tmp_path / "2.xz").write_bytes(lzma.compress(TEXT[half:].encode()))
    again = encode_corpus([tmp_path / "1.gz", tmp_path / "2.xz"], tmp_path / "again")
    assert (again.digest, again.words) == (corpus.digest, corpus.words)


def test_zstd_frames_are_one_text(tmp_path: Path, corpus: Corpus) -> None:
    half = TEXT.index("b c")
    skipped = b"\x50\x2a\x4d\x18\x03\0\0\0abc"  # a skippable frame of 3 bytes, as pzstd writes them
    parts = (zstandard.compress(TEXT[:half].encode()), skipped, zstandard.compress(TEXT[half:].encode()))
    (tmp_path / "whole.zst").write_bytes(zstandard.compress(TEXT.encode()))
    (tmp_path / "frames.zst").write_bytes(b"".join(parts))
    for name in ("whole", "frames"):
        again = encode_corpus([tmp_path / f"{name}.zst"], tmp_path / name)
        assert (again.digest, again.words) == (corpus.digest, corpus.words)


def test_without_zstandard_a_zst_text_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "t.zst").write_bytes(zstandard.compress(b"a b"))
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(
        InputError, match=r"t.zst: .zst files need the package zstandard; pip install 'elmo-tasks\[zstd\]'"
    ):
        next(iter(open_lines(tmp_path / "t.zst")))


def test_a_long_zstd_text_is_read_whole(tmp_path: Path) -> None:
    lines = [" ".join(random.Random(seed).choices("abcdefgh", k=50)) for seed in range(4000)]
    data = "\n".join(lines).encode()
    (tmp_path / "t.zst").write_bytes(zstandard.compress(data[:150_001]) + zstandard.compress(data[150_001:]))
    assert [line.rstrip("\n") for _, line in open_lines(tmp_path / "t.zst")] == lines


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("t.txt", b"", "no words in this text"),
        (
            "t.txt",
            b"a\nb\0c\n",
            r"t.txt:2: binary data .a NUL byte. instead of text; remove NUL bytes, or if it is UTF",
        ),
        ("t.xz", lzma.compress(b"a\n\0 b\n"), r"t.xz:2: binary data .a NUL byte. instead of text; remove NUL bytes"),
        ("t.txt", b"a\n\xff\n", r"t.txt:2: the byte 0xff is not valid UTF-8"),
        (
            "t.txt",
            b"a " * 10000,
            r"t.txt:1: the line has 10000 words, but one sentence per line with at most 2000 words",
        ),
        ("t.xz", lzma.compress(b"a\n" * 100000)[:60], "damaged or truncated compressed file"),
        ("t.xz", b"no archive", "damaged or truncated compressed file"),
        ("t.gz", gzip.compress(b"a\n" * 100000, mtime=0)[:60], "damaged or truncated compressed file"),
        ("t.gz", b"no archive", "damaged or truncated compressed file"),
        ("t.gz", gzip.compress(random_text(1), mtime=0)[:40] + b"\xff" * 40, "damaged or truncated compressed file"),
        ("t.bz2", b"no archive", "damaged or truncated compressed file"),
        ("t.bz2", bz2.compress(random_text(1))[:60], "damaged or truncated compressed file"),
        ("t.zst", b"no archive", r"t.zst:1: damaged or truncated compressed file"),
        (
            "t.zst",
            zstandard.compress(random_text(1))[:60],
            "damaged or truncated compressed file .the file ends within a fr",
        ),
        ("t.zst", zstandard.compress(b"a\n") + zstandard.compress(random_text(1))[:60], "ends within a frame"),
        ("t.zst", zstandard.compress(b"a\n") + b"no archive", "damaged or truncated compressed file"),
    ],
)
def test_damaged_corpora(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=message):
        encode_corpus([tmp_path / name], tmp_path / "encoded")
    assert not list(tmp_path.glob("*encoded*"))


@pytest.mark.parametrize(("streams", "steps"), [(1, 4), (2, 3), (3, 5)])
def test_windows_walk_over_the_shuffled_sentences(corpus: Corpus, streams: int, steps: int) -> None:
    windows = Windows(corpus, classes=first_six(corpus), streams=streams, steps=steps, seed=5)
    sentences = spelled(corpus)
    numbers = {word: number for number, word in enumerate(corpus.words)}
    for epoch in (0, 1):
        line = []
        for index in np.random.default_rng([5, epoch]).permutation(len(sentences)):
            ids = [numbers[word] for word in sentences[index]]
            ahead, behind = [BEGIN, *ids, END], [END, *reversed(ids), BEGIN]
            line += list(zip(ahead, behind, ahead[1:], behind[1:], strict=False))
        length = len(line) // streams
        for number in range(windows.per_epoch):
            window = windows.window(epoch * windows.per_epoch + number)
            for stream in range(streams):
                for step in range(steps):
                    expected = line[stream * length + number * steps + step]
                    assert window.words[:, step, stream].tolist() == list(expected[:2])
                    targets = [UNKNOWN if word >= 6 else word for word in expected[2:]]
                    assert window.classes[:, step, stream].tolist() == targets


def test_a_part_of_the_streams_is_part_of_the_window(corpus: Corpus) -> None:
    windows = Windows(corpus, classes=first_six(corpus), streams=4, steps=3, seed=5)
    whole, part = windows.window(0), windows.window(0, slice(1, None, 2))
    assert (part.words == whole.words[:, :, 1::2]).all()


@pytest.mark.parametrize("name", ["words.txt", "counts.npy", "ids.npy", "ends.npy", "corpus.json"])
def test_a_damaged_encoded_corpus_is_not_trained_on(tmp_path: Path, name: str) -> None:
    """If any byte is changed, opening fails, and encoding the same text again repairs it."""
    (tmp_path / "t.txt").write_text(TEXT)
    folder = tmp_path / "encoded"
    whole = encode_corpus([tmp_path / "t.txt"], folder)
    ids = whole.ids.tolist()  # before the file is changed, which is mapped
    content, draw = (folder / name).read_bytes(), random.Random(name)
    for number in range(30):
        changed = bytearray(content)
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
        damaged = bytes(changed) if number else content[: len(content) // 2]
        (folder / name).write_bytes(damaged)
        with pytest.raises(InputError, match="damaged") as refusal:
            open_corpus(folder)
        assert "\n" not in str(refusal.value)
        again = encode_corpus([tmp_path / "t.txt"], folder)
        assert (again.digest, again.words, again.ids.tolist()) == (whole.digest, whole.words, ids)
        content = (folder / name).read_bytes()
    (folder / name).unlink()
    assert encode_corpus([tmp_path / "t.txt"], folder).digest == whole.digest
