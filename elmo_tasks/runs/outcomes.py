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
_COLUMNS = ["right", "predicted", "gold"]
_RATIO = ["right_predicted", "predicted", "right_gold", "gold"]


@dataclass(frozen=True)
class Outcomes:
    """Counts of correct, predicted and gold items.

    counts: (N, 3) int64, correct, predicted and gold items of each sentence, or (N, 4 R) float64, the R ratios of
    `Task.ratios`; digest: checksum of the sentences' words, so that only systems tested on the same text are compared.
    """

    digest: str
    counts: np.ndarray[Any, Any]


def count_outcomes(task: AnyTask, examples: Sequence[Example], predicted: Sequence[Prediction]) -> Outcomes:
    """Sum `Task.count`, or `Task.ratios`, over the examples that belong together, see `by_sentence`."""

    def items(number: int) -> Sequence[float]:
        example, own = examples[number], predicted[number]
        if task.ratios is not None:
            return [value for ratio in task.ratios(example, own) for value in ratio]
        found = task.count(example, own)
        return found.correct, found.predicted, found.gold

    digest = hashlib.blake2b(digest_size=16)
    rows = []
    for numbers in by_sentence(examples):
        for tokens in dict.fromkeys(examples[number].tokens for number in numbers):
            digest.update(" ".join(tokens).encode("utf-8", "surrogatepass") + b"\n")
        rows.append([sum(part) for part in zip(*map(items, numbers), strict=True)])
    counts = np.array(rows, dtype=np.int64 if task.ratios is None else np.float64)
    return Outcomes(digest.hexdigest(), counts.reshape(-1, counts.shape[-1] if rows else len(_COLUMNS)))


def write_outcomes(folder: Path, outcomes: Outcomes) -> None:
    """Write `outcomes.test.json`."""
    width = outcomes.counts.shape[1]
    value = {
        "sentences": outcomes.digest,
        "columns": _COLUMNS if width == len(_COLUMNS) else _RATIO * (width // len(_RATIO)),
        "counts": outcomes.counts.tolist(),
    }
    write_text(folder / FILE, json.dumps(value, separators=(",", ":")) + "\n")


def read_outcomes(folder: Path) -> Outcomes:
    """Read `outcomes.test.json`. Raises InputError if it is missing or damaged."""
    value = read_object(check_file(folder, FILE), sentences=str, columns=list, counts=list)
    try:
        width = len(value["columns"])
        if width != len(_COLUMNS) and (width % len(_RATIO) or not width):
            raise ValueError
        counts = np.array(value["counts"], dtype=np.int64 if width == len(_COLUMNS) else np.float64).reshape(-1, width)
    except (ValueError, TypeError, OverflowError):
        raise InputError(f"{folder / FILE}: damaged: 'counts' must be rows of three whole numbers") from None
    return Outcomes(value["sentences"], counts)
