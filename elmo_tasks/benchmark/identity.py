"""Which run is that of a cell: known by the digests of its data and embedders, not by where these are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from elmo_tasks.benchmark.cell import CHANGED, FAILED, FINISHED, INTERRUPTED, WAITING, Cell
from elmo_tasks.core.errors import InputError
from elmo_tasks.core.settings import to_dict
from elmo_tasks.embedders.registry import PROVIDERS, build_inputs
from elmo_tasks.runs.experiment import Experiment, recorded_beside
from elmo_tasks.runs.folder import read_metrics
from elmo_tasks.training.resumption import data_digest

_WHERE = ("weights", "path", "model")  # the settings of embedders that say where they are


class Digests:
    """The digests of data and embedders as they are now, each computed once; None for what cannot be read now.

    The cells that need what cannot be read will report the reason.
    """

    def __init__(self) -> None:
        self._data = dict[tuple[str, ...], str | None]()
        self._embedders = dict[tuple[str, str], str | None]()

    def data(self, experiment: Experiment) -> str | None:
        """The digest of the examples."""
        key = experiment.task, experiment.data, repr(experiment.reading)
        if key not in self._data:
            try:
                self._data[key] = data_digest(experiment)
            except InputError:
                self._data[key] = None
        return self._data[key]

    def embedder(self, name: str, settings: Mapping[str, Any]) -> str | None:
        """The fingerprint of an embedder."""
        key = name, repr(settings)
        if key not in self._embedders:
            try:
                (source,) = build_inputs([name], settings)
                self._embedders[key] = source.fingerprint
            except InputError:
                self._embedders[key] = None
        return self._embedders[key]


def is_run_of(cell: Cell, folder: Path, digests: Digests) -> bool:
    """Whether a folder has a finished run of exactly this cell: its settings, the same examples, the same vectors.

    Names and paths of data and embedders only count where there is no digest: in runs of older versions, or if what
    they name cannot be read now.
    """
    try:
        metrics = read_metrics(folder)
        if (metrics["seed"], len(metrics["embedders"])) != (cell.experiment.seed, len(cell.experiment.embedders)):
            return False  # before the configuration is read, which takes longer
        recorded, own = recorded_beside(folder, cell.experiment)
    except InputError:
        return False
    if _settings(recorded) != _settings(own) or len(recorded.embedders) != len(own.embedders):
        return False
    then = metrics.get("fingerprints", {})
    for old, new in zip(recorded.embedders, own.embedders, strict=True):
        if not _same(then.get(old), digests.embedder(new, own.embedder_settings), old == new):
            return False
    return _same(metrics.get("data_digest"), digests.data(own), recorded.data == own.data)


def is_done(cell: Cell) -> bool:
    """Whether the folder of a cell has its finished run."""
    return (cell.folder / "metrics.json").exists() and is_run_of(cell, cell.folder, Digests())


def find_runs(cells: Sequence[Cell]) -> dict[str, Path]:
    """The folders of the finished cells, by the names of the cells.

    Where the folder of its name has no run of a cell, it may be in one that is named after other paths: the benchmark
    was moved, or the data or the embedders were.
    """
    digests = Digests()
    own = {cell.folder for cell in cells}
    others = sorted({path.parent for cell in cells for path in cell.root.glob("cells/[!.]*/metrics.json")} - own)
    found: dict[str, Path] = {}
    for cell in cells:
        exists = (cell.folder / "metrics.json").exists()
        for folder in [cell.folder] if exists else others:
            if folder not in found.values() and is_run_of(cell, folder, digests):
                found[cell.name] = folder
                break
    return found


def state_of(cell: Cell, runs: Mapping[str, Path]) -> str:
    """The state of a cell. runs: the folders of the finished ones, by `find_runs`."""
    if cell.name in runs:
        return FINISHED
    if cell.resumable():
        return INTERRUPTED
    if (cell.folder / "metrics.json").exists():
        return CHANGED
    return FAILED if cell.fault.exists() else WAITING


def _settings(experiment: Experiment) -> dict[str, Any]:
    """All settings but those that a digest stands for."""
    settings = to_dict(experiment)
    del settings["data"], settings["embedders"]
    for name in experiment.embedders:
        section = PROVIDERS[name.partition(":")[0]].section
        if section in settings:
            settings[section] = {key: value for key, value in settings[section].items() if key not in _WHERE}
    return settings


def _same(then: str | None, now: str | None, named_alike: bool) -> bool:
    return named_alike if then is None or now is None else then == now
