"""One trial: a training whose epochs are compared with those of earlier trials, and which stops where it falls behind.

The test split is neither read nor evaluated.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import optuna

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import disk_faults
from elmo_tasks.core.outputs import wait_for
from elmo_tasks.core.settings import flat
from elmo_tasks.data.catalog import load_data
from elmo_tasks.data.splits import Splits
from elmo_tasks.jobs.logged import train_logged
from elmo_tasks.runs.experiment import Experiment, recorded_beside
from elmo_tasks.runs.folder import LAST, RunFolder, read_epochs, read_metrics
from elmo_tasks.task import load_task

KIND = "tuning"
"""The kind of the folder of a search in its marker."""
FINISHED, PRUNED, FAILED = "finished", "pruned", "failed"
_EPOCHS = "epochs.csv"


@dataclass(frozen=True)
class Trial:
    """A trial to run.

    name: of its folder and log below `root`; command: the command that trains the same; past: the trials that its
    epochs are compared with; prune: whether they are.
    """

    name: str
    root: Path
    experiment: Experiment
    command: str = ""
    past: tuple[optuna.trial.FrozenTrial, ...] = ()
    prune: bool = True

    @property
    def folder(self) -> Path:
        """The folder of its run."""
        return self.root / "trials" / self.name

    @property
    def log(self) -> Path:
        """The file with the output of its run."""
        return self.root / "logs" / f"{self.name}.log"


@dataclass(frozen=True)
class Tried:
    """How a trial ended.

    state: `finished`, `pruned` or `failed`; score: the dev score of the best epoch, None if it failed; epochs: the dev
    score of each epoch; seconds: of this sitting; fault: why it failed.
    """

    state: str
    score: float | None
    epochs: tuple[float, ...]
    seconds: float
    fault: str = ""


class _Behind(Exception):
    """The trial has fallen behind and stops. The arguments are the dev scores of its epochs."""


def trial_runner(threads: int) -> Callable[[Trial], Tried]:
    """The function that runs trials in a process with so many threads, for a pool."""
    import torch

    torch.set_num_threads(threads)
    return run_trial


def run_trial(trial: Trial) -> Tried:
    """Train a trial, or continue it from its last epoch. One that has finished is not trained again."""
    began = time.monotonic()
    try:
        state, score, epochs = train_logged(
            trial.root, KIND, trial.folder, trial.log, trial.command, lambda tell: _train(trial, tell)
        )
        return Tried(state, score, epochs, time.monotonic() - began)
    except InputError as error:
        return Tried(FAILED, None, (), time.monotonic() - began, str(error))


def _train(trial: Trial, tell: Callable[[str], None]) -> tuple[str, float, tuple[float, ...]]:
    from elmo_tasks.training.train import train

    wait_for(trial.folder)  # a process that has just lost its machine or its parent is about to end
    work = RunFolder(trial.folder).work
    check: Callable[[], object] = _Comparison(trial) if trial.prune else bool

    def told(line: str) -> None:
        tell(line)
        if line.startswith("epoch "):
            check()

    try:
        if not (trial.folder / "metrics.json").exists():
            splits, resume = read_splits(trial.experiment), _is_resumable(work, trial.experiment)
            if resume:
                check()  # it may have been killed between falling behind and saying so
            options: dict[str, Any] = {"command": trial.command, "resume": resume, "overwrite": True, "tell": told}
            train(trial.experiment, trial.folder, splits=splits, **options)
    except _Behind as behind:
        return PRUNED, max(behind.args), behind.args
    metrics = read_metrics(trial.folder)
    score = float(flat(metrics["dev"])[metrics["selected_by"]])
    return FINISHED, score, _dev_scores(trial.folder)


def _is_resumable(work: Path, experiment: Experiment) -> bool:
    """Whether there is a checkpoint of exactly this experiment."""
    try:
        recorded, own = recorded_beside(work, experiment)
    except InputError:
        return False
    return recorded == own and (work / LAST).exists()


def read_splits(experiment: Experiment) -> Splits:
    """The train and dev splits of an experiment; its test split is not read. Raises InputError if one is damaged."""
    reader = load_task(experiment.task).read
    return replace(load_data(experiment.data, reader, experiment.reading, only=("train", "dev")), test=())


class _Comparison:
    """Compares the epochs of a trial with those of earlier ones by Optuna's median rule, whenever it is called.

    It stops if its best epoch so far is worse than the median of the others at the same epoch. The others are those
    that were known when it began, so that the outcome does not depend on how fast other trials are.

    Raises:
        _Behind: the trial has fallen behind.
    """

    def __init__(self, trial: Trial) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        study = optuna.create_study(direction="maximize", pruner=optuna.pruners.MedianPruner(n_warmup_steps=1))
        study.add_trials(trial.past)
        self._trial, self._work = study.ask(), RunFolder(trial.folder).work
        self._known = 0

    def __call__(self) -> None:
        scores = _dev_scores(self._work)
        for epoch in range(self._known, len(scores)):
            self._trial.report(scores[epoch], epoch)
            if self._trial.should_prune():
                raise _Behind(*scores[: epoch + 1])
        self._known = len(scores)


def _dev_scores(folder: Path) -> tuple[float, ...]:
    """The dev scores of the epochs of a run, also of an unfinished one; none if there is no epoch yet."""
    return tuple(row["dev"] for row in read_epochs(folder, {})) if (folder / _EPOCHS).exists() else ()


def remove_run(folder: Path) -> None:
    """Remove what a trial has left in its folder and next to it, finished or not."""
    with disk_faults(folder):
        for path in (folder, RunFolder(folder).work):
            if path.exists():
                shutil.rmtree(path)
