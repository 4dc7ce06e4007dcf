"""Apply a trained run to examples or to lines of text."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import torch

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.progress import report_progress
from elmo_tasks.embedders.elmo import frozen_device
from elmo_tasks.nn.batch import Batch
from elmo_tasks.runs.batches import PreparedSentences, batches_by_tokens
from elmo_tasks.runs.documents import parse_documents
from elmo_tasks.runs.parts import Groups, in_parts
from elmo_tasks.runs.store import Trained, load_trained
from elmo_tasks.task import Prediction
from elmo_tasks.text.examples import Example
from elmo_tasks.text.results import TagResult, sentence_of

_BATCH_TOKENS = 2048  # tokens per batch of the model, including padding


def predict_examples(trained: Trained, examples: Sequence[Example]) -> list[Prediction]:
    """The task's prediction for each example; examples without tokens have that of an empty output."""
    decode, nothing = _decoder(trained, probabilities=False)
    return [prediction for prediction, _ in _compute(trained, examples, decode, nothing)]


@dataclass(frozen=True)
class Applied:
    """The output of a run for one sentence.

    examples: the given ones, then those that followed from their predictions; predicted: one per example;
    probabilities: one list per example, as described by `TaskModel`, or None if they were not requested.
    """

    examples: Sequence[Example]
    predicted: Sequence[Prediction]
    probabilities: Sequence[Sequence[float]] | None


def apply_run(
    trained: Trained, groups: Iterable[Sequence[Example]], *, probabilities: bool = False
) -> Iterator[Applied]:
    """Predict the examples of each sentence and those that follow from them, in order.

    Sentences are read and computed in parts, several at the same time. If reading a sentence fails, the results of the
    sentences before it are yielded first.

    probabilities: also return the model's probabilities; None for a model that has none.
    """
    decode, nothing = _decoder(trained, probabilities)

    def applied(part: Groups, sentences: PreparedSentences) -> list[Applied]:
        first = _nested(part, _decode(trained, sentences, [x for own in part for x in own], decode, nothing))
        further = [
            [
                more
                for example, (found, _) in zip(own, pairs, strict=True)
                for more in trained.task.follow(example, found)
            ]
            for own, pairs in zip(part, first, strict=True)
        ]
        second = _nested(further, _decode(trained, sentences, [x for own in further for x in own], decode, nothing))
        return [
            _applied([*own, *more], [*found, *later], probabilities)
            for own, more, found, later in zip(part, further, first, second, strict=True)
        ]

    for _, found in in_parts(trained, groups, applied):
        yield from found


def _applied(examples: Sequence[Example], pairs: Sequence[Scored], probabilities: bool) -> Applied:
    """The output for the examples of a sentence; without probabilities if one of them has none."""
    known = [share for _, share in pairs if share is not None]
    return Applied(
        examples,
        [prediction for prediction, _ in pairs],
        known if probabilities and len(known) == len(pairs) else None,
    )


def gives_probabilities(trained: Trained) -> bool:
    """Whether the run's model has probabilities."""
    return hasattr(trained.model, "decode_with_probabilities")


T = TypeVar("T")
Scored: TypeAlias = "tuple[Prediction, Sequence[float] | None]"


def _nested(groups: Sequence[Sequence[Example]], found: Iterable[T]) -> list[list[T]]:
    each = iter(found)
    return [[next(each) for _ in examples] for examples in groups]


def _decoder(trained: Trained, probabilities: bool) -> tuple[Callable[[Batch], Iterable[Scored]], Scored]:
    """A function that decodes a batch, with or without probabilities, and the prediction for an empty sentence."""
    model, task, labels = trained.model, trained.task, trained.labels

    def decode(batch: Batch) -> Iterator[Scored]:
        if probabilities and gives_probabilities(trained):
            outputs, shares = model.decode_with_probabilities(batch)
        else:
            outputs, shares = model.decode(batch), itertools.repeat(None, len(batch.indices))
        return ((task.decode(output, labels), own) for output, own in zip(outputs, shares, strict=True))

    return decode, (task.decode((), labels), ())


def predict_marginals(trained: Trained, examples: Sequence[Example]) -> list[list[list[float]]]:
    """For each token of each example, the probability of each of the run's labels; for models with `marginals`."""
    return _compute(trained, examples, trained.model.marginals, [])


def _compute(
    trained: Trained, examples: Sequence[Example], compute: Callable[[Batch], Iterable[T]], nothing: T
) -> list[T]:
    """Apply `compute` to batches and return its results in the order of the examples; `nothing` for empty ones."""
    total = sum(bool(example.tokens) for example in examples)
    found: list[T] = []
    done = 0

    def computed(part: Groups, sentences: PreparedSentences) -> list[T]:
        return _decode(trained, sentences, [example for (example,) in part], compute, nothing)

    for part, some in in_parts(trained, ([example] for example in examples), computed):
        found += some
        done += sum(bool(example.tokens) for (example,) in part)
        report_progress("predicting", done, total, "sentences")
    return found


@torch.no_grad()
def _decode(
    trained: Trained,
    sentences: PreparedSentences,
    examples: Sequence[Example],
    compute: Callable[[Batch], Iterable[T]],
    nothing: T,
) -> list[T]:
    """Apply `compute` to batches of examples of these or other sentences; `nothing` for examples without tokens."""
    full = [example for example in examples if example.tokens]
    if not sentences.covers(full):
        sentences = PreparedSentences(full, trained.inputs, trained.task.given)
    found: dict[int, T] = {}
    device = frozen_device()
    for batch in batches_by_tokens(sentences.items(full), _BATCH_TOKENS):
        found |= zip(batch.indices, compute(batch.to(device)), strict=True)
    outputs = (found[index] for index in range(len(full)))
    return [next(outputs) if example.tokens else nothing for example in examples]


def predict(
    folder: Path,
    lines: Iterable[str],
    block: int | None = None,
    origin: str = "input",
    *,
    probabilities: bool = False,
    task_file: str | Path | None = None,
    trust: bool = False,
) -> Iterator[dict[str, Any]]:
    """Apply a run to tokenised sentences, one per line. Yields the results of `Task.describe` in order.

    block: see `predict_lines`; origin: the source of the lines, for messages; probabilities: add a `score` to each
    entity, predicate, argument and mention; task_file, trust: see `load_trained`.

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
    block: int | None = None,
    origin: str = "input",
    *,
    first: int = 1,
    probabilities: bool = False,
) -> Iterator[dict[str, Any]]:
    """`predict` for a run that is already loaded. first: the number of the first line, for messages.

    block: number of lines that are read at a time, for lines that arrive slowly: their results are yielded before the
    next line is read. None reads ahead, which is faster: several parts of a few thousand tokens are computed at the
    same time.
    """
    waiting: deque[str] = deque()  # lines that have been read, but whose results have not been yielded

    def parsed() -> Iterator[Sequence[Example]]:
        numbered = enumerate((ended.rstrip("\r\n") for ended in lines), first)
        if trained.task.document is not None:
            read = parse_documents(numbered, origin, trained.task.document)
        else:
            read = ((line, trained.task.parse(line, f"{origin}:{number}")) for number, line in numbered)
        for line, examples in read:
            waiting.append(line)
            yield examples

    groups = parsed()
    blocks = [groups] if block is None else iter(lambda: list(itertools.islice(groups, block)), [])
    for some in blocks:
        for found in apply_run(trained, some, probabilities=probabilities):
            yield _described(trained, waiting.popleft(), found)


def _described(trained: Trained, line: str, found: Applied) -> dict[str, Any]:
    """The result for a line, with probabilities if there are any."""
    value = trained.task.describe(line, found.examples, found.predicted)
    if found.examples and found.probabilities is not None and trained.task.result is not None:
        sentence = sentence_of(found.examples[0].tokens)
        own = trained.task.result(sentence, found.examples, found.predicted, found.probabilities)
        if isinstance(own, TagResult):  # whose tags are words in `describe`
            value["scores"] = [tag["score"] for tag in own.findings()["tags"]]
        else:
            _add_scores(value, own.findings())
    return value


def check_probabilities(trained: Trained) -> None:
    """Raises InputError if the run's model has no probabilities."""
    if not gives_probabilities(trained):
        raise InputError(
            f"the model of the task {trained.task.name} has no probabilities (no decode_with_probabilities); leave out "
            "the option"
        )


def _add_scores(value: Any, scored: Any) -> None:
    """Copy each `score` to the same place in `value`, whose lists have the same order."""
    if isinstance(scored, list):
        for item, own in zip(value, scored, strict=True):
            _add_scores(item, own)
    elif isinstance(scored, Mapping):
        if "score" in scored:
            value["score"] = scored["score"]
        for key, items in scored.items():
            if isinstance(items, list):
                _add_scores(value[key], items)
