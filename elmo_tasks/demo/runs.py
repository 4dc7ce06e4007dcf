"""Load the runs shown on the page, with shared embedders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elmo_tasks.core.errors import InputError
from elmo_tasks.demo.shared_embedder import SharedEmbedder
from elmo_tasks.embedders.elmo import BilmEmbedder
from elmo_tasks.embedders.frozen import bilm_embedder
from elmo_tasks.embedders.inputs import FrozenInput
from elmo_tasks.runs.folder import read_metrics
from elmo_tasks.runs.run import Run, load
from elmo_tasks.runs.shipped import tagger_names


@dataclass(frozen=True)
class ShownRun:
    """A run with its name on the page. test: the headline of its test scores, if it has any."""

    name: str
    run: Run
    test: float | None


@dataclass(frozen=True)
class Shown:
    """The models of the page. bilm: the biLM whose layers are compared; own: whether one of the runs uses it."""

    runs: tuple[ShownRun, ...]
    bilm: SharedEmbedder
    own: bool


def load_runs(given: Sequence[str], *, task_file: str | None = None, trust: bool = False) -> Shown:
    """Load runs from folders, taggers in the package or names on the Hugging Face hub; by default all taggers.

    If none of them uses a biLM, the one in the package is loaded.

    task_file: the `task.py` of the runs that were trained with a task of your own; trust: whether the runs may refer to
    files anywhere; see `load` for both.

    Raises:
        InputError: there are no runs and no taggers in the package, or a run does not exist or cannot be loaded.
    """
    given = given or tagger_names()
    if not given:
        raise InputError("demo: there are no trained taggers in this package; give a run: elmo-tasks demo RUN")
    names = [Path(name).name or name for name in given]
    shared: dict[str, SharedEmbedder] = {}
    runs = []
    for name, short in zip(given, names, strict=True):
        run = load(name, task_file, trust=trust)
        for source in run.trained.inputs:
            if isinstance(source, FrozenInput):
                source.embedder = shared.setdefault(source.embedder.fingerprint, SharedEmbedder(source.embedder))
        runs.append(ShownRun(short if Counter(names)[short] == 1 else name, run, _test_score(run)))
    bilms = [embedder for embedder in shared.values() if isinstance(embedder.inner, BilmEmbedder)]
    return Shown(tuple(runs), bilms[0] if bilms else SharedEmbedder(bilm_embedder("default")), bool(bilms))


def _test_score(run: Run) -> float | None:
    path = run.folder / "metrics.json"
    metrics: dict[str, Any] = read_metrics(run.folder) if path.is_file() else {}
    value = metrics.get("test", {}).get(run.trained.task.headline)
    return float(value) if isinstance(value, (int, float)) else None
