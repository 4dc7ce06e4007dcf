"""What an experiment is about: a Task, the frozen value that a recipe `tasks/NAME/task.py` defines."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.paths import task_path
from elmo_tasks.core.settings import from_mapping
from elmo_tasks.metrics import Counts
from elmo_tasks.text.examples import Example
from elmo_tasks.text.labels import LabelSet

if TYPE_CHECKING:
    from torch import nn

    from elmo_tasks.nn.embedding_mix import EmbeddingMix


# What `Task.decode` makes of a model's output for one example. Only the task itself looks inside: a tagger's are tags,
# a classifier's a label with its probabilities.
Prediction: TypeAlias = Any


class Scores(Protocol):
    """What `Task.score` returns: numbers for JSON and a table for people."""

    @property
    def report(self) -> str:
        """A text table."""

    def as_dict(self) -> dict[str, Any]:
        """JSON values; the task's headline is among them."""


def no_further(example: Example, predicted: Prediction) -> Sequence[Example]:
    """Most predictions are all there is to say."""
    return ()


@dataclass(frozen=True)
class Task:
    """One downstream task.

    settings: the dataclass of the model's settings, `model:` in a configuration; headline: the key of the scores that
    dev chooses by; default_data: what `train` uses without `--data`.

    read: a split's file to examples; parse: the examples of one input line of `predict` (line, `file:line`), none or
    several if the task wants it so; labels: of the training examples; encode: an example's gold, label numbers a token
    or one number.

    decode: what the model's `decode` gives for one example to a prediction; an example without tokens reaches no model,
    and its prediction is `decode` of `()`. score: examples and predictions to Scores. describe: the JSON value that
    `predict` prints for a line, from the line, its examples and their predictions. record: the text of
    `predictions.test.txt`. closed: whether dev and test may have only labels that the training data has; where they
    may have others, these count as missed. gold: the text of `gold.test.txt`, if a foreign script wants
    the two apart.

    count: what one example adds to the headline, its gold, predicted and right spans, or labels (one of each). Summed
    over a split, 2 right / (gold + predicted) is the headline: F1 of spans, accuracy of labels.

    follow: further examples that a prediction of `predict` calls for (the predicates of a sentence, once they are
    found); they are decoded too, and `describe` gets them behind the line's own.
    """

    name: str
    settings: type[Any]
    headline: str
    default_data: str
    read: Callable[[Path], Sequence[Example]]
    parse: Callable[[str, str], Sequence[Example]]
    labels: Callable[[Sequence[Example]], LabelSet]
    encode: Callable[[Example, LabelSet], list[int] | int]
    decode: Callable[[Sequence[Any], LabelSet], Prediction]
    build_model: Callable[[EmbeddingMix, LabelSet, Any], nn.Module]
    score: Callable[[Sequence[Example], Sequence[Prediction]], Scores]
    count: Callable[[Example, Prediction], Counts]
    describe: Callable[[str, Sequence[Example], Sequence[Prediction]], dict[str, Any]]
    record: Callable[[Sequence[Example], Sequence[Prediction]], str]
    closed: bool = False
    gold: Callable[[Sequence[Example]], str] | None = None
    follow: Callable[[Example, Prediction], Sequence[Example]] = no_further

    def check(self, examples: Sequence[Example], known: LabelSet) -> None:
        """Raises InputError, with `file:line`, when the labels are closed and an example has another."""
        if self.closed:
            for example in examples:
                self.encode(example, known)

    def model_settings(self, values: Mapping[str, Any]) -> Any:
        """The `settings` with these values, all others at their defaults.

        Raises:
            InputError: an unknown key (the nearest is named), a value of the wrong type.
        """
        return from_mapping(self.settings, values, "model.")


def load_task(name: str) -> Task:
    """Load a task by its name or the path of its `task.py`.

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
        raise InputError(f"{path}: expected a module that defines `task = Task(...)`, found none")
    return task
