"""A whole export: tokens in, what the task says of them out."""

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

BUDGET = 448
"""Tokens that are computed together: it bounds the memory. A longer sentence is computed alone."""


class LiteModel:
    """An exported run. Call it with tokenised sentences; threads may share it only one call at a time.

    Args:
        export: the checked folder.

    Attributes:
        task: the name of the task, such as `ner`.
        labels: the labels that the model chooses from.
        manifest: what `manifest.json` says.
    """

    def __init__(self, export: Export) -> None:
        self.manifest = export.manifest
        self.task: str = export.manifest["task"]
        self.labels = tuple(export.manifest["labels"])
        self._inputs = open_inputs(export)
        self._decoder = open_decoder(export)

    def __call__(self, sentences: Iterable[Sequence[str]]) -> list[dict[str, Any]]:
        """One result per tokenised sentence, in the form that `elmo-tasks predict` prints for this task.

        Raises:
            InputError: a string where a list of tokens belongs; `text` takes those.
        """
        given = checked_sentences(sentences)
        found = zip(given, self._predict(given), strict=True)
        return [self._decoder.describe(tokens, predicted) for tokens, predicted in found]

    def text(self, text: str) -> list[Result]:
        """The results for the sentences of a raw text, with places in it, as `elmo_tasks.load(...)(text)` gives them.

        Probabilities of entities, predicates and arguments are not computed.
        """
        sentences = split_text(text)
        found = self._predict([[token.text for token in sentence.tokens] for sentence in sentences])
        return [self._decoder.result(own, predicted) for own, predicted in zip(sentences, found, strict=True)]

    def pipe(self, sentences: Iterable[Sequence[str]], block: int = 64) -> Iterator[dict[str, Any]]:
        """The same of a stream, `block` sentences at a time: memory does not grow with their number."""
        stream = iter(sentences)
        while some := list(islice(stream, block)):
            yield from self(some)

    def scores(self, sentences: Iterable[Sequence[str]]) -> list[Floats]:
        """What the model computes before it decides: (T, K) of tags per token, or (K,) of labels of the sentence.

        Of a role labeller it is (T, 2), no predicate and predicate at each token.

        Raises:
            InputError: a string where a list of tokens belongs, or a sentence without tokens.
        """
        given = checked_sentences(sentences)
        if not all(map(len, given)):
            raise InputError("a sentence without tokens has no scores")
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
    """Open a folder that `elmo-tasks export` wrote.

    Args:
        folder: the export.
        threads: processor threads to use. By default two, or one if there is only one core: the two directions of
            the biLM run side by side.

    Raises:
        InputError: not an export, a damaged file, or fewer than one thread.
    """
    if threads is not None and threads < 1:
        raise InputError(f"threads: expected 1 or more, got {threads}")
    return LiteModel(Export.open(Path(folder), threads or min(2, os.cpu_count() or 1)))


def _blocks(sentences: Sequence[Sequence[str]]) -> Iterator[list[int]]:
    """The numbers of sentences that have tokens, in blocks of about equal size and at most about `BUDGET` tokens."""
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
