"""Combine run folders into one record."""

from __future__ import annotations

import platform
import re
from collections.abc import Sequence
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import json_keys
from elmo_tasks.core.settings import to_dict
from elmo_tasks.data.catalog import short_name
from elmo_tasks.runs.experiment import load_experiment
from elmo_tasks.runs.folder import read_metrics

_LIBRARIES = ("torch", "lightning", "pytorch-crf", "seqeval", "scikit-learn")


_KEPT = (
    *("seed", "dev", "test", "mix", "epochs", "best_epoch", "seconds", "training_seconds", "seconds_per_epoch"),
    *("tokens_per_second", "peak_rss_mb", "threads"),
    *("frozen_parameters", "trained_parameters", "frozen_bytes", "model_bytes"),
)
_PART = r"(?:[^/\s,:+]|\+(?!~?/))+"  # a `+` before a path joins data sets
_FOLDERS = re.compile(rf"(?<![\w.~-])~?/(?:{_PART}/)*({_PART})/?")


def collect(folders: Sequence[Path]) -> dict[str, Any]:
    """Combine runs that differ only in their seeds into one record.

    Absolute paths are reduced to their last part: a record says what was used, not where it was on one machine.

    Raises:
        InputError: a folder is not a finished run, two runs have the same seed, or the runs are of different
            experiments.
    """
    metrics = [read_metrics(folder) for folder in folders]
    for folder, run in zip(folders, metrics, strict=True):
        if "test" not in run:
            raise InputError(
                f"{folder}: the run has no test scores, because it was trained without a test split; leave it out"
            )
    configs = [to_dict(load_experiment([folder / "config.yaml"])) for folder in folders]
    for folder, config in zip(folders, configs, strict=True):
        if config | {"seed": 0} != configs[0] | {"seed": 0}:
            raise InputError(
                f"{folder}: the run differs from {folders[0]} in more than the seed; combine runs of one experiment"
            )
    seeds = [run["seed"] for run in metrics]
    if len(set(seeds)) < len(seeds):
        raise InputError(
            f"two runs have the same seed; the seeds are {', '.join(map(str, seeds))}; give one run per seed"
        )
    ordered = sorted(metrics, key=lambda run: run["seed"])
    newest = max((folder / "metrics.json").stat().st_mtime for folder in folders)
    del configs[0]["seed"]
    described = {
        "task": ordered[0]["task"],
        "data": short_name(ordered[0]["data"]),
        "embedders": ordered[0]["embedders"],
        "config": configs[0],
        "command": ordered[0]["command"],
    }
    if "data_parts" in ordered[0]:
        described["data_parts"] = ordered[0]["data_parts"]
    described["runs"] = [{key: run[key] for key in _KEPT if key in run} for run in ordered]
    record: dict[str, Any] = without_folders(described)
    return record | circumstances(newest)


def is_record(path: Path) -> bool:
    """Whether a file contains a record made by `collect`."""
    return {"task", "data", "embedders", "config", "runs", "machine", "versions"} <= json_keys(path)


def circumstances(when: float) -> dict[str, Any]:
    """Machine, date (of `when`, in seconds since 1970) and library versions, for records."""
    return {
        "machine": f"{platform.machine()}, {_processor()}",
        "date": datetime.fromtimestamp(when, timezone.utc).date().isoformat(),
        "versions": {name: version(name) for name in _LIBRARIES} | {"python": platform.python_version()},
    }


def without_folders(value: Any) -> Any:
    """Reduce the absolute paths in the texts and keys of a JSON value to their last parts."""
    if isinstance(value, str):
        return _FOLDERS.sub(r"\1", value)
    if isinstance(value, dict):
        return {without_folders(key): without_folders(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_folders(inner) for inner in value]
    return value


def _processor() -> str:
    """The name of the processor, if it is known."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else "unknown processor"
