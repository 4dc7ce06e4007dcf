"""Score a trained run on a split of a data set."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from elmo_tasks.core.errors import InputError, quoted
from elmo_tasks.core.files import write_text
from elmo_tasks.core.memory import keep_freed_memory
from elmo_tasks.core.outputs import output_file
from elmo_tasks.core.paths import cache_root
from elmo_tasks.data.catalog import CATALOG, load_data
from elmo_tasks.data.objects import IN_MEMORY
from elmo_tasks.data.reading import ReadingConfig
from elmo_tasks.runs.folder import is_own
from elmo_tasks.runs.predict import predict_examples
from elmo_tasks.runs.store import Trained, load_trained


def evaluate(
    folder: Path,
    data: str | None = None,
    split: str = "test",
    *,
    task_file: str | Path | None = None,
    trust: bool = False,
    reading: ReadingConfig | None = None,
    output: Path | None = None,
    tell: Callable[[str], object] = lambda note: None,
) -> tuple[dict[str, Any], str]:
    """Score a run's model on a split of its own data or of other data. Returns the scores and the table.

    data: the name or folder of a data set, of which only the split must exist, or a file; reading: options for reading
    its files, by default those of the run (if `data` is None) or the usual ones; output: a new file for the
    predictions, in the format of `predictions.test.txt`; tell: receives notes on how the data was read; task_file,
    trust: see `load_trained`.

    Raises:
        InputError: the run or the data does not exist, the split is missing or damaged, `output` exists, cannot be
            written or is being written by another process, or `data` is None and the run was not trained here and
            names data that is not in the catalog.
    """
    with nullcontext() if output is None else output_file(output):
        keep_freed_memory()
        trained = load_trained(folder, cache_root() / "vectors", task_file=task_file, trust=trust)
        check_own_data(trained, folder, data, trust=trust)
        return evaluate_trained(trained, data, split, reading=reading, output=output, tell=tell)


def check_own_data(trained: Trained, folder: Path, data: str | None, *, trust: bool) -> None:
    """Raises InputError if the run's own data cannot be read.

    This is the case if it was Python objects, or if the run was not trained here and names data that is not in the
    catalog.
    """
    own = trained.experiment
    if data is None and own.data == IN_MEMORY:
        raise InputError(
            f"{folder}: the run was trained on Python objects, which it does not store; name the data to score: --data "
            "DIR, or pass the data in Python"
        )
    if data is None and own.data not in CATALOG and not (trust or is_own(folder)):
        raise InputError(
            f"{folder}: the run was not trained here, so its own data, {quoted(own.data)}, is not read; name the data "
            "to score: --data DIR"
        )


def evaluate_trained(
    trained: Trained,
    data: str | None = None,
    split: str = "test",
    *,
    reading: ReadingConfig | None = None,
    output: Path | None = None,
    tell: Callable[[str], object] = lambda note: None,
) -> tuple[dict[str, Any], str]:
    """`evaluate` for a run that is already loaded."""
    own = trained.experiment
    if reading is None:
        reading = own.reading if data is None else ReadingConfig()
    elif data is None and not reading.held_out():  # splits held out of the run's own data belong to the run
        shares = {key: getattr(own.reading, key) for key in ("dev_fraction", "test_fraction")}
        reading = replace(reading, **shares)
    splits = load_data(data or own.data, trained.task.read, reading, only=(split,))
    for note in splits.notes:
        tell(note)
    examples = splits.get(split)
    if not examples:
        raise InputError(f"{splits.origin}: the {split} split has no sentences")
    trained.task.check(examples, trained.labels)
    predicted = predict_examples(trained, examples)
    if output is not None:
        write_text(output, trained.task.record(examples, predicted))
    found = trained.task.score(examples, predicted)
    return found.as_dict(), found.report
