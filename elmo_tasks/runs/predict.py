"""Apply a trained run to examples, to a split of a data set, or to lines of text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from elmo_tasks.core.errors import InputError, quoted
from elmo_tasks.core.files import write_text
from elmo_tasks.core.memory import keep_freed_memory
from elmo_tasks.core.outputs import output_file
from elmo_tasks.core.paths import cache_root
from elmo_tasks.data.catalog import CATALOG, load_data
from elmo_tasks.data.reading import ReadingConfig
from elmo_tasks.embedders.inputs import AT_ONCE
from elmo_tasks.runs.batches import loader, prepare
from elmo_tasks.runs.folder import is_own
from elmo_tasks.runs.store import Trained, load_trained
from elmo_tasks.task import AnyTask, Prediction
from elmo_tasks.text.examples import Example
from elmo_tasks.text.labels import LabelSet


def predict_examples(trained: Trained, examples: Sequence[Example]) -> list[Prediction]:
    """The task's prediction for each example; one without tokens has that of an empty output.

    Examples are taken `AT_ONCE` tokens at a time, so that memory does not grow with their number.
    """
    full = [example for example in examples if example.tokens]
    outputs = (found for part in _parts(full) for found in _predict_part(trained, part))
    return [next(outputs) if example.tokens else trained.task.decode((), trained.labels) for example in examples]


def _predict_part(trained: Trained, examples: Sequence[Example]) -> list[Prediction]:
    items = prepare(examples, trained.inputs, trained.task, None)
    batches = loader(items, 2 * trained.experiment.training.batch_size)
    return decode_all(trained.model, batches, len(items), trained.task, trained.labels)


def _parts(examples: Sequence[Example]) -> Iterator[list[Example]]:
    part: list[Example] = []
    tokens = 0
    for example in examples:
        if part and tokens + len(example.tokens) > AT_ONCE:
            yield part
            part, tokens = [], 0
        part.append(example)
        tokens += len(example.tokens)
    if part:
        yield part


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

    data: a data set's name or folder, of which only the split has to be there, or a file; reading: how its files are
    read, if not as the run's own (if `data` is None) or as usual; output: a new file for the predictions, in the form
    of `predictions.test.txt`; tell: gets notes on how the data were read; task_file, trust: see `load_trained`.

    Raises:
        InputError: no such run or data, the split is missing or damaged, `output` is there already, cannot be written
            or is being written by another process, or `data` is None and the run was not trained here and names data
            that are not in the catalog.
    """
    with nullcontext() if output is None else output_file(output):
        return _evaluate(folder, data, split, task_file, trust, reading, output, tell)


def _evaluate(
    folder: Path,
    data: str | None,
    split: str,
    task_file: str | Path | None,
    trust: bool,
    reading: ReadingConfig | None,
    output: Path | None,
    tell: Callable[[str], object],
) -> tuple[dict[str, Any], str]:
    keep_freed_memory()
    trained = load_trained(folder, cache_root() / "vectors", task_file=task_file, trust=trust)
    own = trained.experiment
    if data is None and own.data not in CATALOG and not (trust or is_own(folder)):
        raise InputError(
            f"{folder}: a run that was not trained here names its own data, {quoted(own.data)}; say what to "
            "score it on: --data DIR"
        )
    if reading is None:
        reading = own.reading if data is None else ReadingConfig()
    elif data is None and not reading.held_out():  # what is held out of the run's own data is part of the run
        shares = {key: getattr(own.reading, key) for key in ("dev_fraction", "test_fraction")}
        reading = replace(reading, **shares)
    splits = load_data(data or own.data, trained.task.read, reading, only=(split,))
    for note in splits.notes:
        tell(note)
    examples = splits.get(split)
    if not examples:
        raise InputError(f"{splits.origin}: expected sentences in the {split} split, got none")
    trained.task.check(examples, trained.labels)
    predicted = predict_examples(trained, examples)
    if output is not None:
        write_text(output, trained.task.record(examples, predicted))
    found = trained.task.score(examples, predicted)
    return found.as_dict(), found.report


def predict(
    folder: Path,
    lines: Iterable[str],
    block: int = 64,
    origin: str = "input",
    *,
    task_file: str | Path | None = None,
    trust: bool = False,
) -> Iterator[dict[str, Any]]:
    """Apply a run's model to tokenised sentences, one per line, `block` at a time. Yields what `Task.describe` returns.

    origin: what the lines came from, for messages; task_file, trust: see `load_trained`.
    """
    trained = load_trained(folder, task_file=task_file, trust=trust)
    task = trained.task
    waiting: list[tuple[str, Sequence[Example]]] = []

    def flush() -> Iterator[dict[str, Any]]:
        first = _predict_lines(trained, [examples for _, examples in waiting])
        further = [
            [more for example, found in zip(examples, predicted, strict=True) for more in task.follow(example, found)]
            for (_, examples), predicted in zip(waiting, first, strict=True)
        ]
        second = _predict_lines(trained, further)
        for (line, examples), more, *found in zip(waiting, further, first, second, strict=True):
            yield task.describe(line, [*examples, *more], [*found[0], *found[1]])
        waiting.clear()

    for number, ended in enumerate(lines, 1):
        line = ended.rstrip("\r\n")
        waiting.append((line, task.parse(line, f"{origin}:{number}")))
        if len(waiting) == block:
            yield from flush()
    yield from flush()


def _predict_lines(trained: Trained, lines: Sequence[Sequence[Example]]) -> list[list[Prediction]]:
    """The predictions of each line's examples, all lines in common batches."""
    found = iter(predict_examples(trained, [example for examples in lines for example in examples]))
    return [[next(found) for _ in examples] for examples in lines]


@torch.no_grad()
def decode_all(model: Any, batches: Any, count: int, task: AnyTask, labels: LabelSet) -> list[Prediction]:
    """The task's prediction for every item, in the items' order."""
    model.eval()
    found: dict[int, Prediction] = {}
    for batch in batches:
        for index, output in zip(batch.indices, model.decode(batch), strict=True):
            found[index] = task.decode(output, labels)
    return [found[index] for index in range(count)]
