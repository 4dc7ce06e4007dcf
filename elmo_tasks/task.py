"""What an experiment is about: a Task, the frozen value that a recipe `tasks/NAME/task.py` defines."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, TypeVar

from elmo_tasks.core.errors import InputError, quoted
from elmo_tasks.core.paths import task_path
from elmo_tasks.core.settings import from_mapping
from elmo_tasks.data.reading import Note, no_note
from elmo_tasks.metrics import Counts
from elmo_tasks.text.examples import Example
from elmo_tasks.text.labels import LabelSet
from elmo_tasks.text.results import Result
from elmo_tasks.text.tokeniser import Sentence

if TYPE_CHECKING:
    from torch import Tensor

    from elmo_tasks.nn.batch import Batch
    from elmo_tasks.nn.embedding_mix import EmbeddingMix

ExampleT = TypeVar("ExampleT", bound=Example)
PredictionT = TypeVar("PredictionT")
SettingsT = TypeVar("SettingsT")

Prediction: TypeAlias = object
"""A prediction outside its task. Only the task itself looks inside."""


class Scores(Protocol):
    """What `Task.score` returns: numbers for JSON and a table for people."""

    @property
    def report(self) -> str:
        """A text table."""

    def as_dict(self) -> dict[str, Any]:
        """JSON values. Only the task's headline must be among them, as a fraction from 0 to 1, higher is better.

        Other numbers are shown in the closing table of `train`: floats as per cent, whole numbers as they are. Two
        optional keys are shown in more detail:
        `per_type`, a dictionary of `{"precision", "recall", "f1", "support"}` by type, and `confusion`,
        `{"labels": [...], "counts": [[...], ...]}` with one row per gold label.
        """


class TaskModel(Protocol):
    """What `Task.build_model` returns: a `torch.nn.Module` with these two methods and the mix that it was given.

    A model may also have `decode_with_probabilities(batch)`: what `decode` returns, and for each example a list of
    probabilities, which `Task.result` reads.
    """

    @property
    def mix(self) -> EmbeddingMix:
        """The learned mix of the embedders."""

    def loss(self, batch: Batch) -> Tensor:
        """The scalar loss of a batch with gold."""

    def decode(self, batch: Batch) -> Sequence[Sequence[Any]]:
        """One output per example of the batch, which `Task.decode` turns into a prediction."""


def no_further(example: object, predicted: object) -> tuple[()]:
    """No further examples: the prediction is complete."""
    return ()


@dataclass(frozen=True)
class Task(Generic[ExampleT, PredictionT, SettingsT]):
    """One downstream task.

    The type parameters are the types of its examples (see `Example`), of its predictions (any type) and of its
    model's settings (a frozen dataclass).

    Args:
        name: the task's name, which its runs record.
        settings: the dataclass of the model's settings, `model:` in a configuration. Every field has a default.
        headline: the key of the scores by which the best epoch on dev is chosen.
        default_data: the data that `train` uses without `--data`: a name of the catalog or a folder.
        read: reads the file of a split. It may take the keywords `columns`, `encoding`, `map_labels` and
            `note`, see `elmo_tasks.data.reading`.
        parse: the examples of one input line of `predict`, from the line without its line break and its `file:line`;
            usually one, but there may be none or several.
        labels: the labels of the training examples.
        encode: the gold of an example as numbers: one per token, or one for the sentence.
        decode: turns what the model's `decode` returns for one example into a prediction. An example without tokens
            never reaches the model; its prediction is `decode` of `()`.
        build_model: makes the model, a `torch.nn.Module` as described by `TaskModel`.
        score: compares examples with predictions.
        count: what one example adds to the headline: its gold, predicted and correct items, such as spans, or its
            label (one of each). Summed over a split, 2 correct / (gold + predicted) is the headline: F1 of spans,
            accuracy of labels. `benchmark` tests differences for significance by these counts; if they do not add up
            to the headline, it reports no p-value.
        describe: the JSON value that `predict` prints for a line, from the line (without its line break), its examples
            and their predictions.
        record: the text of `predictions.test.txt`.
        closed: if true, labels in dev or test that the training data lacks are an error; otherwise they count as
            misses.
        gold: the text of `gold.test.txt`, if a foreign scorer wants gold and predictions in separate files.
        follow: further examples that a prediction of `predict` calls for, such as the predicates that were found in a
            sentence. They are predicted too, and `describe` gets them after the examples of the line.
        plain: an example without gold, from its tokens and its source; by default `parse` of the tokens with blanks
            between them.
        result: the typed result for a sentence, from the sentence, its examples, their predictions and, for each of
            them, the probabilities that the model gives (None if they were not asked for or it gives none). By default
            an `OtherResult` with the value of `describe`.
        objects: makes examples from Python objects (lists, pandas frames, Hugging Face data sets), as the functions of
            `elmo_tasks.data.objects` do: from the object, what messages call it, the names of its columns by their role
            and a function that is told of oddities. By default only a list of the task's examples is taken.
    """

    name: str
    settings: type[SettingsT]
    headline: str
    default_data: str
    read: Callable[[Path], Sequence[ExampleT]]
    parse: Callable[[str, str], Sequence[ExampleT]]
    labels: Callable[[Sequence[ExampleT]], LabelSet]
    encode: Callable[[ExampleT, LabelSet], list[int] | int]
    decode: Callable[[Sequence[Any], LabelSet], PredictionT]
    build_model: Callable[[EmbeddingMix, LabelSet, SettingsT], TaskModel]
    score: Callable[[Sequence[ExampleT], Sequence[PredictionT]], Scores]
    count: Callable[[ExampleT, PredictionT], Counts]
    describe: Callable[[str, Sequence[ExampleT], Sequence[PredictionT]], dict[str, Any]]
    record: Callable[[Sequence[ExampleT], Sequence[PredictionT]], str]
    closed: bool = False
    gold: Callable[[Sequence[ExampleT]], str] | None = None
    follow: Callable[[ExampleT, PredictionT], Sequence[ExampleT]] = no_further
    plain: Callable[[tuple[str, ...], str], ExampleT] | None = None
    result: (
        Callable[[Sentence, Sequence[ExampleT], Sequence[PredictionT], Sequence[Sequence[float]] | None], Result] | None
    ) = None
    objects: Callable[[Any, str, Mapping[str, Any], Note], Sequence[ExampleT]] | None = None

    def examples(
        self, given: Any, name: str, columns: Mapping[str, Any] | None = None, note: Note = no_note
    ) -> Sequence[ExampleT]:
        """Examples with gold from Python objects; a list of examples is taken as it is.

        Raises:
            InputError: there is none, or they cannot be read; the message calls them `name` and names the row.
        """
        if isinstance(given, Sequence) and given and all(is_dataclass(item) for item in given):
            if not all(hasattr(item, "tokens") and hasattr(item, "source") for item in given):
                raise InputError(f"{name}: expected examples, which have tokens and a source, got {quoted(given[0])}")
            return list(given)
        if self.objects is None:
            raise InputError(
                f"{name}: the task {self.name} takes a list of its examples, got a {type(given).__name__}; make "
                "examples, or name files by data="
            )
        return self.objects(given, name, columns or {}, note)

    def check(self, examples: Sequence[ExampleT], known: LabelSet) -> None:
        """Raise InputError, with `file:line`, if the labels are closed and an example has an unseen one."""
        if self.closed:
            for example in examples:
                self.encode(example, known)

    def model_settings(self, values: Mapping[str, Any]) -> SettingsT:
        """The `settings` with these values, all others at their defaults.

        Raises:
            InputError: an unknown key (the nearest is named), a value of the wrong type.
        """
        return from_mapping(self.settings, values, "model.")


AnyTask: TypeAlias = Task[Any, Any, Any]
"""A task whose types are only known to its recipe."""


def load_task(name: str) -> AnyTask:
    """Load a task by its name or the path of its `task.py`, which is executed.

    Raises:
        InputError: no such task, or the file defines no `task`.
    """
    path = task_path(name)
    spec = importlib.util.spec_from_file_location(f"elmo_tasks_recipe_{path.parent.name}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except (SyntaxError, ImportError, NameError) as error:
        raise InputError(f"{path}: cannot be loaded as a task ({type(error).__name__}: {error})") from None
    task = getattr(module, "task", None)
    if not isinstance(task, Task):
        raise InputError(f"{path}: defines no task; it must have a line `task = Task(...)`")
    return task
