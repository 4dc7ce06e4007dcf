"""From tokens to the vectors that a task's graph reads: the biLM, characters, and word tables."""

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
"""Words whose vectors are kept from call to call."""
_WORDS = 64
"""Words that are encoded at a time, which bounds the memory."""


class LiteInput(Protocol):
    """Sentences, none of them empty, as one vector per token, sentence by sentence: (N, D)."""

    def __call__(self, sentences: Sentences) -> Floats: ...


def open_inputs(export: Export) -> list[LiteInput]:
    """The inputs that the manifest names, in the order of the task's graph.

    Raises:
        InputError: a kind that this version does not know, or a file that cannot be used.
    """
    kinds: dict[str, Callable[[Export, str, dict[str, Any]], LiteInput]] = {
        "elmo": BilmInput,
        "chars": WordEncoder,
        "table": TableInput,
    }
    opened = []
    for number, entry in enumerate(export.manifest["inputs"]):
        if entry.get("kind") not in kinds:
            raise InputError(f"{export.path / MANIFEST}: unknown kind of input {entry.get('kind')!r:.60}")
        opened.append(kinds[entry["kind"]](export, f"input-{number}", entry))
    return opened


class WordEncoder:
    """Characters to one vector per word, by a graph. Each distinct word is computed once, and remembered."""

    def __init__(self, export: Export, prefix: str, entry: dict[str, Any]) -> None:
        self.session = export.session(f"{prefix}-words.onnx")
        self.longest: int = entry["max_characters"]
        self.margin: int = entry["margin"]  # columns of padding that the graph needs behind the longest word
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
        if len(missing) > REMEMBERED:  # more than fit: not remembered
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
        """The vectors of distinct words, those of like length together: (U, D)."""
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
    """The mixed layers of a biLM. Each direction is a graph, and both run at once where there are two threads."""

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
    """Vectors of words from a table: a word is looked up as it is, then in lower case; the last row is for all others.

    Words are found by 64 bits of their digest, so that nothing has to be built when the export is opened.
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
        return self.vectors[rows].astype(np.float32)  # -1, no such word, is the last row

    def _find(self, words: Sequence[str]) -> Numbers:
        """(N,) rows, -1 where the table has no such word."""
        wanted = np.array([word_digest(word) for word in words], np.uint64)
        places = np.searchsorted(self.digests, wanted).clip(max=len(self.digests) - 1)
        return np.where(self.digests[places] == wanted, self.rows[places], -1)


def word_digest(word: str) -> int:
    """The 64 bits by which a table knows a word."""
    return int.from_bytes(hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
