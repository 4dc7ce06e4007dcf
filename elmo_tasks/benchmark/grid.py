"""The grid: all cells, in the order in which they run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from elmo_tasks.benchmark.cell import Cell, cell_name
from elmo_tasks.core.errors import InputError
from elmo_tasks.embedders.registry import split_names
from elmo_tasks.runs.experiment import resolve_experiment
from elmo_tasks.task import load_task


def build_grid(
    tasks: Sequence[str],
    *,
    embedders: Sequence[str],
    seeds: int,
    fractions: Sequence[float],
    data: Sequence[str],
    settings: Sequence[str],
    output: Path,
    configs: Sequence[str] = (),
) -> list[Cell]:
    """Build all cells: the first seed of all combinations comes first, and within a seed the cheapest cells.

    embedders: names joined by commas are concatenated; data: `TASK=NAME`, several times for several data sets of a
    task; seeds: 1 up to this number; fractions: per cent of the training data; settings: `key=value` for all tasks,
    `TASK.key=value` for one; configs: `TASK=FILE`.

    Raises:
        InputError: a task or setting is unknown, an argument is malformed, there is nothing to run, or two cells have
            the same name.
    """
    if seeds < 1:
        raise InputError(f"--seeds must be 1 or more, not {seeds}")
    for fraction in fractions:
        if not 0 < fraction <= 100:
            raise InputError(f"--fractions must be percentages above 0 and up to 100, not {fraction:g}")
    combinations = [split_embedders(text) for text in embedders]
    places = _places(tasks, data)
    files = {task: Path(named[0]) for task, named in _by_task(tasks, configs, "--config", one=True).items()}
    made: list[Cell] = []
    for seed in range(1, seeds + 1):
        for fraction in sorted(set(fractions)):
            for names in sorted(combinations, key=len):
                for task in tasks:
                    for place in places[task]:
                        # As settings, so that they are part of each cell's own command.
                        part = [f"training.fraction={fraction:g}"] if fraction != 100 else []
                        own = (*_settings_of(task, tasks, settings), *part)
                        given = {"embedders": list(names), "seed": seed} | ({"data": place} if place else {})
                        experiment = resolve_experiment(task, files.get(task), given, own)
                        made.append(Cell(cell_name(experiment), experiment, output, own, files.get(task)))
    twice = sorted({cell.name for cell in made if sum(cell.name == other.name for other in made) > 1})
    if twice:
        raise InputError(
            f"{', '.join(twice[:3])} would run twice; give each task, combination of embedders and fraction once"
        )
    return made


def split_embedders(text: str, option: str = "--embedders") -> tuple[str, ...]:
    """Split `elmo,glove,chars` into its three names."""
    names = tuple(split_names(text))
    if not names:
        raise InputError(f"{option} must be names, joined by commas to concatenate them, not {text!r}")
    return names


def _places(tasks: Sequence[str], data: Sequence[str]) -> Mapping[str, list[str | None]]:
    """The data sets of each task; None for the task's default."""
    named = _by_task(tasks, data, "--data")
    for task in tasks:
        load_task(task)  # raises InputError for an unknown name
    return {task: list(named.get(task, [])) or [None] for task in tasks}


def _by_task(tasks: Sequence[str], texts: Sequence[str], option: str, one: bool = False) -> dict[str, list[str]]:
    """Group `TASK=NAME` by task. one: whether each task may occur only once."""
    named: dict[str, list[str]] = {}
    for text in texts:
        task, sign, name = text.partition("=")
        if not (sign and task and name):
            example = "ner=conll2003" if option == "--data" else "sentiment=configs/sst5-bcn.yaml"
            raise InputError(f"{option} must be TASK=NAME, such as {example}, not {text!r}")
        if task not in tasks:
            raise InputError(f"{option}: the task in {text!r} is not one of {', '.join(tasks)}")
        if one and task in named:
            raise InputError(f"{option}: {task} is given twice, with {named[task][0]} and {name}; give it once")
        named.setdefault(task, []).append(name)
    return named


def _settings_of(task: str, tasks: Sequence[str], settings: Sequence[str]) -> list[str]:
    """The settings for all tasks, and those for this one without its name."""
    own = []
    for setting in settings:
        first, dot, rest = setting.partition(".")
        if not (dot and first in tasks):
            own.append(setting)
        elif first == task:
            own.append(rest)
    return own
