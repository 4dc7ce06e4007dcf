"""Train from Python: takes files or objects and returns a `Run`."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.paths import task_names
from elmo_tasks.core.terminal import say
from elmo_tasks.data.catalog import USUAL_SHARE
from elmo_tasks.data.object_rows import is_splits, split_of
from elmo_tasks.data.objects import IN_MEMORY
from elmo_tasks.data.reading import ReadingConfig, note_oddities
from elmo_tasks.data.splits import SPLIT_NAMES, Splits, hold_out
from elmo_tasks.runs.experiment import Experiment, resolve_experiment, settings_lines
from elmo_tasks.runs.run import Run, load
from elmo_tasks.task import AnyTask, load_task
from elmo_tasks.text.examples import by_sentence
from elmo_tasks.training import train as training
from elmo_tasks.training.epoch_lines import Tell


def train(
    task: str | Path | Experiment,
    output: str | Path | None = None,
    *,
    train: Any = None,
    dev: Any = None,
    test: Any = None,
    columns: Mapping[str, Any] | None = None,
    data: str | Path | None = None,
    embedders: str | Sequence[str] | None = None,
    seed: int | None = None,
    settings: Mapping[str, Any] | None = None,
    splits: Splits | None = None,
    command: str = "",
    resume: bool = False,
    overwrite: bool = False,
    tell: Tell = say,
    draw: training.Draw | None = None,
) -> Run:
    """Train a task and return the run, ready to be applied.

    The best epoch is selected on the dev data; the test data is scored once, after training. See `Run.metrics` for the
    scores.

    Examples:
        >>> sentences = [([name, "lives", "in", "Rome"], ["B-PER", "O", "O", "B-LOC"]) for name in ("Ada", "Bo")] * 10
        >>> run = train("ner", train=sentences, dev=sentences, embedders=["random", "chars"],
        ...             settings={"training.epochs": 8, "training.learning_rate": 0.02, "model.hidden": 12},
        ...             tell=lambda line: None)
        >>> [(entity.type, entity.text) for entity in run("Bo lives in Rome")[0].entities]
        [('PER', 'Bo'), ('LOC', 'Rome')]

    Args:
        task: the name of a task, the path of a `task.py` of your own, or a whole `Experiment`, which already names its
            data, embedders, seed and settings.
        output: the folder of the run. Without it the run is in a temporary folder, which is deleted together with the
            returned object; `Run.save` stores it permanently.
        train: sentences with tags, or texts with labels: a list of `(tokens, tags)` or `(text, label)` pairs, a tuple
            of two parallel lists, a pandas frame, a Hugging Face data set, or examples such as `TaggedSentence`. A
            `DatasetDict` (or a dictionary with `train`, `validation` and `test`) contains all splits.
        dev, test: the same. Without `dev`, a tenth of the training sentences is held out, the same for every seed.
            Without `test` there are no test scores.
        columns: which columns of a frame or data set to read if their names are not common ones:
            `{"tokens": ..., "tags": ...}` or `{"text": ..., "label": ...}`.
        data: instead of objects, what `--data` takes: a data set's name, folder or file. Without either, the task's
            default data.
        embedders: names as for `--embedders`; None means those of the task's configuration.
        seed: the random seed; None means that of the task's configuration, which is 1.
        settings: further keys of a configuration, such as `{"training.epochs": 3, "model.hidden": 50}`.
        splits: examples that have been read already, instead of `train`, `dev` and `test`.
        command: the command recorded in `metrics.json`.
        resume, overwrite: continue an unfinished run in `output`, or replace an existing one.
        tell: receives each progress line and each note; by default they are printed.
        draw: draws pictures into a folder, from the figures of each epoch and the metrics.

    Raises:
        InputError: the data, settings or embedders are invalid, or the folder exists already; nothing is left behind.
    """
    objects = {"train": train, "dev": dev, "test": test}
    named = [name for name, value in objects.items() if value is not None]
    if named and (data is not None or splits is not None):
        raise InputError(
            f"train: {named[0]} and {'data' if splits is None else 'splits'} cannot be combined; pass only one"
        )
    if columns and not named:
        raise InputError("train: columns only applies to train=; for files, pass settings={'reading.columns': ...}")
    in_memory = bool(named) or splits is not None
    if isinstance(task, Experiment):
        own = {"data": data, "embedders": embedders, "seed": seed, "settings": settings}
        if twice := [name for name, value in own.items() if value is not None]:
            raise InputError(f"train: the Experiment already has its own {twice[0]}; leave it out")
        experiment = task
    else:
        names = [embedders] if isinstance(embedders, str) else None if embedders is None else list(embedders)
        place = IN_MEMORY if in_memory else None if data is None else str(data)
        given = {"data": place, "embedders": names, "seed": seed}
        kept = {name: value for name, value in given.items() if value is not None}
        experiment = resolve_experiment(str(task), None, kept, settings_lines(settings))
    if named:
        if experiment.reading != ReadingConfig():
            raise InputError("train: the settings reading.* only apply to files; change the objects, or pass columns=")
        splits = _read_objects(load_task(experiment.task), objects, columns or {})
    temporary = None if output is not None else Path(tempfile.mkdtemp(prefix="elmo-tasks-"))
    try:
        folder = training.train(
            experiment,
            Path(output) if output is not None else Path(str(temporary)) / "run",
            splits=splits,
            command=command,
            resume=resume,
            overwrite=overwrite,
            tell=tell,
            draw=draw,
        ).folder
        run = load(folder, None if experiment.task in task_names() else experiment.task, trust=True)
    except BaseException:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
        raise
    if temporary is not None:
        weakref.finalize(run, _remove, temporary, os.getpid())
    return run


def _read_objects(task: AnyTask, given: Mapping[str, Any], columns: Mapping[str, Any]) -> Splits:
    """The splits of Python objects; if there is no dev, it is held out of train."""
    parts, together = dict(given), given["train"]
    if is_splits(together):
        own = {split: split_of(together, split) for split in parts}
        parts = {**own, **{split: part for split, part in given.items() if part is not None and part is not together}}
    if parts["train"] is None:
        raise InputError("train: there is no training data; pass train=")
    notes: list[str] = []
    splits = Splits(IN_MEMORY, "train")
    for split in SPLIT_NAMES:
        if parts[split] is not None:
            splits = splits.having(split, tuple(task.examples(parts[split], split, columns, notes.append)))
    note_oddities([*splits.train, *splits.dev, *splits.test], notes.append)
    if parts["dev"] is None:
        count = len(by_sentence(splits.train))
        if count < 2:
            raise InputError("train: one sentence is not enough to hold out a dev split; pass dev=")
        splits = hold_out(splits, {"dev": max(USUAL_SHARE, 1 / count)})
        held_out = len(by_sentence(splits.dev))
        notes.append(f"no dev data; held out {held_out} of {count} training sentences as dev, drawn at random")
    return Splits(IN_MEMORY, "train", splits.train, splits.dev, splits.test, tuple(notes))


def _remove(folder: Path, process: int) -> None:
    """Remove a temporary folder, unless called in a process forked from its owner."""
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)
