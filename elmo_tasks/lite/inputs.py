"""Convert tokens to the input vectors of a task's graph: the biLM, characters, and word tables."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np

from elmo_tasks.core.characters import PAD, encode_word
from elmo_tasks.core.errors import InputError
from elmo_tasks.lite.folder import MANIFEST, Export, Floats, Numbers
from elmo_tasks.lite.packing import Packing

Sentences = Sequence[Sequence[str]]

REMEMBERED = 1 << 14
"""Number of words whose vectors are kept between calls."""
_WORDS = 64
"""Number of words encoded at a time, to bound the memory."""


class LiteInput(Protocol):
    """Maps non-empty sentences to one vector per token, sentence by sentence: (N, D)."""

    def __call__(self, sentences: Sentences) -> Floats: ...


def open_inputs(export: Export) -> list[LiteInput]:
    """Open the inputs named in the manifest, in the order of the task's graph.

    Raises:
        InputError: this version does not support a kind of input, or a file cannot be used.
    """
    kinds: dict[str, Callable[[Export, str, dict[str, Any]], LiteInput]] = {
        "elmo": BilmInput,
        "chars": WordEncoder,
        "table": TableInput,
    }
    opened = []
    for number, entry in enumerate(export.manifest["inputs"]):
        if entry.get("kind") not in kinds:
            raise InputError(
                f"{export.path / MANIFEST}: unknown kind of input {entry.get('kind')!r:.60}; install a newer version"
            )
        opened.append(kinds[entry["kind"]](export, f"input-{number}", entry))
    return opened


class WordEncoder:
    """Converts characters to one vector per word with a graph. Each distinct word is computed once and cached."""

    def __init__(self, export: Export, prefix: str, entry: dict[str, Any]) -> None:
        self.session = export.session(f"{prefix}-words.onnx")
        self.longest: int = entry["max_characters"]
        self.margin: int = entry["margin"]  # columns of padding that the graph needs after the longest word
        self.pad: int = entry["pad"]
        self.table = np.empty((REMEMBERED, entry["encoded_width"]), np.float32)
        self.rows: dict[str, int] = {}

    def __call__(self, sentences: Sentences) -> Floats:
        """(N, D)."""
        return self.lookup([word for words in sentences for word in words])

    def lookup(self, words: Sequence[str]) -> Floats:
        """The vectors of words, which may repeat: (N, D)."""
        missing = [word for word in dict.fromkeys(words) if word not in self.rows]
        if len(self.rows) + len(missing) > REMEMBERED:
            self.rows.clear()
            missing = list(dict.fromkeys(words))
        if len(missing) > REMEMBERED:  # too many words to cache
            vectors = self.encode(missing)
            places = {word: place for place, word in enumerate(missing)}
            found: Floats = vectors[[places[word] for word in words]]
            return found
        if missing:
            first = len(self.rows)
            self.table[first : first + len(missing)] = self.encode(missing)
            self.rows.update((word, first + place) for place, word in enumerate(missing))
        known: Floats = self.table[[self.rows[word] for word in words]]
        return known

    def encode(self, words: Sequence[str]) -> Floats:
        """The vectors of distinct words (U, D), computed together with words of similar length."""
        ids = np.array([encode_word(word, self.longest) for word in words], np.int64)  # (U, C)
        lengths = (ids != PAD).sum(axis=1)  # (U,)
        ids[ids == PAD] = self.pad
        order = lengths.argsort(kind="stable")
        vectors = np.empty((len(words), self.table.shape[1]), np.float32)
        for start in range(0, len(words), _WORDS):
            some = order[start : start + _WORDS]
            used = min(int(lengths[some[-1]]) + self.margin, self.longest)
            vectors[some] = self.session.run(None, {"ids": ids[some, :used]})[0]
        return vectors


class BilmInput:
    """The mixed layers of a biLM. Each direction is a graph; both run in parallel if there are two threads."""

    def __init__(self, export: Export, prefix: str, entry: dict[str, Any]) -> None:
        self.words = WordEncoder(export, prefix, entry)
        self.sides = [export.session(f"{prefix}-{side}.onnx", 1) for side in ("forward", "backward")]
        self.pool = ThreadPoolExecutor(1, "backward") if export.threads > 1 else None

    def __call__(self, sentences: Sentences) -> Floats:
        """(N, D)."""
        numbers: dict[str, int] = {}
        tokens = np.array([numbers.setdefault(word, len(numbers)) for words in sentences for word in words])  # (N,)
        vectors = self.words.lookup(list(numbers))  # (U, P)
        packing = Packing.of([len(words) for words in sentences])

        def run(side: int) -> Floats:
            at = packing.behind if side else packing.ahead  # (N,)
            feed = {"words": vectors, "which": packing.block(tokens, at), "begins": packing.begins}
            mixed: Floats = self.sides[side].run(None, feed)[0]  # (T, S, P)
            return mixed.reshape(-1, mixed.shape[2])[at]  # (N, P)

        behind = self.pool.submit(run, 1) if self.pool is not None else None
        ahead = run(0)
        return np.concatenate([ahead, behind.result() if behind is not None else run(1)], axis=1)  # (N, 2P)


class TableInput:
    """Word vectors from a table: a word is looked up as written, then in lower case; the last row is for all others.

    Words are found by 64 bits of their digest, so that no index has to be built when the export is opened.
    """

    def __init__(self, export: Export, prefix: str, entry: dict[str, Any]) -> None:
        self.vectors = export.array(f"{prefix}-vectors.npy")  # (V + 1, D)
        self.digests = export.array(f"{prefix}-digests.npy")  # (W,) sorted
        self.rows = export.array(f"{prefix}-rows.npy")  # (W,) the row of each

    def __call__(self, sentences: Sentences) -> Floats:
        """(N, D)."""
        words = [word for found in sentences for word in found]
        rows = self._find(words)
        unknown = np.flatnonzero(rows < 0)
        if len(unknown):
            rows[unknown] = self._find([words[place].lower() for place in unknown])
        return self.vectors[rows].astype(np.float32)  # -1, for unknown words, is the last row

    def _find(self, words: Sequence[str]) -> Numbers:
        """The rows (N,) of words, -1 for words that are not in the table."""
        wanted = np.array([word_digest(word) for word in words], np.uint64)
        places = np.searchsorted(self.digests, wanted).clip(max=len(self.digests) - 1)
        return np.where(self.digests[places] == wanted, self.rows[places], -1)


def word_digest(word: str) -> int:
    """The 64 bits that identify a word in a table."""
    return int.from_bytes(hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
