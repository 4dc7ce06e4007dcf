"""Find all finished runs below some folders, and group those that differ only in their seed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.settings import flat, to_dict
from elmo_tasks.runs.experiment import load_experiment
from elmo_tasks.runs.folder import is_run, read_epochs, read_metrics

_IDENTITY = ("task", "data", "embedders", "seed")  # shown in columns of their own


@dataclass(frozen=True)
class GatheredRun:
    """A finished run.

    folder: where it is; metrics: the content of metrics.json; history: the figures of its epochs; settings: the whole
    configuration with dotted keys, such as `training.epochs`.
    """

    folder: Path
    metrics: dict[str, Any]
    history: list[dict[str, float]]
    settings: dict[str, Any]


@dataclass(frozen=True)
class Gathered:
    """groups: the runs of each experiment by seed, best dev score first; notes: on folders that were left out."""

    groups: list[list[GatheredRun]]
    notes: list[str]


def find_runs(folders: Sequence[Path]) -> list[Path]:
    """The folders of all finished runs at or below these folders, in alphabetical order. Links are not followed."""
    return list(dict.fromkeys(run for folder in folders for run in _runs(folder)))


def _runs(folder: Path) -> Iterator[Path]:
    if is_run(folder):
        yield folder
        return
    for place, inner, files in os.walk(folder):
        inner[:] = sorted(name for name in inner if not name.startswith("."))  # hidden folders are unfinished runs
        if "metrics.json" in files and is_run(Path(place)):
            inner.clear()
            yield Path(place)


def gather(folders: Sequence[Path], paths: Sequence[Path] | None = None) -> Gathered:
    """Read all finished runs at or below these folders. Damaged ones are left out, with a note.

    paths: what `find_runs` has found in them; None to find them here.

    Raises:
        InputError: a folder does not exist, or there is no finished run that can be read.
    """
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder")
    groups: dict[str, list[GatheredRun]] = {}
    notes: list[str] = []
    for path in find_runs(folders) if paths is None else paths:
        try:
            run = _read(path)
        except InputError as error:
            notes.append(f"left out: {error}")
            continue
        same = {key: value for key, value in run.settings.items() if key != "seed"}
        key = json.dumps([same, run.metrics.get("data_digest", "")], sort_keys=True, default=str)
        groups.setdefault(key, []).append(run)
    if not groups:
        names = ", ".join(map(str, folders))
        raise InputError(notes[0].removeprefix("left out: ") if notes else f"{names}: there is no finished run")
    for group in groups.values():
        group.sort(key=lambda run: run.metrics["seed"])
    return Gathered(sorted(groups.values(), key=_rank), notes)


def headlines(group: Sequence[GatheredRun], split: str) -> list[float]:
    """The headline score of each run on a split that has been scored."""
    return [run.metrics[split][run.metrics["headline"]] for run in group if split in run.metrics]


def differing_settings(groups: Sequence[Sequence[GatheredRun]]) -> dict[str, list[Any]]:
    """The settings that are not the same in all groups, with their value in each of them (None where it is unset)."""
    first = [group[0].settings for group in groups]
    keys = [key for key in dict.fromkeys(key for own in first for key in own) if key not in _IDENTITY]
    values = {key: [own.get(key) for own in first] for key in keys}
    return {key: own for key, own in values.items() if any(value != own[0] for value in own)}


def _read(folder: Path) -> GatheredRun:
    metrics = read_metrics(folder)
    if not metrics["dev"]:
        raise InputError(f"{folder / 'metrics.json'}: damaged: there are no scores on dev")
    settings = flat(to_dict(load_experiment([folder / "config.yaml"])))
    return GatheredRun(folder, metrics, read_epochs(folder, metrics), settings)


def _rank(group: Sequence[GatheredRun]) -> tuple[str, str, float]:
    scores = headlines(group, "dev")
    return group[0].metrics["task"], group[0].metrics["data"], -sum(scores) / len(scores)
