"""The trials of one combination of embedders: what was tried, in an Optuna study on disk, and what to try next."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState

from elmo_tasks.core.errors import InputError
from elmo_tasks.tuning.space import Choices, Range, Space
from elmo_tasks.tuning.trial import FAILED, FINISHED, PRUNED, Tried

_STATES = {FINISHED: TrialState.COMPLETE, PRUNED: TrialState.PRUNED, FAILED: TrialState.FAIL}
_EACH = 1_000_003  # seeds of the sampler are this far apart
_LARGEST_SEED = 2**32


def open_storage(path: Path) -> optuna.storages.RDBStorage:
    """The SQLite file of the studies. Raises InputError if it cannot be opened or is not such a file."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        return optuna.storages.RDBStorage(f"sqlite:///{path.resolve()}")
    except Exception as error:  # of SQLAlchemy, SQLite and Optuna
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{path}: cannot be used as the record of a search ({reason}); pass --overwrite") from None


class Search:
    """A study, to which only finished trials are added, in order.

    What is tried next depends on the seed, the number of the trial and those before it alone, so that a search that
    was killed goes on as if it had not been.

    Args:
        name: of the study.
        distributions: the space.
        seed: of the search.
        storage: the file of the studies.
    """

    def __init__(
        self, name: str, distributions: Mapping[str, BaseDistribution], seed: int, storage: optuna.storages.RDBStorage
    ) -> None:
        self.name, self._distributions, self._seed = name, dict(distributions), seed
        self.study = optuna.create_study(storage=storage, study_name=name, direction="maximize", load_if_exists=True)
        self.trials: list[FrozenTrial] = self.study.get_trials()

    def ask(self, number: int, known: int) -> tuple[dict[str, Any], tuple[FrozenTrial, ...]]:
        """The parameters of a trial, from the first `known` trials, which are returned too."""
        past = tuple(self.trials[:known])
        sampler = optuna.samplers.TPESampler(seed=(self._seed * _EACH + number) % _LARGEST_SEED)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        study.add_trials(past)
        return dict(study.ask(self._distributions).params), past

    def tell(self, params: Mapping[str, Any], tried: Tried) -> None:
        """Add a trial that has ended, in one transaction."""
        trial = optuna.trial.create_trial(
            state=_STATES[tried.state],
            value=tried.score,
            params=dict(params),
            distributions=self._distributions,
            intermediate_values=dict(enumerate(tried.epochs)),
            user_attrs={"seconds": tried.seconds, "fault": tried.fault},
        )
        self.study.add_trial(trial)
        self.trials.append(self.study.get_trials(deepcopy=False)[-1])

    def finished(self) -> list[FrozenTrial]:
        """The trials that were trained to the end."""
        return [trial for trial in self.trials if trial.state == TrialState.COMPLETE]

    def best(self) -> FrozenTrial | None:
        """The first of the finished trials with the highest dev score."""
        return max(self.finished(), key=lambda trial: trial.value or 0.0, default=None)

    def importance(self) -> dict[str, float]:
        """The share of each setting in the variance of the scores (fANOVA, Hutter et al. 2014); empty if unknown."""
        finished = self.finished()
        if len(finished) < 2 or len({trial.value for trial in finished}) < 2:
            return {}
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
        return dict(optuna.importance.get_param_importances(self.study, evaluator=evaluator))


def distribution_of(values: Choices | Range, *, whole: bool) -> BaseDistribution:
    """Optuna's form of the values of a setting. whole: whether its values are whole numbers."""
    if isinstance(values, Choices):
        return CategoricalDistribution([to_param(value) for value in values.values])
    if whole:
        return IntDistribution(int(values.low), int(values.high), log=values.log, step=int(values.step) or 1)
    return FloatDistribution(values.low, values.high, log=values.log, step=values.step or None)


def to_param(value: Any) -> Any:
    """A value as a parameter of Optuna, which has no lists."""
    return json.dumps(value) if isinstance(value, (list, dict)) else value


def settings_of(params: Mapping[str, Any], space: Space) -> dict[str, Any]:
    """The settings that parameters stand for, by key."""
    found = {}
    for key, param in params.items():
        values = space[key]
        pairs = {repr(to_param(value)): value for value in values.values} if isinstance(values, Choices) else {}
        found[key] = pairs.get(repr(param), param)
    return found
