"""Lines of files: their ends, their encodings, compressed and hostile ones."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import threading
import zlib
from pathlib import Path

import pytest

from elmo_tasks.cli import main
from elmo_tasks.core.errors import InputError
from elmo_tasks.data import lines
from elmo_tasks.data.lines import decode_lines, open_lines, read_lines

END = ("\n", "\r\n", "\r", "\r\r\n")


@pytest.mark.parametrize("end", END)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1"])
def test_ends_and_encodings(tmp_path: Path, end: str, encoding: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(f"á{end}{end}b\u0085c{end}".encode(encoding))
    expected = ["á", "", "b\u0085c"]
    assert list(open_lines(path, encoding=encoding)) == list(enumerate(expected, 1))
    assert read_lines(path, encoding) == expected


def test_a_line_arrives_before_the_next_is_written() -> None:
    """As a person types it, or a program that waits for each answer."""
    reading, writing = os.pipe()
    with open(reading, "rb") as source, open(writing, "wb", buffering=0) as sink:  # noqa: PTH123 (descriptors)
        found = decode_lines(source, "stdin")
        for number, line in enumerate(("one", "two"), 1):
            sink.write(line.encode() + b"\n")
            assert next(found) == (number, line)


def test_a_stream_stays_open() -> None:
    stream = io.BytesIO(b"a\n")
    assert list(decode_lines(stream, "stdin")) == [(1, "a")]
    assert not stream.closed


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a\nb\xffc\n", r"a.txt:2: the byte 0xff is not valid UTF-8; .*--encoding latin-1"),
        (b"a\n\xed\xa0\xbd\n", r"a.txt:2: the byte 0xed is not valid UTF-8"),
        (b"a\rb\r\xc3", r"a.txt:3: the byte 0xc3 is not valid UTF-8"),
        (b"a\nb\0\n", r"a.txt:2: .*NUL byte"),
        ("a\n".encode("utf-16"), r"a.txt:1: the text is UTF-16"),
    ],
)
def test_what_is_not_text(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(data)
    with pytest.raises(InputError, match=message):
        list(open_lines(path))


def test_a_very_long_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LONGEST_LINE", 1000)
    path = tmp_path / "a.txt"
    path.write_text("a\n" + "b" * 998 + "\n")
    assert len(list(open_lines(path))) == 2
    path.write_text("a\n" + "b" * 1001 + "\n")
    with pytest.raises(InputError, match=r"a.txt:2: the line has over 1,000 characters"):
        list(open_lines(path))


@pytest.mark.parametrize("ending", ["gz", "xz", "bz2", "zst"])
def test_a_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    """A few kilobytes that expand a thousandfold and more; below `FREE_TEXT` anything may."""
    zstandard = pytest.importorskip("zstandard")
    pack = {"gz": gzip.compress, "xz": lzma.compress, "bz2": bz2.compress, "zst": zstandard.compress}[ending]
    path = tmp_path / f"a.txt.{ending}"
    path.write_bytes(pack(b"a a\n" * 1_000_000))
    assert sum(1 for _ in open_lines(path)) == 1_000_000
    monkeypatch.setattr(lines, "FREE_TEXT", 1 << 20)
    with pytest.raises(
        InputError, match=r"a.txt.*expands to more than 500 times its compressed size; decompress it yourself"
    ):
        list(open_lines(path))


def test_a_window_of_gigabytes(tmp_path: Path) -> None:
    """Sizes in the headers are checked before any memory is allocated."""
    zstandard = pytest.importorskip("zstandard")
    packed = bytearray(lzma.compress(b"a a\n", check=lzma.CHECK_NONE, filters=[{"id": lzma.FILTER_LZMA2}]))
    packed[packed.index(b"\x21\x01") + 2] = 40  # a dictionary of 4 GiB
    packed[20:24] = zlib.crc32(packed[12:20]).to_bytes(4, "little")
    (tmp_path / "a.xz").write_bytes(packed)
    parameters = zstandard.ZstdCompressionParameters(window_log=31, enable_ldm=True)
    frame = zstandard.ZstdCompressor(compression_params=parameters).compressobj(size=1 << 32)
    (tmp_path / "a.zst").write_bytes(frame.compress(b"a a\n") + frame.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK))
    for name in ("a.xz", "a.zst"):
        with pytest.raises(
            InputError, match="needs more than 1,024 MiB of memory to decompress; compress it again"
        ) as refusal:
            list(open_lines(tmp_path / name))
        assert str(tmp_path / name) in str(refusal.value)


def test_xz_streams_are_one_text(tmp_path: Path) -> None:
    text = "".join(f"{number} b\n" for number in range(5000)).encode()
    path = tmp_path / "a.xz"
    path.write_bytes(lzma.compress(text[:7]) + b"\0" * 8 + lzma.compress(text[7:]) + b"\0" * 4)
    assert [line for _, line in open_lines(path)] == text.decode().splitlines()
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="damaged or truncated compressed file"):
        list(open_lines(path))


@pytest.mark.parametrize(
    "argv",
    [
        ["similar", "bark", "--in", "TEXT"],
        ["pretrain", "--config", "pretrain/small.yaml", "--corpus", "TEXT", "--output", "OUT"],
        ["pretrain", "--config", "pretrain/small.yaml", "--corpus", "GOOD", "--output", "OUT", "--heldout", "TEXT"],
    ],
)
def test_a_pipe_that_would_be_read_twice_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], argv: list[str]
) -> None:
    pipe, good, out = tmp_path / "pipe", tmp_path / "good.txt", tmp_path / "out"
    os.mkfifo(pipe)
    good.write_text("the dog barked\n")
    places = {"TEXT": str(pipe), "OUT": str(out), "GOOD": str(good)}
    done: list[int] = []
    worker = threading.Thread(target=lambda: done.append(main([places.get(part, part) for part in argv])), daemon=True)
    worker.start()
    worker.join(60)
    assert done == [2]
    assert "not a regular file" in capsys.readouterr().err and not list(tmp_path.glob("out*"))
