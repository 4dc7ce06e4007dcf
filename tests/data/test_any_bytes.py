"""Whatever the bytes, a reader gives examples or one line that says what is wrong and where."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from elmo_tasks.analysis.occurrences import occurrences_in
from elmo_tasks.core.errors import InputError
from elmo_tasks.corpus_vectors.sentence_block import cut_blocks
from elmo_tasks.data.conll import read_conll, read_tokens
from elmo_tasks.data.label_map import LabelMap
from elmo_tasks.data.labelled import read_labelled
from elmo_tasks.data.marked import read_input, read_marked
from elmo_tasks.data.senses import read_occurrences
from elmo_tasks.data.srl import read_srl
from elmo_tasks.data.tagged import read_tagged
from elmo_tasks.pretraining.corpus import read_sentences

READERS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "conll": (read_conll, "a.txt"),
    "conll, columns chosen": (lambda path: read_conll(path, columns={"token": "1", "tag": "2"}), "a.txt"),
    "tokens": (read_tokens, "a.txt"),
    "labelled": (read_labelled, "a.txt"),
    "csv": (read_labelled, "a.csv"),
    "csv, columns chosen": (lambda path: read_labelled(path, columns={"label": "1", "text": "2"}), "a.csv"),
    "json": (read_labelled, "a.jsonl"),
    "gzip": (read_labelled, "a.gz"),
    "xz": (read_labelled, "a.xz"),
    "bz2": (read_labelled, "a.bz2"),
    "zst": (read_labelled, "a.zst"),
    "srl": (read_srl, "a.txt"),
    "tagged": (read_tagged, "a.txt"),
    "tagged, a column chosen": (lambda path: read_tagged(path, columns={"tag": "NER"}), "a.txt"),
    "entities, a key chosen": (lambda path: read_conll(path, columns={"tag": "NER"}), "a.txt"),
    "labels mapped": (lambda path: read_labelled(path, map_labels=LabelMap("1=a,*=drop")), "a.txt"),
    "senses": (read_occurrences, "a.jsonl"),
    "utf-16": (lambda path: read_conll(path, encoding="utf-16"), "a.txt"),
    "gb18030": (lambda path: read_labelled(path, encoding="gb18030"), "a.txt"),
    "utf-7": (lambda path: read_labelled(path, encoding="utf-7"), "a.txt"),
    "iso2022-jp": (lambda path: read_conll(path, encoding="iso2022_jp"), "a.txt"),
    "utf-32": (lambda path: read_conll(path, encoding="utf-32"), "a.txt"),
    "sentences": (lambda path: list(read_sentences(path)), "a.txt"),
    "blocks": (lambda path: [block.sentences for block in cut_blocks(path, "a.txt")], "a.txt"),
    "occurrences": (lambda path: list(occurrences_in(path, None)), "a.txt"),
}

# Pieces of all formats, so that more than the first line of a reader is reached.
PIECES = [
    *("\n", "\n\n", "\r\n", "\r", " ", "\t", "\ufeff", "\u00a0", "\u2028", "\0", '"', ",", ";", "#", "# id = 1\n"),
    *("O", "B-X", "I-X", "E-X", "S-X", "X", "X-B", "B-", "-", "_", "-DOCSTART-", "1", "2", "3-4", "0"),
    *("*", "(V*)", "(A0*", "*)", "(A1(A2*)", "#begin document (x); part 000\n", "a", "word", "New Bremen"),
    *(
        "# global.columns = ID FORM UPOS MISC UP:PRED UP:ARGSPANS\n",
        "1\ta\tX\tNER=B-X\tv.01\tA0:2-2|A1:3-3\n",
        "a_X b_Y\n",
    ),
    *(
        "2\ta b\tX\tNER=I-X|K=v\t_\t_\n",
        "3\t\t_\t_\t_\t_\n",
        "1\ta\ta\tX\tX\t_\t0\troot\t_\tNER=B-X\n",
        "1-2\t_",
        "a/X",
    ),
    *("{", "}", "[", "]", ":", '{"label": 1, "text": "a b"}\n', '"label"', '"text"', '"tokens"', "\\ud83d", "\\u0000"),
    *("(3 (2 a) (2 b))\n", "(3", ")", "label\ttext\n", "text,label\n", "pos\ta b\n", "1e999", "9" * 5000, "[" * 2000),
    *('{"tokens": ["a"], "index": 0, "lemma": "a", "sense": "b"}\n', "null", "true", "NaN", "-0.0"),
]
BYTES = st.one_of(
    st.binary(max_size=200),
    st.lists(st.sampled_from(PIECES), max_size=30).map("".join).map(str.encode),
    st.lists(st.one_of(st.sampled_from(PIECES).map(str.encode), st.binary(max_size=3)), max_size=30).map(b"".join),
)
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "a.gz": gzip.compress,
    "a.xz": lzma.compress,
    "a.bz2": bz2.compress,
    "a.zst": zstandard.compress,
}


def check(found: Any) -> None:
    """Examples have tokens that every file of ours can hold."""
    for example in found if isinstance(found, list) else []:
        tokens: Sequence[str] = getattr(example, "tokens", ())
        for token in tokens:
            assert token and not set(token) & set(" \t\r\n\0"), token
            token.encode()


@pytest.mark.parametrize(("reader", "name"), READERS.values(), ids=READERS)
@settings(max_examples=120, deadline=10_000, suppress_health_check=[HealthCheck.too_slow])
@given(data=BYTES)
def test_examples_or_one_line(reader: Callable[[Path], Any], name: str, data: bytes) -> None:
    examples_or_one_line(reader, name, data)


@pytest.mark.parametrize("name", PACKERS)
@settings(max_examples=120, deadline=10_000, suppress_health_check=[HealthCheck.too_slow])
@given(
    data=BYTES, cut=st.integers(0, 400), flip=st.one_of(st.none(), st.tuples(st.integers(0, 400), st.integers(1, 255)))
)
def test_packed_examples_or_one_line(name: str, data: bytes, cut: int, flip: tuple[int, int] | None) -> None:
    packed = bytearray(PACKERS[name](data))
    if flip is not None:
        packed[flip[0] % len(packed)] ^= flip[1]
    examples_or_one_line(read_labelled, name, bytes(packed[: max(1, len(packed) - cut)] if cut % 3 == 0 else packed))


def examples_or_one_line(reader: Callable[[Path], Any], name: str, data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        try:
            check(reader(path))
        except InputError as error:
            message = str(error)
            assert "\n" not in message and "\r" not in message, message
            assert message.startswith((str(path), "--")) or "a.txt" in message, message
            assert len(message) < 1000


@settings(max_examples=300, deadline=10_000)
@given(line=st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PIECES), max_size=12).map("".join)))
def test_lines_for_predict(line: str) -> None:
    for read in (read_input, read_marked):
        try:
            read(line, "f:1")
        except InputError as error:
            message = str(error)
            assert message.startswith("f:1: ") and "\n" not in message
