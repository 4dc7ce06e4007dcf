"""A baseline for language models: an interpolated trigram model with absolute discounting (Ney et al. 1994)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from elmo_tasks.pretraining.corpus import Corpus
from elmo_tasks.pretraining.windows import BEGIN, END, UNKNOWN

Ids = NDArray[np.int64]
Values = NDArray[np.float64]


class Trigram:
    """P(w | u, v) = max(c(uvw) - D3, 0) / c(uv) + D3 n(uv) / c(uv) P(w | v), and so on down to 1 / V.

    n(uv) is the number of distinct words seen after u v; the discount of each order is n1 / (n1 + 2 n2), where n1 and
    n2 are the numbers of its n-grams that occur once and twice. Classes are those of the softmax of a biLM.

    Args:
        ids: (N,) the steps of a text: the classes of each sentence, then the class that ends it.
        first, last: the class before a sentence, and the class that ends it.
        vocabulary: the number of classes V.
    """

    def __init__(self, ids: Ids, *, first: int, last: int, vocabulary: int) -> None:
        self.first, self.last, self.vocabulary = first, last, vocabulary
        before, before_that = self._histories(ids)
        self._orders = [
            _Order(np.zeros_like(ids), ids, vocabulary),
            _Order(before, ids, vocabulary),
            _Order(before_that * vocabulary + before, ids, vocabulary),
        ]

    def _histories(self, ids: Ids) -> tuple[Ids, Ids]:
        """The words one and two steps back; `first` where the sentence has fewer."""
        before = np.concatenate([[self.first], ids[:-1]])
        before[before == self.last] = self.first
        before_that = np.concatenate([[self.first], before[:-1]])
        before_that[before == self.first] = self.first
        return before, before_that

    def log_probabilities(self, ids: Ids) -> Values:
        """Natural logarithm of the probability of each step of another text. ids: (N,) as above -> (N,)."""
        before, before_that = self._histories(ids)
        probability = np.full(len(ids), 1.0 / self.vocabulary)
        for order, history in zip(
            self._orders, [np.zeros_like(ids), before, before_that * self.vocabulary + before], strict=True
        ):
            probability = order.interpolate(history, ids, probability)
        logarithm: Values = np.log(probability)
        return logarithm


class _Order:
    """Counts of the histories and n-grams of one order, as sorted arrays."""

    def __init__(self, histories: Ids, words: Ids, vocabulary: int) -> None:
        self.vocabulary = vocabulary
        self.grams, self.counts = np.unique(histories * vocabulary + words, return_counts=True)
        self.histories, start = np.unique(self.grams // vocabulary, return_index=True)
        self.distinct = np.diff(np.append(start, len(self.grams)))
        self.totals = np.add.reduceat(self.counts, start)
        once, twice = int((self.counts == 1).sum()), int((self.counts == 2).sum())
        self.discount = once / (once + 2 * twice) if once else 0.5

    def interpolate(self, history: Ids, word: Ids, lower: Values) -> Values:
        """The probability of this order, interpolated with that of the next lower one, `lower`; only `lower` if the
        history is unseen.
        """
        place, known = _find(self.histories, history)
        gram, seen = _find(self.grams, history * self.vocabulary + word)
        count = np.where(seen, self.counts[gram], 0)
        total = self.totals[place]
        found = (np.maximum(count - self.discount, 0) + self.discount * self.distinct[place] * lower) / total
        return np.where(known, found, lower)


def _find(table: Ids, wanted: Ids) -> tuple[Ids, NDArray[np.bool_]]:
    place = np.searchsorted(table, wanted).clip(max=len(table) - 1)
    return place, table[place] == wanted


def trigram_perplexity(corpus: Corpus, vocabulary: dict[str, int], sentences: Iterable[Sequence[str]]) -> float:
    """Mean perplexity of a forward and a backward trigram model on held-out sentences, with counts from `corpus`.

    Predictions are those of a biLM: w1 .. wn `</S>` from left to right, wn .. w1 `<S>` from right to left.
    """
    classes = np.array([vocabulary.get(word, UNKNOWN) for word in corpus.words], np.int64)
    trained = np.insert(classes[corpus.ids], corpus.ends, -1)  # -1 after each sentence
    heldout = np.array([n for words in sentences for n in (*(vocabulary.get(w, UNKNOWN) for w in words), -1)], np.int64)
    found = []
    for first, last, ahead in ((BEGIN, END, True), (END, BEGIN, False)):
        model = Trigram(_ended(trained, last, ahead), first=first, last=last, vocabulary=len(vocabulary))
        found.append(math.exp(-model.log_probabilities(_ended(heldout, last, ahead)).mean()))
    return sum(found) / 2


def _ended(marked: Ids, last: int, ahead: bool) -> Ids:
    """Steps with `last` in place of the -1 after each sentence; from right to left, the whole text is reversed."""
    steps = marked if ahead else np.append(marked[:-1][::-1], -1)
    return np.where(steps == -1, last, steps)
