"""The runs that the page shows: loaded, checked, and made to share their embedders."""

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
from elmo_tasks.nn.classifier import Classifier
from elmo_tasks.nn.role_labeller import RoleLabeller
from elmo_tasks.nn.tagger import Tagger
from elmo_tasks.runs.folder import read_metrics
from elmo_tasks.runs.hub import find_run
from elmo_tasks.runs.store import Trained, load_trained

VIEWS = {"ner": Tagger, "srl": RoleLabeller, "sentiment": Classifier}
"""The tasks that the page has a view of, and the models that these views look into."""


@dataclass(frozen=True)
class ShownRun:
    """A run under the name that the page gives it. test: the headline of its test scores, if it has any."""

    name: str
    trained: Trained
    test: float | None


@dataclass(frozen=True)
class Shown:
    """All that the page answers with. bilm: whose layers are compared; own: whether one of the runs has it."""

    runs: tuple[ShownRun, ...]
    bilm: SharedEmbedder
    own: bool


def load_runs(given: Sequence[str], *, task_file: str | None = None, trust: bool = False) -> Shown:
    """The runs of folders or of names on the Hugging Face hub. Without a biLM among them the shipped one is loaded.

    task_file: the `task.py` of the runs that were trained with a task of your own; trust: whether the runs may name
    files anywhere; see `load_trained` for both.

    Raises:
        InputError: none given, no run there, one of a task that the page has no view of, of another format, or one that
            cannot be loaded.
    """
    if not given:
        raise InputError("demo: expected one or more folders of finished runs, got none")
    names = [Path(name).name or name for name in given]
    shared: dict[str, SharedEmbedder] = {}
    runs = []
    for name, short in zip(given, names, strict=True):
        folder = find_run(name)
        trained = load_trained(folder, task_file=task_file, trust=trust)
        view = VIEWS.get(trained.task.name)
        if view is None or not isinstance(trained.model, view):
            raise InputError(
                f"{name}: expected a run of {', '.join(VIEWS)}, got one of {trained.task.name!r} ("
                f"{type(trained.model).__name__}), of which the page has no view; elmo-tasks predict applies it"
            )
        for source in trained.inputs:
            if isinstance(source, FrozenInput):
                source.embedder = shared.setdefault(source.embedder.fingerprint, SharedEmbedder(source.embedder))
        runs.append(ShownRun(short if Counter(names)[short] == 1 else name, trained, _test_score(folder, trained)))
    bilms = [embedder for embedder in shared.values() if isinstance(embedder.inner, BilmEmbedder)]
    return Shown(tuple(runs), bilms[0] if bilms else SharedEmbedder(bilm_embedder("default")), bool(bilms))


def _test_score(folder: Path, trained: Trained) -> float | None:
    path = folder / "metrics.json"
    metrics: dict[str, Any] = read_metrics(folder) if path.is_file() else {}
    value = metrics.get("test", {}).get(trained.task.headline)
    return float(value) if isinstance(value, (int, float)) else None
