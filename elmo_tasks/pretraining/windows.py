"""Windows of a corpus: what a language model sees at step k, as a pure function of the corpus, the seed and k."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from elmo_tasks.pretraining.corpus import Corpus

BEGIN, END, UNKNOWN = 0, 1, 2
Ids = NDArray[np.int64]


@dataclass(frozen=True)
class WordWindow:
    """words: (2, T, B) input words, classes: (2, T, B) target classes; direction 1 reads from right to left."""

    words: Ids
    classes: Ids


class Windows:
    """The windows of every epoch.

    The sentences of an epoch are shuffled with the seed and concatenated, each as n + 1 steps: from left to right
    `<S> w1 .. wn` predicts `w1 .. wn </S>`, and from right to left `</S> wn .. w1` predicts `wn .. w1 <S>`, as bilm-tf
    does, so the two directions of a window see the same sentences.
    The sequence is cut into `streams` equal parts, which are read in parallel.

    Args:
        classes: (W,) the softmax class of each word of the corpus.
    """

    def __init__(self, corpus: Corpus, *, classes: Ids, streams: int, steps: int, seed: int) -> None:
        self.corpus, self.classes = corpus, classes
        self.streams, self.steps, self.seed = streams, steps, seed
        self.starts = np.concatenate([[0], corpus.ends[:-1]])
        self.lengths = corpus.ends - self.starts
        self.stream_length = int((self.lengths + 1).sum()) // streams
        self.per_epoch = max(1, self.stream_length // steps)
        self._order = lru_cache(maxsize=2)(self._shuffled)

    def _shuffled(self, epoch: int) -> tuple[Ids, Ids]:
        """The order of the sentences in an epoch, and the step at which each ends."""
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.lengths))
        return order, np.cumsum(self.lengths[order] + 1)

    def window(self, number: int, part: slice = slice(None)) -> WordWindow:
        """Window `number`, counted from 0 over all epochs; `part` selects streams (the share of one process)."""
        epoch, index = divmod(number, self.per_epoch)
        order, ends = self._order(epoch)
        stream = np.arange(self.streams)[part] * self.stream_length  # (B,)
        position = stream[None, :] + index * self.steps + np.arange(self.steps)[:, None]  # (T, B)
        position %= ends[-1]  # a corpus shorter than a window is read again
        rank = np.searchsorted(ends, position, side="right")
        sentence = order[rank]
        offset = position - (ends[rank] - self.lengths[sentence] - 1)  # 0 .. n
        return self._read(self.starts[sentence], self.lengths[sentence], offset)

    def _read(self, start: Ids, length: Ids, offset: Ids) -> WordWindow:
        """Read one step of one sentence per element of start, length and offset, each (T, B)."""
        last = len(self.corpus.ids) - 1

        def word(index: Ids) -> Ids:
            found: Ids = self.corpus.ids[np.clip(start + index, 0, last)].astype(np.int64)
            return found

        ahead = np.where(offset == 0, BEGIN, word(offset - 1))
        ahead_target = np.where(offset == length, END, word(offset))
        behind = np.where(offset == 0, END, word(length - offset))
        behind_target = np.where(offset == length, BEGIN, word(length - offset - 1))
        targets = np.stack([ahead_target, behind_target])  # (2, T, B)
        return WordWindow(np.stack([ahead, behind]), self.classes[targets])


def classes_of(words: Sequence[str], vocabulary: Mapping[str, int]) -> Ids:
    """The class of each word: its index in the vocabulary, or that of `<UNK>`."""
    return np.array([vocabulary.get(word, UNKNOWN) for word in words], np.int64)
