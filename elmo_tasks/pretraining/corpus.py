"""A pre-training corpus: encodes compressed text shards as a memory-mapped folder of word indices.

The text is read once, line by line, and never held in memory: its indices go straight to disk; memory holds only the
spelling and count of each distinct word, and 8 bytes per sentence.
Training can then read any window of any epoch directly, so the order is exact, seeded and resumable from one number.
Deviation: bilm-tf shuffles shard by shard through a buffer; here the sentences of all shards are shuffled together.
"""

from __future__ import annotations

import glob
import hashlib
import json
import shutil
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import checksum, hidden_name, read_object
from elmo_tasks.core.progress import report_progress
from elmo_tasks.data.lines import open_lines
from elmo_tasks.text.tokens import split_tokens

SPECIALS = ("<S>", "</S>", "<UNK>")
MAX_LINE_TOKENS = 2000
_REPORT = 1000  # sentences between two progress reports
_FILES = ("words.txt", "counts.npy", "ids.npy", "ends.npy")


@dataclass(frozen=True)
class Corpus:
    """An encoded corpus.

    words: every distinct word, special words first, then by descending count; ids: (N,) uint32 indices into it;
    ends: (S,) int64, where each sentence ends in `ids`; counts: (W,) int64; digest: of the text.
    """

    words: tuple[str, ...]
    counts: NDArray[np.int64]
    ids: NDArray[np.uint32]
    ends: NDArray[np.int64]
    digest: str

    @property
    def n_tokens(self) -> int:
        """Number of words, without boundaries."""
        return len(self.ids)

    @property
    def n_sentences(self) -> int:
        """Number of non-empty lines."""
        return len(self.ends)


def corpus_files(patterns: Sequence[str]) -> list[Path]:
    """The files matched by the globs, sorted. Raises InputError if a pattern matches none."""
    found: list[Path] = []
    for pattern in patterns:
        matches = sorted(glob.glob(pattern))  # noqa: PTH207 (absolute patterns)
        if not matches:
            raise InputError(f"--corpus: no file matches {pattern!r}")
        found += [Path(match) for match in matches]
    return found


def vocabulary_of(corpus: Corpus, min_count: int, most: int | None) -> list[str]:
    """The words of a softmax: at most `most`, each with a count of at least `min_count`, in the order of the corpus."""
    size = len(SPECIALS) + int((corpus.counts[len(SPECIALS) :] >= min_count).sum())
    return list(corpus.words[: min(size, most or size)])


def read_sentences(path: Path, encoding: str = "utf-8") -> Iterator[list[str]]:
    """The tokenised sentences of a text file, one per line; lines without words are skipped.

    Raises:
        InputError: as in `open_lines`, or a line has more than `MAX_LINE_TOKENS` words.
    """
    for number, line in open_lines(path, encoding=encoding):
        tokens = split_tokens(line)
        if len(tokens) > MAX_LINE_TOKENS:
            raise InputError(
                f"{path}:{number}: the line has {len(tokens)} words, but one sentence per line with at most "
                f"{MAX_LINE_TOKENS} words is allowed; split the text into sentences"
            )
        if tokens:
            yield list(tokens)


def encode_corpus(paths: Sequence[Path], folder: Path, encoding: str = "utf-8") -> Corpus:
    """Encode the text of `paths` into `folder`, or open the result of an earlier call with the same files.

    Raises:
        InputError: a file cannot be read, a line has more than `MAX_LINE_TOKENS` words, or there are no words at all.
    """
    if is_encoded(paths, folder, encoding):
        with suppress(InputError):  # damaged: encode it again, with the same result
            return open_corpus(folder)
    partial = hidden_name(folder, ".partial")
    partial.mkdir(parents=True)
    try:
        spelled, ends, digest = _number(paths, partial / "ids.raw", encoding)
        if not ends:
            raise InputError(
                f"{', '.join(map(str, paths))}: no words in this text; it must have tokenised sentences, one per line"
            )
        _renumber(partial, spelled)
        _write_array(partial / "ends.npy", len(ends), [np.frombuffer(ends, np.int64)])
        about: dict[str, Any] = {"files": _stamp(paths, encoding), "sha256": digest}
        about["checksums"] = {name: checksum(partial / name) for name in _FILES}
        (partial / "corpus.json").write_text(json.dumps(about | {"own": _digest(about)}))
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return open_corpus(folder)


def is_encoded(paths: Sequence[Path], folder: Path, encoding: str = "utf-8") -> bool:
    """Whether `folder` holds the current text of `paths`. Raises InputError if a file does not exist."""
    stamp = _stamp(paths, encoding)
    if not (folder / "corpus.json").exists():
        return False
    with suppress(InputError):
        return bool(read_object(folder / "corpus.json").get("files") == stamp)
    return False


def _stamp(paths: Sequence[Path], encoding: str) -> list[list[object]]:
    """Values that reveal a change of the files: names, sizes, times; and the encoding, if it is not UTF-8."""
    for path in paths:
        if not path.exists():
            raise InputError(f"{path}: no such file; --corpus takes files or a glob")
    read = [] if encoding == "utf-8" else [encoding]
    return [[str(path), path.stat().st_size, path.stat().st_mtime_ns, *read] for path in paths]


def _number(paths: Sequence[Path], output: Path, encoding: str) -> tuple[list[str], array[int], str]:
    """Index words by first occurrence; the indices go to `output` (uint32). Returns spellings, ends, text digest."""
    numbers: dict[str, int] = {}
    ends, n_tokens, digest = array("q"), 0, hashlib.sha256()
    with output.open("wb") as stream:
        for path in paths:
            for tokens in read_sentences(path, encoding):
                array("I", [numbers.setdefault(token, len(numbers)) for token in tokens]).tofile(stream)
                n_tokens += len(tokens)
                ends.append(n_tokens)
                digest.update(" ".join(tokens).encode() + b"\n")
                if not len(ends) % _REPORT:
                    report_progress("encoding the text", n_tokens, None)
    report_progress("encoding the text", n_tokens, n_tokens)
    return list(numbers), ends, digest.hexdigest()


def _renumber(folder: Path, spelled: list[str], block: int = 1 << 22) -> None:
    """Renumber words by descending count (ties by first occurrence), special words first, `block` tokens at a time."""
    raw = np.memmap(folder / "ids.raw", np.uint32, mode="r")
    counts = np.zeros(len(spelled), np.int64)
    for start in range(0, len(raw), block):
        counts += np.bincount(raw[start : start + block], minlength=len(spelled))
    seen = counts.copy()
    for special in SPECIALS:
        if special in spelled:
            counts[spelled.index(special)] = -1  # a special word that occurs in the text counts as that special word
    order = np.argsort(-counts, kind="stable")
    order = order[counts[order] >= 0]
    renumber = np.empty(len(spelled), np.uint32)
    renumber[order] = np.arange(len(order), dtype=np.uint32) + len(SPECIALS)
    for number, special in enumerate(SPECIALS):
        if special in spelled:
            renumber[spelled.index(special)] = number
    blocks = (renumber[raw[start : start + block]] for start in range(0, len(raw), block))
    _write_array(folder / "ids.npy", len(raw), blocks)
    (folder / "ids.raw").unlink()
    final = np.zeros(len(order) + len(SPECIALS), np.int64)
    final[renumber] = seen
    _write_array(folder / "counts.npy", len(final), [final])
    words = [*SPECIALS, *(spelled[index] for index in order)]
    (folder / "words.txt").write_text("\n".join(words) + "\n", encoding="utf-8")


def _write_array(path: Path, length: int, blocks: Iterable[NDArray[Any]]) -> None:
    """Write a one-dimensional `.npy` file block by block, so that a full disk raises a clear OSError.

    A memory-mapped file would end the process with SIGBUS, and `np.save` only reports how much it has written.
    """
    with path.open("wb") as file:
        for number, block in enumerate(blocks):
            if not number:
                about = np.lib.format.header_data_from_array_1_0(block) | {"shape": (length,)}
                np.lib.format.write_array_header_1_0(file, about)
            file.write(block.data)


def open_corpus(folder: Path) -> Corpus:
    """Open an encoded corpus; its arrays stay on disk (memory-mapped).

    Raises:
        InputError: one of its files is missing or has changed since it was written.
    """
    about = read_object(folder / "corpus.json", sha256=str, checksums=dict)
    if about.pop("own", None) != _digest(about):
        raise InputError(f"{folder / 'corpus.json'}: damaged: wrong checksum; start again with --overwrite")
    for name in _FILES:
        try:
            found = checksum(folder / name)
        except OSError as error:
            raise InputError(f"{folder / name}: cannot be read ({error.strerror})") from None
        if found != about["checksums"].get(name):
            raise InputError(f"{folder / name}: damaged: wrong checksum; start again with --overwrite")
    return Corpus(
        words=tuple((folder / "words.txt").read_text(encoding="utf-8").split("\n")[:-1]),
        counts=np.load(folder / "counts.npy"),
        ids=np.load(folder / "ids.npy", mmap_mode="r"),
        ends=np.load(folder / "ends.npy"),
        digest=about["sha256"],
    )


def _digest(about: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
