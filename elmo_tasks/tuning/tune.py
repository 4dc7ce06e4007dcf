"""Search for the best settings of a task: equally many trials for each combination of embedders, compared on dev."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from optuna.distributions import BaseDistribution

from elmo_tasks.benchmark.cell import names_slug
from elmo_tasks.benchmark.identity import Digests
from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import disk_faults, read_object, remove_left_behind, write_json
from elmo_tasks.core.folders import clear, use_folder
from elmo_tasks.core.outputs import hold, output_folder
from elmo_tasks.core.progress import report_progress
from elmo_tasks.core.settings import flat, to_dict
from elmo_tasks.core.terminal import remark
from elmo_tasks.jobs.engine import LOCAL, JobEngine
from elmo_tasks.jobs.pool import Done, Pool, run_jobs
from elmo_tasks.runs.experiment import Experiment, resolve_experiment, settings_lines
from elmo_tasks.tuning.report import write_report
from elmo_tasks.tuning.search import Search, distribution_of, open_storage, settings_of
from elmo_tasks.tuning.space import Choices, Range, Space
from elmo_tasks.tuning.trial import FAILED, FINISHED, KIND, Trial, Tried, read_splits, remove_run, trial_runner

TrialPool: TypeAlias = Pool[Trial, Tried]
BEGUN = "search.json"
STORE = "trials.db"


@dataclass(frozen=True)
class Subject:
    """What is tuned: a task with what stays the same in all trials.

    task: its name or file; given: data and seed; settings: as for `--set`; config: a configuration file.
    """

    task: str
    given: Mapping[str, Any]
    settings: Sequence[str] = ()
    config: Path | None = None

    def experiment(self, embedders: Sequence[str], tried: Mapping[str, Any] | None = None) -> Experiment:
        """The experiment with these embedders and the settings of a trial. Raises InputError if one is wrong."""
        given = {**self.given, **({"embedders": list(embedders)} if embedders else {})}
        return resolve_experiment(self.task, self.config, given, [*self.settings, *settings_lines(tried)])

    def command(self, embedders: Sequence[str], tried: Mapping[str, Any], experiment: Experiment) -> str:
        """The command that trains a trial on its own."""
        words = ["elmo-tasks", "train", self.task, "--data", experiment.data, "--embedders", *embedders]
        words += ["--seed", str(experiment.seed)]
        if self.config is not None:
            words += ["--config", str(self.config)]
        for setting in (*self.settings, *settings_lines(tried)):
            words += ["--set", setting]
        return shlex.join(words)


def tune(
    subject: Subject,
    space: Space,
    combinations: Sequence[Sequence[str]],
    folder: Path,
    *,
    trials: int,
    seed: int = 1,
    prune: bool = True,
    jobs: int | None = None,
    engine: JobEngine = LOCAL,
    overwrite: bool = False,
    command: str = "",
    pool: TrialPool | None = None,
) -> None:
    """Run the trials that are missing, then write the report and the best configurations.

    combinations: the embedders, each with `trials` trials; seed: of the search; prune: whether trials stop where they
    fall behind; jobs: number of trials at a time, see `benchmark`; overwrite: whether to start a search in `folder`
    again; pool: where trials run instead of in one that `engine` opens.

    Raises:
        InputError: space, settings or embedders are wrong, the folder contains something else or a search with others,
            another process is writing it, or no trial of a combination has finished.
    """
    for name, value in (("trials", trials), ("jobs", jobs)):
        if value is not None and value < 1:
            raise InputError(f"--{name} must be 1 or more, not {value}")
    engine.check()
    bases = [subject.experiment(names) for names in combinations]
    if len({base.embedders for base in bases}) < len(bases):
        raise InputError("--embedders: a combination is given twice; give each once")
    distributions = check_space(subject, space, bases)
    folder = output_folder(folder)
    with hold(folder):
        use_folder(folder, KIND)
        with disk_faults(folder):
            remove_left_behind(folder)
            if overwrite:
                clear(folder)
        _begin(folder, space, bases, seed, prune)
        storage = open_storage(folder / STORE)
        searches = [Search(" ".join(base.embedders), distributions, seed, storage) for base in bases]
        before = sum(min(trials, len(search.trials)) for search in searches)
        remark(f"{trials * len(searches)} trials, {before} of them finished, into {folder}")
        plan = _Plan(subject, space, searches, bases, folder, trials, prune)
        plan.tidy()  # after a kill
        if before < trials * len(searches):
            opened = nullcontext(pool) if pool is not None else _pool(engine, jobs)
            with opened as where:
                for done in run_jobs(where, plan.missing(where.limit), in_order=True):
                    plan.add(done)
        best = write_report(folder, searches, bases, plan.best_experiments(), command, trials)
        remark(f"report: {folder / 'report.html'}, report.md, tuning.json; best configuration: {best}")
    for search in searches:
        if not search.finished():
            faults = [trial.user_attrs["fault"] for trial in search.trials if trial.user_attrs["fault"]]
            first = f"; the first: {faults[0]}" if faults else ""
            raise InputError(f"no trial of {search.name} has finished{first} (logs in {folder / 'logs'})")


class _Plan:
    """Which trials run, in rounds of one for each combination, and what becomes of them."""

    def __init__(
        self,
        subject: Subject,
        space: Space,
        searches: Sequence[Search],
        bases: Sequence[Experiment],
        folder: Path,
        trials: int,
        prune: bool,
    ) -> None:
        self._subject, self._space, self._searches, self._bases = subject, space, searches, bases
        self._folder, self._trials, self._prune = folder, trials, prune
        self._asked = dict[str, tuple[Search, dict[str, Any]]]()

    def missing(self, at_once: int) -> Iterator[Trial]:
        """The trials that have not ended, each asked from those that have when it begins in an undisturbed search.

        at_once: the number of trials at a time.
        """
        behind = -(-at_once // len(self._searches))  # trials of the same combination that are not known yet
        for number in range(self._trials):
            for search, base in zip(self._searches, self._bases, strict=True):
                if number >= len(search.trials):
                    params, past = search.ask(number, max(0, number + 1 - behind))
                    trial = self._trial(base, number, params, past)
                    self._asked[trial.name] = search, params
                    yield trial

    def add(self, done: Done[Trial, Tried]) -> None:
        """Record a trial that has ended, and say so."""
        search, params = self._asked.pop(done.job.name)
        tried = done.value or Tried(FAILED, None, (), 0.0, f"{done.error}; see {done.job.log}")
        search.tell(params, tried)
        self.tidy()
        ended, total = sum(len(each.trials) for each in self._searches), self._trials * len(self._searches)
        shown = ", ".join(f"{key}={value}" for key, value in params.items())
        outcome = tried.fault if tried.state == FAILED else f"dev {tried.score:.4f}"
        note = "" if tried.state == FINISHED else f"{tried.state}: "
        remark(f"[{ended}/{total}] {search.name}: {note}{outcome} with {shown}")
        report_progress("tuning", ended, total, "trials")

    def tidy(self) -> None:
        """Remove the runs of all trials that have ended but the best of each combination."""
        for search, base in zip(self._searches, self._bases, strict=True):
            best = search.best()
            for trial in search.trials:
                if best is None or trial.number != best.number:
                    remove_run(self._folder / "trials" / _name(base, trial.number))

    def best_experiments(self) -> list[Experiment | None]:
        """For each combination, the experiment of its best trial."""
        found: list[Experiment | None] = []
        for search, base in zip(self._searches, self._bases, strict=True):
            best = search.best()
            tried = None if best is None else settings_of(best.params, self._space)
            found.append(None if tried is None else self._subject.experiment(base.embedders, tried))
        return found

    def _trial(self, base: Experiment, number: int, params: Mapping[str, Any], past: Sequence[Any] = ()) -> Trial:
        tried = settings_of(params, self._space)
        experiment = self._subject.experiment(base.embedders, tried)
        command = self._subject.command(base.embedders, tried, experiment)
        return Trial(_name(base, number), self._folder, experiment, command, tuple(past), self._prune)


def _name(base: Experiment, number: int) -> str:
    """The name of a trial."""
    return f"{names_slug(base.embedders)}-{number:04d}"


def check_space(subject: Subject, space: Space, bases: Sequence[Experiment]) -> dict[str, BaseDistribution]:
    """Try all values of a space, and the ends of its ranges, on a task. Returns the space in Optuna's form.

    Raises:
        InputError: a setting does not exist, or does not take one of its values.
    """
    made: dict[str, BaseDistribution] = {}
    for key, values in space.items():
        ends = values.values if isinstance(values, Choices) else (values.low, values.high)
        found = [flat(to_dict(subject.experiment(bases[0].embedders, {key: end})))[key] for end in ends]
        whole = all(isinstance(value, int) and not isinstance(value, bool) for value in found)
        if isinstance(values, Range):
            if not all(isinstance(value, (int, float)) for value in found):
                raise InputError(f"{key} is not a number, so it has no range; write a list of values")
            if whole and values.step % 1:
                raise InputError(f"{key} is a whole number, so its step must be one too, not {values.step:g}")
        made[key] = distribution_of(values, whole=whole)
    return made


def _pool(engine: JobEngine, jobs: int | None) -> TrialPool:
    import torch

    count = torch.get_num_threads()
    each = count if engine.name == "ray" else max(1, count // (jobs or 1))
    return engine.pool(partial(trial_runner, each), jobs, threads=each, fresh=True)


def _begin(folder: Path, space: Space, bases: Sequence[Experiment], seed: int, prune: bool) -> None:
    """Record what a search is about, or compare with the record. Only the number of trials may grow.

    Raises:
        InputError: it was begun with other settings, data or weights, or the data cannot be read.
    """
    digests = Digests()
    own: dict[str, Any] = {
        "experiments": [{key: value for key, value in to_dict(base).items() if key != "data"} for base in bases],
        "data": read_splits(bases[0]).digest(),
        "weights": [[digests.embedder(name, base.embedder_settings) for name in base.embedders] for base in bases],
        "space": {key: repr(values) for key, values in space.items()},
        "seed": seed,
        "pruning": prune,
    }
    own = json.loads(json.dumps(own))
    path = folder / BEGUN
    if not path.exists():
        write_json(path, own)
        return
    begun = read_object(path)
    changed = [name for name in own if begun.get(name) != own[name]]
    if changed:
        raise InputError(
            f"{folder}: the search there has other {' and '.join(changed)}; choose another --output, or start again "
            "with --overwrite"
        )
