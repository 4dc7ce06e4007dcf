"""An exported run: maps tokens to the results of its task."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.sentences import checked_sentences
from elmo_tasks.lite.decoding import open_decoder
from elmo_tasks.lite.folder import Export, Floats
from elmo_tasks.lite.inputs import open_inputs
from elmo_tasks.text.results import Result
from elmo_tasks.text.tokeniser import split_text

BUDGET = 320
"""Maximum number of tokens computed together, to bound the memory. A longer sentence is computed alone."""


class LiteModel:
    """An exported run. Call it with tokenised sentences; threads may share it only one call at a time.

    Args:
        export: the checked folder.

    Attributes:
        task: the name of the task, such as `ner`.
        labels: the labels of the model.
        manifest: the content of `manifest.json`.
    """

    def __init__(self, export: Export) -> None:
        self.manifest = export.manifest
        self.task: str = export.manifest["task"]
        self.labels = tuple(export.manifest["labels"])
        self._inputs = open_inputs(export)
        self._decoder = open_decoder(export)

    def __call__(self, sentences: Iterable[Sequence[str]]) -> list[dict[str, Any]]:
        """One result per tokenised sentence, in the format of `elmo-tasks predict` for this task.

        Raises:
            InputError: a string is given instead of a list of tokens; use `text` for strings.
        """
        given = checked_sentences(sentences)
        found = zip(given, self._predict(given), strict=True)
        return [self._decoder.describe(tokens, predicted) for tokens, predicted in found]

    def text(self, text: str) -> list[Result]:
        """The results for the sentences of a raw text, with positions in it, as from `elmo_tasks.load(...)(text)`.

        Probabilities of entities, predicates and arguments are not computed.
        """
        sentences = split_text(text)
        found = self._predict([[token.text for token in sentence.tokens] for sentence in sentences])
        return [self._decoder.result(own, predicted) for own, predicted in zip(sentences, found, strict=True)]

    def pipe(self, sentences: Iterable[Sequence[str]], block: int = 64) -> Iterator[dict[str, Any]]:
        """Yield the results for a stream, `block` sentences at a time, in bounded memory."""
        stream = iter(sentences)
        while some := list(islice(stream, block)):
            yield from self(some)

    def scores(self, sentences: Iterable[Sequence[str]]) -> list[Floats]:
        """The scores before decoding: (T, K) for the tags of each token, or (K,) for the labels of the sentence.

        For a role labeller they are (T, 2), "no predicate" and "predicate" for each token.

        Raises:
            InputError: a string is given instead of a list of tokens, or a sentence has no tokens.
        """
        given = checked_sentences(sentences)
        if not all(map(len, given)):
            raise InputError("a sentence without tokens has no scores; leave it out")
        found = [np.empty(0, np.float32) for _ in given]
        for rows in _blocks(given):
            scores = self._decoder.scores(self._vectors([given[row] for row in rows]))
            for row, own in zip(rows, scores, strict=True):
                found[row] = own
        return found

    def _predict(self, given: Sequence[Sequence[str]]) -> list[Any]:
        """The decoder's prediction for each sentence."""
        found = [self._decoder.nothing for _ in given]
        for rows in _blocks(given):
            predicted = self._decoder(self._vectors([given[row] for row in rows]))
            for row, own in zip(rows, predicted, strict=True):
                found[row] = own
        return found

    def _vectors(self, block: Sequence[Sequence[str]]) -> list[list[Floats]]:
        """For each input the vectors (T, D) of each sentence."""
        ends = np.cumsum([len(tokens) for tokens in block])[:-1]
        return [np.split(each(block), ends) for each in self._inputs]


def load(folder: str | Path, *, threads: int | None = None) -> LiteModel:
    """Open a folder written by `elmo-tasks export`.

    Args:
        folder: the export.
        threads: number of processor threads. By default two, for the two directions of the biLM, or one if there is
            only one core.

    Raises:
        InputError: the folder is not an export, a file is damaged, or `threads` is less than 1.
    """
    if threads is not None and threads < 1:
        raise InputError(f"threads must be 1 or more, not {threads}")
    return LiteModel(Export.open(Path(folder), threads or min(2, os.cpu_count() or 1)))


def _blocks(sentences: Sequence[Sequence[str]]) -> Iterator[list[int]]:
    """Yield indices of non-empty sentences in blocks of about equal size and at most about `BUDGET` tokens."""
    total = sum(map(len, sentences))
    target = total / max(1, -(-total // BUDGET))
    block: list[int] = []
    tokens = 0
    for row, words in enumerate(sentences):
        if len(words):
            if block and tokens + len(words) / 2 > target:
                yield block
                block, tokens = [], 0
            block.append(row)
            tokens += len(words)
    if block:
        yield block
