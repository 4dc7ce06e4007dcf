"""The cost of a trained model: parameters, disk space and inference speed."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from elmo_tasks.embedders.cache.cached import CachedEmbedder
from elmo_tasks.embedders.inputs import FrozenInput
from elmo_tasks.embedders.protocol import Input
from elmo_tasks.runs.store import Trained
from elmo_tasks.text.examples import Example, by_sentence, sentences_of

Apply = Callable[[Trained, Sequence[Example]], Any]

MOST_SENTENCES = 1_000
"""Number of sentences for measuring speed: takes seconds with a biLM on two cores; a whole split may take minutes."""


def sizes(trained: Trained, model_file: Path) -> dict[str, int]:
    """Numbers of frozen and trained parameters, and bytes of the model file and of the frozen weights in 32 bits."""
    parameters = list(trained.model.parameters())
    trainable = sum(parameter.numel() for parameter in parameters if parameter.requires_grad)
    beside = sum(each.frozen_parameters for each in trained.inputs)
    frozen = sum(parameter.numel() for parameter in parameters) - trainable + beside
    return {
        "trained_parameters": trainable,
        "frozen_parameters": frozen,
        "model_bytes": model_file.stat().st_size,
        "frozen_bytes": 4 * frozen,
    }


def reading_speed(trained: Trained, examples: Sequence[Example], apply: Apply) -> dict[str, float]:
    """Tokens per second from words to predictions, measured once.

    This includes everything that new text needs: embedding without the cache on disk, batching, the model and decoding,
    but not loading. Sentences are spread evenly over the split; a token counts once, however many examples its sentence
    has.
    """
    sentences = by_sentence(examples)
    step = max(1, -(-len(sentences) // MOST_SENTENCES))
    chosen = [[examples[number] for number in numbers] for numbers in sentences[::step]]
    tokens = sum(len(words) for own in chosen for words in {words for each in own for words in sentences_of(each)})
    fresh = replace(trained, inputs=tuple(map(_uncached, trained.inputs)))
    started = time.perf_counter()
    apply(fresh, [example for sentence in chosen for example in sentence])
    seconds = time.perf_counter() - started
    return {"tokens_per_second": tokens / seconds, "tokens_measured": tokens}


def _uncached(given: Input) -> Input:
    """The same input without its cached vectors."""
    if not (isinstance(given, FrozenInput) and isinstance(given.embedder, CachedEmbedder)):
        return given
    bare = copy.copy(given)
    bare.embedder = given.embedder.inner
    return bare
