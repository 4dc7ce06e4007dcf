"""Apply a trained run to examples, to a split of a data set, or to lines of text."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import torch

from elmo_tasks.core.errors import InputError, quoted
from elmo_tasks.core.files import write_text
from elmo_tasks.core.memory import keep_freed_memory
from elmo_tasks.core.outputs import output_file
from elmo_tasks.core.paths import cache_root
from elmo_tasks.core.progress import report_progress
from elmo_tasks.data.catalog import CATALOG, load_data
from elmo_tasks.data.objects import IN_MEMORY
from elmo_tasks.data.reading import ReadingConfig
from elmo_tasks.embedders.inputs import AT_ONCE
from elmo_tasks.nn.batch import Batch
from elmo_tasks.runs.batches import loader, prepare
from elmo_tasks.runs.folder import is_own
from elmo_tasks.runs.store import Trained, load_trained
from elmo_tasks.task import Prediction
from elmo_tasks.text.examples import Example
from elmo_tasks.text.results import TagResult, sentence_of


def predict_examples(trained: Trained, examples: Sequence[Example]) -> list[Prediction]:
    """The task's prediction for each example; examples without tokens have that of an empty output."""
    return [prediction for prediction, _ in _predict(trained, examples, probabilities=False)]


@dataclass(frozen=True)
class Applied:
    """The output of a run for one sentence.

    examples: the given ones, then those that followed from their predictions; predicted: one per example;
    probabilities: one list per example, as described by `TaskModel`, or None if they were not requested.
    """

    examples: Sequence[Example]
    predicted: Sequence[Prediction]
    probabilities: Sequence[Sequence[float]] | None


def apply_run(trained: Trained, groups: Sequence[Sequence[Example]], *, probabilities: bool = False) -> list[Applied]:
    """Predict the examples of each sentence and those that follow from them, batched across sentences.

    probabilities: also return the model's probabilities; None for a model that has none.
    """
    first = _predict_groups(trained, groups, probabilities)
    further = [
        [more for example, (found, _) in zip(own, pairs, strict=True) for more in trained.task.follow(example, found)]
        for own, pairs in zip(groups, first, strict=True)
    ]
    second = _predict_groups(trained, further, probabilities)
    applied = []
    for own, more, *found in zip(groups, further, first, second, strict=True):
        predicted, shares = (
            [prediction for part in found for prediction, _ in part],
            [s for part in found for _, s in part],
        )
        known = [share for share in shares if share is not None]
        applied.append(
            Applied([*own, *more], predicted, known if probabilities and len(known) == len(shares) else None)
        )
    return applied


def gives_probabilities(trained: Trained) -> bool:
    """Whether the run's model has probabilities."""
    return hasattr(trained.model, "decode_with_probabilities")


T = TypeVar("T")
Scored: TypeAlias = "tuple[Prediction, Sequence[float] | None]"


def _predict_groups(trained: Trained, groups: Sequence[Sequence[Example]], probabilities: bool) -> list[list[Scored]]:
    found = iter(
        _predict(trained, [example for examples in groups for example in examples], probabilities=probabilities)
    )
    return [[next(found) for _ in examples] for examples in groups]


def _predict(trained: Trained, examples: Sequence[Example], *, probabilities: bool) -> list[Scored]:
    model, task, labels = trained.model, trained.task, trained.labels

    def scored(batch: Batch) -> Iterator[Scored]:
        if probabilities and gives_probabilities(trained):
            outputs, shares = model.decode_with_probabilities(batch)
        else:
            outputs, shares = model.decode(batch), itertools.repeat(None, len(batch.indices))
        return ((task.decode(output, labels), own) for output, own in zip(outputs, shares, strict=True))

    return _compute(trained, examples, scored, (task.decode((), labels), ()))


def predict_marginals(trained: Trained, examples: Sequence[Example]) -> list[list[list[float]]]:
    """For each token of each example, the probability of each of the run's labels; for models with `marginals`."""
    return _compute(trained, examples, trained.model.marginals, [])


@torch.no_grad()
def _compute(
    trained: Trained, examples: Sequence[Example], compute: Callable[[Batch], Iterable[T]], nothing: T
) -> list[T]:
    """Apply `compute` to batches and return its results in the order of the examples; `nothing` for empty ones.

    Examples are processed `AT_ONCE` tokens at a time, so that memory does not grow with their number.
    """
    trained.model.eval()
    full = [example for example in examples if example.tokens]
    found: list[T] = []
    for part in _parts(full):
        items = prepare(part, trained.inputs, trained.task, None)
        own: dict[int, T] = {}
        for batch in loader(items, 2 * trained.experiment.training.batch_size):
            own |= zip(batch.indices, compute(batch), strict=True)
            report_progress("predicting", len(found) + len(own), len(full), "sentences")
        found += [own[index] for index in range(len(items))]
    outputs = iter(found)
    return [next(outputs) if example.tokens else nothing for example in examples]


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


def predict(
    folder: Path,
    lines: Iterable[str],
    block: int = 64,
    origin: str = "input",
    *,
    probabilities: bool = False,
    task_file: str | Path | None = None,
    trust: bool = False,
) -> Iterator[dict[str, Any]]:
    """Apply a run's model to tokenised sentences, one per line, `block` at a time. Yields results of `Task.describe`.

    origin: the source of the lines, for messages; probabilities: add a `score` to each entity, predicate and argument;
    task_file, trust: see `load_trained`.

    Raises:
        InputError: the run does not exist, a line cannot be read, or probabilities are requested but the model has
            none.
    """
    trained = load_trained(folder, task_file=task_file, trust=trust)
    if probabilities:
        check_probabilities(trained)
    yield from predict_lines(trained, lines, block, origin, probabilities=probabilities)


def predict_lines(
    trained: Trained,
    lines: Iterable[str],
    block: int = 64,
    origin: str = "input",
    *,
    first: int = 1,
    probabilities: bool = False,
) -> Iterator[dict[str, Any]]:
    """`predict` for a run that is already loaded. first: the number of the first line, for messages."""
    numbered = enumerate((ended.rstrip("\r\n") for ended in lines), first)
    parsed = ((line, trained.task.parse(line, f"{origin}:{number}")) for number, line in numbered)
    while waiting := list(itertools.islice(parsed, block)):
        applied = apply_run(trained, [examples for _, examples in waiting], probabilities=probabilities)
        for (line, _), found in zip(waiting, applied, strict=True):
            value = trained.task.describe(line, found.examples, found.predicted)
            if found.examples and found.probabilities is not None and trained.task.result is not None:
                sentence = sentence_of(found.examples[0].tokens)
                own = trained.task.result(sentence, found.examples, found.predicted, found.probabilities)
                if isinstance(own, TagResult):  # whose tags are words in `describe`
                    value["scores"] = [tag["score"] for tag in own.findings()["tags"]]
                else:
                    _add_scores(value, own.findings())
            yield value


def check_probabilities(trained: Trained) -> None:
    """Raises InputError if the run's model has no probabilities."""
    if not gives_probabilities(trained):
        raise InputError(
            f"the model of the task {trained.task.name} has no probabilities (no decode_with_probabilities); leave out "
            "the option"
        )


def _add_scores(value: dict[str, Any], scored: Mapping[str, Any]) -> None:
    """Copy each `score` to the same place in `value`, whose lists have the same order."""
    if "score" in scored:
        value["score"] = scored["score"]
    for key, items in scored.items():
        if isinstance(items, list):
            for item, own in zip(value[key], items, strict=True):
                _add_scores(item, own)
