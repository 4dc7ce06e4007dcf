"""The base class of the estimators: `fit` trains a run in memory, which can be stored as a run folder."""

from __future__ import annotations

import json
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import check_is_fitted, check_random_state

from elmo_tasks.core.errors import InputError, quoted
from elmo_tasks.core.files import disk_faults, read_object
from elmo_tasks.core.fork_safe_lock import ForkSafeLock
from elmo_tasks.core.settings import flat, to_dict
from elmo_tasks.core.terminal import loudness, remark
from elmo_tasks.data.objects import IN_MEMORY
from elmo_tasks.data.splits import Splits
from elmo_tasks.integrations.sklearn.token_lists import check_writable, full_token_lists
from elmo_tasks.runs.experiment import Experiment, resolve_experiment, settings_lines
from elmo_tasks.runs.folder import RunFolder, is_own, read_metrics
from elmo_tasks.runs.hub import find_run, push_to_hub
from elmo_tasks.runs.predict import predict_examples
from elmo_tasks.runs.store import Trained, load_trained
from elmo_tasks.task import Prediction
from elmo_tasks.text.examples import Example
from elmo_tasks.views.progress import progress_bars

E = TypeVar("E", bound="RunEstimator")

ESTIMATOR = "estimator.json"
"""The file in a run with additional data of an estimator: its tokenizer, if it is not the task's usual one."""

_LOADING = ForkSafeLock()
_NOT_KEPT = ("checkpoints", "plots")


class RunEstimator(BaseEstimator, ABC):  # type: ignore[misc]
    """A task as a scikit-learn estimator; a fitted one is a run, as made by `elmo-tasks train`.

    Each key of `settings` is also a parameter, with two underscores for the dot: `training__epochs` in `set_params`
    and in the grid of a search.

    Args:
        embedders: names as for `--embedders`; None means those of the task's configuration.
        settings: further keys of a configuration, such as `{"training.epochs": 3, "model.hidden": 50}`.
        validation_fraction: the fraction of the training data used to select the best epoch if `fit` gets no dev data.
        random_state: the random seed: an integer, a `numpy.random.RandomState` to draw it from, or None to draw it from
            numpy's global one.
        tokenizer: how texts are split into tokens: `whitespace` for tokenised texts, `raw` for the package's tokeniser,
            as in `elmo-tasks predict --text`. Lists of tokens are not changed.

    Attributes:
        metrics_: the `metrics.json` of the run: dev scores, epochs, mix weights, seconds, and the seed.
        run_: the files of the run, name to content.
    """

    task: ClassVar[str]
    usual_tokenizer: ClassVar[str] = "whitespace"
    """How `elmo-tasks predict` splits the lines of this task."""

    def __init__(
        self,
        *,
        embedders: Sequence[str] | None = None,
        settings: Mapping[str, Any] | None = None,
        validation_fraction: float = 0.1,
        random_state: int | np.random.RandomState | None = 1,
        tokenizer: str = "whitespace",
    ) -> None:
        self.embedders = embedders
        self.settings = settings
        self.validation_fraction = validation_fraction
        self.random_state = random_state
        self.tokenizer = tokenizer

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The arguments; with `deep`, also the keys of `settings`, such as `training__epochs`."""
        found: dict[str, Any] = super().get_params(deep)
        if deep and isinstance(self.settings, Mapping):
            found |= {key.replace(".", "__"): value for key, value in self.settings.items()}
        return found

    def set_params(self: E, **params: Any) -> E:
        """Set arguments, or keys of `settings` by names such as `training__epochs`.

        Raises:
            ValueError: an argument does not exist, as in scikit-learn. Keys of settings are checked by `fit`.
        """
        given = {name: value for name, value in params.items() if "__" not in name}
        super().set_params(**given)
        if nested := {name.replace("__", "."): value for name, value in params.items() if "__" in name}:
            self.settings = {**(self.settings or {}), **nested}
        return self

    @abstractmethod
    def _examples(self, documents: Sequence[Any], y: Sequence[Any], name: str) -> list[Example]:
        """Make examples with gold. Raises InputError, with `name` and a number, for gold that does not fit."""

    @abstractmethod
    def _without_gold(self, document: Any) -> Example:
        """Make an example to predict."""

    @abstractmethod
    def _strata(self, y: Sequence[Any]) -> Sequence[Any] | None:
        """The labels to stratify the dev split by, or None."""

    def fit(
        self: E,
        X: Iterable[Any],
        y: Iterable[Any],
        X_dev: Iterable[Any] | None = None,
        y_dev: Iterable[Any] | None = None,
        *,
        verbose: bool = False,
    ) -> E:
        """Train. Early stopping and the choice of the best epoch only use the dev data.

        Args:
            X: texts, which `tokenizer` splits, or lists of tokens.
            y: the gold of each document.
            X_dev, y_dev: the dev data; by default `validation_fraction` of `X`, drawn with `random_state`.
            verbose: whether to print a line per epoch, and on a terminal progress bars for everything that takes more
                than 2 seconds.

        Raises:
            InputError: `X` and `y` do not fit each other, or a setting or an embedder does not exist.
        """
        if y is None:
            raise InputError("fit: y is None, but it requires y, the gold of each document")
        if (X_dev is None) != (y_dev is None):
            given, missing = ("y_dev", "X_dev") if X_dev is None else ("X_dev", "y_dev")
            raise InputError(
                f"fit: {given} was passed without {missing}; pass both, or neither to draw dev data from X"
            )
        seed = self._seed()
        examples = self._gold_examples(X, y := self._gold(y, "y"), "")
        if X_dev is None or y_dev is None:
            strata = self._strata(y)
            try:
                examples, dev = train_test_split(
                    examples, test_size=self.validation_fraction, random_state=seed, stratify=strata
                )
            except ValueError as error:  # too few examples, or an invalid fraction
                raise InputError(f"fit: cannot hold out dev data ({error}); pass X_dev and y_dev") from None
        else:
            dev = self._gold_examples(X_dev, self._gold(y_dev, "y_dev"), "_dev")
        splits = Splits(IN_MEMORY, "fit", tuple(examples), tuple(dev), ())
        from elmo_tasks.training.train import train  # imports Lightning, which a fitted estimator does not need

        with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
            stack.enter_context(loudness("verbose" if verbose else "quiet"))
            if verbose:
                stack.enter_context(progress_bars())
            outcome = train(self._experiment(seed), Path(place) / "run", splits=splits, tell=remark)
            self._take(outcome.folder, trust=True)
        if self.tokenizer != self.usual_tokenizer:
            self.run_[ESTIMATOR] = json.dumps({"tokenizer": self.tokenizer}).encode()
        return self

    def score(self, X: Iterable[Any], y: Iterable[Any]) -> float:
        """The task's headline on gold: strict span F1 for tagging, accuracy for classification; from 0 to 1."""
        check_is_fitted(self, "run_")
        examples = self._gold_examples(X, self._gold(y, "y"), "")
        trained = self._trained()
        found = trained.task.score(examples, predict_examples(trained, examples)).as_dict()
        return float(found[trained.task.headline])

    def save(self, folder: str | Path) -> None:
        """Write the run folder, for `load`, `elmo-tasks predict` and `elmo-tasks evaluate`. No pickle.

        Raises:
            InputError: the folder exists already or cannot be written.
        """
        check_is_fitted(self, "run_")
        run = RunFolder(Path(folder))
        with run.claimed(resume=False, overwrite=False):
            run.begin(resume=False)
            _write(run.work, self.run_)
            run.finish()

    @classmethod
    def load(cls: type[E], folder: str | Path, *, trust: bool = False) -> E:
        """Load a fitted estimator from a run folder, also of `elmo-tasks train`, or from `ORG/NAME` on the hub.

        trust: whether embedders outside the folder may be read although the run was not trained here.

        Raises:
            InputError: there is no run, its task is another one, a file is damaged, or an embedder is outside the
                folder.
        """
        place = find_run(folder)
        trained = load_trained(place, trust=trust)
        if trained.task.name != cls.task:
            raise InputError(f"{folder}: the task of the run is {trained.task.name}, not {cls.task}")
        given = trained.experiment
        settings = {key: value for key, value in flat(to_dict(given)).items() if "." in key}
        estimator = cls(embedders=given.embedders, settings=settings, random_state=given.seed)
        if (place / ESTIMATOR).is_file():
            estimator.tokenizer = read_object(place / ESTIMATOR, tokenizer=str)["tokenizer"]
        estimator._take(place, trust=trust or is_own(place))
        return estimator

    @classmethod
    def from_pretrained(cls: type[E], name: str) -> E:
        """`load` under the usual name for users of the Hugging Face hub."""
        return cls.load(name)

    def push_to_hub(self, name: str, *, license: str | None = None, private: bool = False) -> str:
        """Upload the run and its model card to `ORG/NAME` on the Hugging Face hub. Returns the address."""
        check_is_fitted(self, "run_")
        with tempfile.TemporaryDirectory() as place:
            _write(Path(place), self.run_)
            return push_to_hub(Path(place), name, license=license, private=private)

    def _gold(self, y: Iterable[Any], name: str) -> list[Any]:
        """The given gold as a list."""
        return list(y)

    def _documents(self, X: Iterable[Any], name: str) -> Sequence[Any]:
        """The tokens of each document. Raises InputError, with `name` and a number, if one has none."""
        return full_token_lists(X, name, self.tokenizer)

    def _predictions(self, documents: Sequence[Any]) -> list[Prediction]:
        return predict_examples(self._trained(), [self._without_gold(document) for document in documents])

    def _gold_examples(self, X: Iterable[Any], y: Sequence[Any], suffix: str) -> list[Example]:
        documents = self._documents(X, f"X{suffix}")
        if len(documents) != len(y):
            raise InputError(
                f"y{suffix}: there are {len(y)} gold items for {len(documents)} documents; give one per document"
            )
        check_writable([self._without_gold(document).tokens for document in documents], f"X{suffix}")
        return self._examples(documents, y, f"y{suffix}")

    def _seed(self) -> int:
        """The seed of this fit. Raises InputError if `random_state` is invalid."""
        if isinstance(self.random_state, (int, np.integer)):
            return int(self.random_state)
        try:
            return int(check_random_state(self.random_state).randint(2**31 - 1))
        except ValueError:
            raise InputError(
                f"random_state must be a whole number, a numpy RandomState or None, not {quoted(self.random_state)}"
            ) from None

    def _experiment(self, seed: int) -> Experiment:
        given: dict[str, Any] = {"data": IN_MEMORY, "seed": seed}
        if self.embedders is not None:
            given["embedders"] = list(self.embedders)
        return resolve_experiment(self.task, None, given, settings_lines(self.settings))

    def _take(self, folder: Path, *, trust: bool) -> None:
        """Store the files of a run folder and load its model. trust: see `load_trained`; also applies to copies."""
        self.trust_ = trust
        files = [path for path in folder.rglob("*") if path.is_file()]
        names = {path.relative_to(folder): path for path in files}
        kept = {str(name): path for name, path in names.items() if name.parts[0] not in _NOT_KEPT}
        self.run_ = {name: path.read_bytes() for name, path in sorted(kept.items())}
        self.metrics_ = read_metrics(folder)
        self._loaded = load_trained(folder, trust=trust)

    def _trained(self) -> Trained:
        check_is_fitted(self, "run_")
        with _LOADING:
            if "_loaded" not in self.__dict__:  # in a copy
                with tempfile.TemporaryDirectory() as place:
                    _write(Path(place), self.run_)
                    self._loaded = load_trained(Path(place), trust=self.trust_)
        return self._loaded

    def __getstate__(self) -> dict[str, Any]:
        """Copies and joblib processes get the files of the run and build the model from them."""
        state: dict[str, Any] = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_loaded"}

    def __sklearn_tags__(self) -> Any:
        """Tags that declare texts as input, not a table."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.target_tags.required = True
        return tags


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    with disk_faults(folder):
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
