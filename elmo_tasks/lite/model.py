"""An exported run: maps tokens to the results of its task."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from elmo_tasks.core.errors import InputError, quoted
from elmo_tasks.core.sentences import checked_sentences
from elmo_tasks.lite.decoding import open_decoder
from elmo_tasks.lite.folder import Export, Floats
from elmo_tasks.lite.inputs import open_inputs
from elmo_tasks.text.pairs import PAIR_FORM, checked_pair, rows_of_table
from elmo_tasks.text.results import Result
from elmo_tasks.text.tokeniser import split_text

Example: TypeAlias = "tuple[Sequence[str], ...]"
"""The tokens of one sentence, or of the two of a pair."""

BUDGET = 320
"""Maximum number of tokens computed together, to bound the memory. A longer sentence is computed alone."""


class LiteModel:
    """An exported run. Call it with tokenised sentences, or with pairs; threads may share it only one call at a time.

    Args:
        export: the checked folder.

    Attributes:
        task: the name of the task, such as `ner`.
        labels: the labels of the model.
        manifest: the content of `manifest.json`.
        pairs: whether it compares two texts.
    """

    def __init__(self, export: Export) -> None:
        self.manifest = export.manifest
        self.task: str = export.manifest["task"]
        self.labels = tuple(export.manifest["labels"])
        self._inputs = open_inputs(export)
        self._decoder = open_decoder(export)
        self.pairs = self._decoder.pairs

    def __call__(self, sentences: Iterable[Any]) -> list[dict[str, Any]]:
        """One result per tokenised sentence or per pair, in the format of `elmo-tasks predict` for this task.

        sentences: lists of tokens; for a task of pairs, tuples of two texts or two lists of tokens.

        Raises:
            InputError: a string is given instead of a list of tokens (use `text` for strings), or an item is not a
                pair.
        """
        examples = self._examples(sentences)
        found = zip(examples, self._predict(examples), strict=True)
        return [self._decoder.describe(example, predicted) for example, predicted in found]

    def text(self, text: str) -> list[Result]:
        """The results for the sentences of a raw text, with positions in it, as from `elmo_tasks.load(...)(text)`.

        Probabilities of entities, predicates and arguments are not computed.

        Raises:
            InputError: the model compares two texts.
        """
        if self.pairs:
            raise InputError(f"a model of {self.task} compares two texts; call it with pairs (premise, hypothesis)")
        sentences = split_text(text)
        found = self._predict([([token.text for token in sentence.tokens],) for sentence in sentences])
        return [self._decoder.result(own, predicted) for own, predicted in zip(sentences, found, strict=True)]

    def pipe(self, sentences: Iterable[Any], block: int = 64) -> Iterator[dict[str, Any]]:
        """Yield the results for a stream, `block` sentences or pairs at a time, in bounded memory."""
        stream = iter(sentences)
        while some := list(islice(stream, block)):
            yield from self(some)

    def scores(self, sentences: Iterable[Any]) -> list[Floats]:
        """The scores before decoding: (T, K) for the tags of each token, or (K,) for the labels of a sentence or pair.

        For a role labeller they are (T, 2), "no predicate" and "predicate" for each token.

        Raises:
            InputError: as when it is called, or a sentence has no tokens.
        """
        examples = self._examples(sentences)
        if not all(sentence for example in examples for sentence in example):
            raise InputError("a sentence without tokens has no scores; leave it out")
        found = [np.empty(0, np.float32) for _ in examples]
        for rows in _blocks(examples):
            scores = self._decoder.scores(self._vectors([examples[row] for row in rows]))
            for row, own in zip(rows, scores, strict=True):
                found[row] = own
        return found

    def _examples(self, given: Iterable[Any]) -> list[Example]:
        """The sentences of each example: one, or the two of a pair. Both halves of a pair may be empty, but not one."""
        if not self.pairs:
            return [(list(tokens),) for tokens in checked_sentences(given)]
        if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
            raise InputError(f"the input must be a list of pairs, not {quoted(given)}; {PAIR_FORM}")
        return [_pair(item, f"item {number}") for number, item in enumerate(rows_of_table(given))]

    def _predict(self, examples: Sequence[Example]) -> list[Any]:
        """The decoder's prediction for each example."""
        found = [self._decoder.nothing for _ in examples]
        for rows in _blocks(examples):
            predicted = self._decoder(self._vectors([examples[row] for row in rows]))
            for row, own in zip(rows, predicted, strict=True):
                found[row] = own
        return found

    def _vectors(self, block: Sequence[Example]) -> list[list[Floats]]:
        """For each input the vectors (T, D) of each sentence."""
        sentences = [sentence for example in block for sentence in example]
        ends = np.cumsum([len(tokens) for tokens in sentences])[:-1]
        return [np.split(each(sentences), ends) for each in self._inputs]


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


def _pair(item: Any, name: str) -> Example:
    """The tokens of a pair; of an empty line, none. Raises InputError, which begins with `name`."""
    if isinstance(item, tuple) and len(item) == 2 and all(isinstance(half, tuple) and not half for half in item):
        return item
    return tuple([token.text for token in half.tokens] for half in checked_pair(item, name))


def _blocks(examples: Sequence[Example]) -> Iterator[list[int]]:
    """Yield indices of non-empty examples in blocks of about equal size and at most about `BUDGET` tokens."""
    sizes = [sum(map(len, example)) for example in examples]
    total = sum(sizes)
    target = total / max(1, -(-total // BUDGET))
    block: list[int] = []
    tokens = 0
    for row, size in enumerate(sizes):
        if size:
            if block and tokens + size / 2 > target:
                yield block
                block, tokens = [], 0
            block.append(row)
            tokens += size
    if block:
        yield block
