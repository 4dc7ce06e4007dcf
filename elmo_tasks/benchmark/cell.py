"""A cell of the grid: one experiment and its run folder."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from elmo_tasks.core.errors import InputError
from elmo_tasks.data.catalog import short_name
from elmo_tasks.runs.experiment import Experiment, recorded_beside
from elmo_tasks.runs.folder import LAST, RunFolder

FINISHED, INTERRUPTED, WAITING, FAILED, CHANGED = "finished", "interrupted", "waiting", "failed", "changed"


@dataclass(frozen=True)
class Cell:
    """A cell. `name` is the name of its folder; `config` and `settings` belong to the command of its experiment."""

    name: str
    experiment: Experiment
    root: Path
    settings: tuple[str, ...] = ()
    config: Path | None = None

    @property
    def folder(self) -> Path:
        """The folder of the finished run."""
        return self.root / "cells" / self.name

    @property
    def log(self) -> Path:
        """The file with the output of the run."""
        return self.root / "logs" / f"{self.name}.log"

    @property
    def fault(self) -> Path:
        """The file with the one-line reason of a failure; only exists if the run failed."""
        return self.root / "logs" / f"{self.name}.error"

    @property
    def fraction(self) -> float:
        """The percentage of the training data."""
        return self.experiment.training.fraction

    @property
    def title(self) -> str:
        """A readable title."""
        part = "" if self.fraction == 100 else f", {self.fraction:g} % of the training data"
        names = " + ".join(self.experiment.embedders)
        return f"{self.experiment.task} on {self.experiment.data}: {names}, seed {self.experiment.seed}{part}"

    @property
    def command(self) -> str:
        """The command that makes the same run on its own."""
        words = ["elmo-tasks", "train", self.experiment.task, "--data", self.experiment.data, "--embedders"]
        words += [*self.experiment.embedders, "--seed", str(self.experiment.seed)]
        if self.config is not None:
            words += ["--config", str(self.config)]
        for setting in self.settings:
            words += ["--set", setting]
        return shlex.join([*words, "--output", str(self.folder)])

    def resumable(self) -> bool:
        """Whether there is an unfinished run of exactly this experiment, on the current embedders, to continue."""
        from elmo_tasks.training.resumption import began_alike

        work = RunFolder(self.folder).work
        return (work / LAST).exists() and self._is_of(work) and began_alike(work, self.experiment)

    def _is_of(self, folder: Path) -> bool:
        try:
            recorded, own = recorded_beside(folder, self.experiment)
            return recorded == own
        except InputError:
            return False


def cell_name(experiment: Experiment) -> str:
    """The folder name of a cell: task, data, embedders, percentage, seed (`ner-conll2003-glove+chars-100-seed1`)."""
    task = Path(experiment.task).parent.name if experiment.task.endswith(".py") else experiment.task
    names = names_slug(experiment.embedders)
    return f"{task}-{short_name(experiment.data)}-{names}-{experiment.training.fraction:g}-seed{experiment.seed}"


def names_slug(embedders: Sequence[str]) -> str:
    """Embedders as a part of a folder name: `glove+chars`."""
    return "+".join(map(_short, embedders))


def _short(name: str) -> str:
    """An embedder's name as a part of a folder name; paths may be long and are shortened."""
    plain = re.sub(r"[^\w.-]+", "_", name)
    return plain if len(plain) <= 40 else f"{plain[-31:]}-{hashlib.blake2b(name.encode(), digest_size=4).hexdigest()}"
