"""Run folders to one committed record."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from elmo_tasks.errors import InputError
from elmo_tasks.training.run_folder import read_json

_LIBRARIES = ("torch", "lightning", "pytorch-crf", "seqeval")


def collect(folders: Sequence[Path]) -> dict[str, Any]:
    """One record of runs that differ in their seeds alone.

    Raises:
        InputError: a folder is no finished run, or the runs are not of one experiment.
    """
    metrics = [read_json(folder / "metrics.json") for folder in folders]
    configs = [yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8")) for folder in folders]
    first = {key: value for key, value in configs[0].items() if key != "seed"}
    for folder, config in zip(folders, configs, strict=True):
        if {key: value for key, value in config.items() if key != "seed"} != first:
            raise InputError(f"{folder}: expected a run that differs from {folders[0]} in its seed alone")
    ordered = sorted(metrics, key=lambda run: run["seed"])
    kept = ("seed", "dev", "test", "mix", "epochs", "best_epoch", "seconds", "seconds_per_epoch", "peak_rss_mb", "command", "threads")
    return {
        "task": ordered[0]["task"],
        "data": ordered[0]["data"],
        "embedders": ordered[0]["embedders"],
        "config": first,
        "command": ordered[0]["command"],
        "runs": [{key: run[key] for key in kept} for run in ordered],
        "machine": f"{platform.machine()}, {_processor()}",
        "versions": {name: version(name) for name in _LIBRARIES} | {"python": platform.python_version()},
    }


def _processor() -> str:
    """The processor's name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else "unknown processor"
