"""Baselines for the accuracy of a probe: the most frequent tag, and the control task of Hewitt and Liang (2019)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np


def control_labels(words: Iterable[str], tags: Sequence[int], seed: int) -> dict[str, int]:
    """A random label for each word type, which all its occurrences have in any context.

    Labels are drawn independently from the distribution of `tags`, the task's labels of the training tokens (Hewitt and
    Liang 2019, section 2.1). A probe can only solve this by memorisation, because the vectors do not encode it.
    """
    types = sorted(set(words))
    numbers, counts = np.unique(np.asarray(tags), return_counts=True)
    drawn = np.random.default_rng(seed).choice(numbers, size=len(types), p=counts / counts.sum())
    return dict(zip(types, drawn.tolist(), strict=True))


def most_frequent(tags: Sequence[int]) -> int:
    """The most frequent tag, or the lowest of several."""
    counts = Counter(tags)
    return min(counts, key=lambda tag: (-counts[tag], tag))


def most_frequent_by_word(words: Sequence[str], tags: Sequence[int]) -> dict[str, int]:
    """The most frequent tag of each training word, or the lowest of several."""
    found: dict[str, list[int]] = {}
    for word, tag in zip(words, tags, strict=True):
        found.setdefault(word, []).append(tag)
    return {word: most_frequent(own) for word, own in found.items()}


def majority_accuracy(words: Sequence[str], tags: Sequence[int], by_word: Mapping[str, int], otherwise: int) -> float:
    """Accuracy of predicting the tag of each word in `by_word`, and `otherwise` for other words."""
    return sum(by_word.get(word, otherwise) == tag for word, tag in zip(words, tags, strict=True)) / len(words)
