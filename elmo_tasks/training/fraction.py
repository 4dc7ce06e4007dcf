"""Draw a fraction of the training data, for learning curves."""

from __future__ import annotations

import random
from collections.abc import Sequence

from elmo_tasks.core.errors import InputError
from elmo_tasks.text.examples import Example, by_sentence


def draw_fraction(examples: Sequence[Example], per_cent: float, seed: int) -> tuple[Example, ...]:
    """Draw `per_cent` of the sentences with all their examples, at least one sentence, in the order of the data.

    A smaller fraction is a subset of every larger one with the same seed, so that a learning curve shows growing data
    and not different data.

    Raises:
        InputError: `per_cent` is not above 0 and up to 100.
    """
    if not 0 < per_cent <= 100:
        raise InputError(f"training.fraction must be a percentage above 0 and up to 100, not {per_cent:g}")
    if per_cent == 100:
        return tuple(examples)
    sentences = by_sentence(examples)
    order = list(range(len(sentences)))
    random.Random(f"fraction-{seed}").shuffle(order)
    chosen = sorted(order[: max(1, round(len(order) * per_cent / 100))])
    return tuple(examples[number] for sentence in chosen for number in sentences[sentence])
