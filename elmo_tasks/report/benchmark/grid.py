"""The grid: which cells there are, in the order that they run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from elmo_tasks.errors import InputError
from elmo_tasks.report.benchmark.cell import Cell, cell_name
from elmo_tasks.task import load_task, resolve_experiment

_BETWEEN_EMBEDDERS = re.compile(r"(?<!\.json),")  # not the comma of elmo:OPTIONS.json,WEIGHTS.hdf5


def build_grid(
    tasks: Sequence[str],
    *,
    embedders: Sequence[str],
    seeds: int,
    fractions: Sequence[float],
    data: Sequence[str],
    settings: Sequence[str],
    output: Path,
) -> list[Cell]:
    """All cells: first one seed of everything, and within a seed little training data and few embedders first.

    embedders: sources that are concatenated have a comma between them; data: `TASK=NAME`, several for a task give it
    several data sets; seeds: 1 up to this number; fractions: per cent of the training data.

    Raises:
        InputError: an unknown task, setting or form, nothing to run, two cells of one name.
    """
    if seeds < 1:
        raise InputError(f"--seeds: expected how many seeds, 1 or more, got {seeds}")
    for fraction in fractions:
        if not 0 < fraction <= 100:
            raise InputError(f"--fractions: expected per cent above 0 and up to 100, got {fraction:g}")
    combinations = [split_embedders(text) for text in embedders]
    places = _places(tasks, data)
    made: list[Cell] = []
    for seed in range(1, seeds + 1):
        for fraction in sorted(set(fractions)):
            for names in sorted(combinations, key=len):
                for task in tasks:
                    for place in places[task]:
                        # As settings, so that each cell's own command says it.
                        own = (*settings, f"training.fraction={fraction:g}") if fraction != 100 else tuple(settings)
                        given = {"embedders": list(names), "seed": seed} | ({"data": place} if place else {})
                        experiment = resolve_experiment(task, None, given, own)
                        made.append(Cell(cell_name(experiment), experiment, output, own))
    twice = sorted({cell.name for cell in made if sum(cell.name == other.name for other in made) > 1})
    if twice:
        raise InputError(f"expected each cell once, got {', '.join(twice[:3])} twice; name each thing once")
    return made


def split_embedders(text: str) -> tuple[str, ...]:
    """`elmo,glove,chars` to its three names."""
    names = tuple(name for name in _BETWEEN_EMBEDDERS.split(text) if name)
    if not names:
        raise InputError(f"--embedders: expected names with commas between those that are concatenated, got {text!r}")
    return names


def _places(tasks: Sequence[str], data: Sequence[str]) -> Mapping[str, list[str | None]]:
    """The data sets of each task; None for the task's own."""
    named: dict[str, list[str]] = {}
    for text in data:
        task, sign, place = text.partition("=")
        if not (sign and task and place):
            raise InputError(f"--data: expected TASK=NAME such as ner=conll2003, got {text!r}")
        if task not in tasks:
            raise InputError(f"--data: expected one of the tasks {', '.join(tasks)} before the =, got {text!r}")
        named.setdefault(task, []).append(place)
    for task in tasks:
        load_task(task)  # an unknown name ends here
    return {task: list(named.get(task, [])) or [None] for task in tasks}
