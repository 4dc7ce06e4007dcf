"""Correct items of a model on each sentence of the test split, used to compare two systems."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import read_object, write_text
from elmo_tasks.runs.folder import check_file
from elmo_tasks.task import AnyTask, Prediction
from elmo_tasks.text.examples import Example, by_sentence

FILE = "outcomes.test.json"


@dataclass(frozen=True)
class Outcomes:
    """Counts of correct, predicted and gold items.

    counts: (N, 3) int64, correct, predicted and gold items of each sentence; digest: checksum of the sentences' words,
    so that only systems tested on the same text are compared.
    """

    digest: str
    counts: np.ndarray[Any, Any]


def count_outcomes(task: AnyTask, examples: Sequence[Example], predicted: Sequence[Prediction]) -> Outcomes:
    """Sum `Task.count` over the examples that belong together, see `by_sentence`."""
    digest = hashlib.blake2b(digest_size=16)
    rows = []
    for numbers in by_sentence(examples):
        for tokens in dict.fromkeys(examples[number].tokens for number in numbers):
            digest.update(" ".join(tokens).encode("utf-8", "surrogatepass") + b"\n")
        found = [task.count(examples[number], predicted[number]) for number in numbers]
        rows.append([sum(part) for part in zip(*((c.correct, c.predicted, c.gold) for c in found), strict=True)])
    return Outcomes(digest.hexdigest(), np.array(rows, dtype=np.int64).reshape(-1, 3))


def write_outcomes(folder: Path, outcomes: Outcomes) -> None:
    """Write `outcomes.test.json`."""
    value = {
        "sentences": outcomes.digest,
        "columns": ["right", "predicted", "gold"],
        "counts": outcomes.counts.tolist(),
    }
    write_text(folder / FILE, json.dumps(value, separators=(",", ":")) + "\n")


def read_outcomes(folder: Path) -> Outcomes:
    """Read `outcomes.test.json`. Raises InputError if it is missing or damaged."""
    value = read_object(check_file(folder, FILE), sentences=str, counts=list)
    try:
        counts = np.array(value["counts"], dtype=np.int64).reshape(-1, 3)
    except (ValueError, TypeError, OverflowError):
        raise InputError(f"{folder / FILE}: damaged: 'counts' must be rows of three whole numbers") from None
    return Outcomes(value["sentences"], counts)
