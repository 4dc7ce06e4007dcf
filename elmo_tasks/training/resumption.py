"""Check that `--resume` continues a run with the same experiment, data and vectors as when it began."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import read_object, write_json, write_text
from elmo_tasks.core.settings import flat, to_dict
from elmo_tasks.data.catalog import load_data
from elmo_tasks.embedders.registry import build_inputs
from elmo_tasks.runs.experiment import Experiment, recorded_beside, to_yaml
from elmo_tasks.runs.folder import LAST
from elmo_tasks.runs.store import Trained
from elmo_tasks.task import load_task

FINGERPRINTS = "checkpoints/fingerprints.json"
"""Digests of embedders and data, stored next to the checkpoint, whose weights only fit these."""
DATA = "the data"


def check_beginning(work: Path, trained: Trained, data: str) -> None:
    """Record in the work folder what determines the course of a run, or compare with the record when resuming.

    data: the digest of the examples. Even the number of epochs must not change, because `training.final_rate` is
    reached over all of them.

    Raises:
        InputError: the experiment, the data or an embedder differ from when the run began.
    """
    own = {DATA: data} | {each.name: each.fingerprint for each in trained.inputs}
    if (work / LAST).exists():
        _compare_settings(work, trained.experiment)
        for name, began in _fingerprints(work).items():
            if (now := own.get(name)) != began:
                raise InputError(
                    f"--resume: {name} has changed since the run began: it was {began} and is now {now}; restore it, "
                    "or start again with --overwrite"
                )
    write_text(work / "config.yaml", to_yaml(trained.experiment))
    (work / FINGERPRINTS).parent.mkdir(exist_ok=True)
    write_json(work / FINGERPRINTS, own)


def began_alike(work: Path, experiment: Experiment) -> bool:
    """Whether data and embedders of an unfinished run are unchanged; also true if one cannot be read now."""
    try:
        inputs = build_inputs(experiment.embedders, experiment.embedder_settings)
        now = {each.name: each.fingerprint for each in inputs}
        now[DATA] = data_digest(experiment)
        return all(now.get(name) == began for name, began in _fingerprints(work).items())
    except InputError:
        return True


def data_digest(experiment: Experiment) -> str:
    """The digest of the experiment's current examples. Raises InputError if they cannot be read."""
    return load_data(experiment.data, load_task(experiment.task).read, experiment.reading).digest()


def _fingerprints(work: Path) -> dict[str, str]:
    found: dict[str, str] = read_object(work / FINGERPRINTS) if (work / FINGERPRINTS).exists() else {}
    return found


def _compare_settings(work: Path, experiment: Experiment) -> None:
    began, now = (flat(to_dict(each)) for each in recorded_beside(work, experiment))
    others = [key for key in began | now if began.get(key) != now.get(key)]
    if others:
        first, second = (", ".join(f"{key}={_shown(values.get(key))}" for key in others) for values in (began, now))
        raise InputError(
            f"--resume: the run began with {first}, not {second}; pass the same settings, or start again with "
            "--overwrite"
        )


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
