"""Tasks: each recipe `tasks/NAME/task.py` defines one `Task`, an immutable description of a downstream task."""

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
from elmo_tasks.metrics import Counts, Ratio
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
"""A prediction of any task. Only the task itself knows its type."""


class Scores(Protocol):
    """The result of `Task.score`: numbers for JSON and a readable table."""

    @property
    def report(self) -> str:
        """A text table."""

    def as_dict(self) -> dict[str, Any]:
        """The scores as JSON values.

        The task's headline is required, as a fraction from 0 to 1 (higher is better). Other numbers appear in the
        final table of `train`: floats as per cent, integers unchanged. Two optional keys are shown in more detail:
        `per_type`, a dictionary of `{"precision", "recall", "f1", "support"}` by type, and `confusion`,
        `{"labels": [...], "counts": [[...], ...]}` with one row per gold label.
        """


class TaskModel(Protocol):
    """The result of `Task.build_model`: a `torch.nn.Module` with these two methods and the mix passed to it.

    A model may also have `decode_with_probabilities(batch)`, which returns the outputs of `decode` and, for each
    example, a list of probabilities for `Task.result`.
    """

    @property
    def mix(self) -> EmbeddingMix:
        """The learned mix of the embedders."""

    def loss(self, batch: Batch) -> Tensor:
        """The scalar loss of a batch with gold."""

    def decode(self, batch: Batch) -> Sequence[Sequence[Any]]:
        """One output per example of the batch, which `Task.decode` turns into a prediction."""


def nothing_given(example: object) -> dict[str, Any]:
    """Return nothing besides the tokens."""
    return {}


def no_further(example: object, predicted: object) -> tuple[()]:
    """Return no further examples, because the prediction is complete."""
    return ()


@dataclass(frozen=True)
class Task(Generic[ExampleT, PredictionT, SettingsT]):
    """One downstream task.

    The type parameters are the types of its examples (see `Example`), of its predictions (any type) and of its
    model's settings (a frozen dataclass).

    Args:
        name: the name of the task, which its runs record.
        settings: the dataclass of the model's settings, `model:` in a configuration. Every field has a default.
        headline: the key of the score that selects the best epoch on dev.
        default_data: the data set that `train` uses without `--data`: a catalog name or a folder.
        read: reads the file of a split. It may take the keywords `columns`, `encoding`, `map_labels` and
            `note`, see `elmo_tasks.data.reading`.
        parse: converts one input line of `predict` (without its line break) and its `file:line` to examples; usually
            one, but there may be none or several.
        labels: collects the labels of the training examples.
        encode: converts the gold of an example to numbers: one per token, one for the example, or rows of numbers of
            the same length.
        decode: converts the output of the model's `decode` for one example to a prediction. An example without tokens
            never reaches the model; its prediction is `decode` of `()`.
        build_model: makes the model, a `torch.nn.Module` as described by `TaskModel`.
        score: compares examples with predictions.
        count: counts one example's gold, predicted and correct items, such as spans, or its label (one of each).
            Summed over a split, 2 correct / (gold + predicted) is the headline: F1 of spans, accuracy of labels.
            `benchmark` tests differences for significance with these counts; if they do not add up to the headline, it
            reports no p-value.
        ratios: instead, if the headline is a mean of F1 scores whose precision and recall have numerators of their own:
            one example's `Ratio` for each of them. `benchmark` then tests with these.
        describe: makes the JSON value that `predict` prints for a line, from the line (without its line break), its
            examples and their predictions.
        record: makes the text of `predictions.test.txt`.
        given: makes what the model reads of an example besides its tokens, by name, in prediction too. The model finds
            these values in `Batch.given`, one mapping per example.
        closed: if true, labels in dev or test that the training data lacks are an error; otherwise they count as
            misses.
        gold: makes the text of `gold.test.txt`, if an external scorer needs gold and predictions in separate files.
        follow: makes further examples from a prediction, such as one for each predicate found in a sentence. They are
            predicted too, and `describe` gets them after the examples of the line.
        plain: makes an example without gold from its tokens and its source; by default `parse` of the tokens joined
            with spaces.
        pair: instead of `plain` for a task whose examples are pairs of texts: makes an example without gold from the
            tokens of both and its source.
        document: instead of `plain` for a task whose examples are documents: makes an example without gold from the
            tokens of its sentences and its source. `predict` then reads one sentence per line, and a blank line ends a
            document.
        result: makes the typed result for a sentence from the sentence, its examples, their predictions and, for each
            of them, the model's probabilities (None if they were not requested or the model has none). By default an
            `OtherResult` with the value of `describe`.
        objects: makes examples from Python objects (lists, pandas frames, Hugging Face data sets), like the functions
            in `elmo_tasks.data.objects`: from the object, its name in messages, its column names by role and a
            callback for notes. By default only a list of the task's examples is accepted.
    """

    name: str
    settings: type[SettingsT]
    headline: str
    default_data: str
    read: Callable[[Path], Sequence[ExampleT]]
    parse: Callable[[str, str], Sequence[ExampleT]]
    labels: Callable[[Sequence[ExampleT]], LabelSet]
    encode: Callable[[ExampleT, LabelSet], list[int] | list[list[int]] | int]
    decode: Callable[[Sequence[Any], LabelSet], PredictionT]
    build_model: Callable[[EmbeddingMix, LabelSet, SettingsT], TaskModel]
    score: Callable[[Sequence[ExampleT], Sequence[PredictionT]], Scores]
    count: Callable[[ExampleT, PredictionT], Counts]
    describe: Callable[[str, Sequence[ExampleT], Sequence[PredictionT]], dict[str, Any]]
    record: Callable[[Sequence[ExampleT], Sequence[PredictionT]], str]
    given: Callable[[ExampleT], Mapping[str, Any]] = nothing_given
    closed: bool = False
    gold: Callable[[Sequence[ExampleT]], str] | None = None
    ratios: Callable[[ExampleT, PredictionT], Sequence[Ratio]] | None = None
    follow: Callable[[ExampleT, PredictionT], Sequence[ExampleT]] = no_further
    plain: Callable[[tuple[str, ...], str], ExampleT] | None = None
    pair: Callable[[tuple[str, ...], tuple[str, ...], str], ExampleT] | None = None
    document: Callable[[tuple[tuple[str, ...], ...], str], ExampleT] | None = None
    result: (
        Callable[[Sentence, Sequence[ExampleT], Sequence[PredictionT], Sequence[Sequence[float]] | None], Result] | None
    ) = None
    objects: Callable[[Any, str, Mapping[str, Any], Note], Sequence[ExampleT]] | None = None

    def examples(
        self, given: Any, name: str, columns: Mapping[str, Any] | None = None, note: Note = no_note
    ) -> Sequence[ExampleT]:
        """Convert Python objects to examples with gold; a list of examples is returned unchanged.

        Raises:
            InputError: there are no examples, or they cannot be read; the message contains `name` and the row.
        """
        if isinstance(given, Sequence) and given and all(is_dataclass(item) for item in given):
            if not all(hasattr(item, "tokens") and hasattr(item, "source") for item in given):
                raise InputError(f"{name}: {quoted(given[0])} is not an example, which has tokens and a source")
            return list(given)
        if self.objects is None:
            found = f"a {type(given).__name__}"
            if isinstance(given, (list, tuple)):
                found = f"a list of {type(given[0]).__name__}" if given else "an empty list"
            raise InputError(
                f"{name} must be a list of examples of the task {self.name}, not {found}; make examples, or pass files "
                "as data="
            )
        return self.objects(given, name, columns or {}, note)

    def check(self, examples: Sequence[ExampleT], known: LabelSet) -> None:
        """Raise InputError, with `file:line`, if the labels are closed and an example has an unseen one."""
        if self.closed:
            for example in examples:
                self.encode(example, known)

    def model_settings(self, values: Mapping[str, Any]) -> SettingsT:
        """Make the `settings` from these values, with defaults for all others.

        Raises:
            InputError: a key is unknown (the message suggests the nearest), or a value has the wrong type.
        """
        return from_mapping(self.settings, values, "model.")


AnyTask: TypeAlias = Task[Any, Any, Any]
"""A task whose types only its recipe knows."""


def load_task(name: str) -> AnyTask:
    """Load a task by its name or the path of its `task.py`, which is executed.

    Raises:
        InputError: the task does not exist, or the file defines no `task`.
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
        raise InputError(f"{path}: the file defines no task; it must have a line `task = Task(...)`")
    return task
