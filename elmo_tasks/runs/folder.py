"""A run's folder: written next to its name while the run goes on, and renamed when all of it is there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import disk_faults, read_object, remove_left_behind
from elmo_tasks.core.folders import MARKER, kind_of, make_folder, mark, not_ours, remove_folder, swap_folder
from elmo_tasks.core.outputs import hold, new_output_folder

LAST = "checkpoints/last.ckpt"
FORMAT = "elmo-tasks-run-1"
"""In the metadata of `model.safetensors`."""
RUN = "run"
_LONGEST_HEADER = 1 << 20


def is_run(folder: Path) -> bool:
    """Whether `train` wrote this folder. Runs of the first version have no marker, but a model of our format."""
    if kind_of(folder) == RUN:
        return True
    files = [folder / name for name in ("config.yaml", "metrics.json", "model.safetensors")]
    if (folder / MARKER).exists() or folder.is_symlink() or not all(path.is_file() for path in files):
        return False
    try:
        with files[-1].open("rb") as file:
            header = file.read(min(int.from_bytes(file.read(8), "little"), _LONGEST_HEADER))
        return bool(json.loads(header)["__metadata__"]["format"] == FORMAT)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


class RunFolder:
    """`path` is the finished run; `work` is the hidden folder next to it that an unfinished run lives in.

    Args:
        path: where the run will be.
        kind: what the marker calls the finished folder.
        prepared: a folder within `work` that is complete once it is there, and worth resuming before any checkpoint is.

    Raises:
        InputError: `path` is a file, a link, or the current folder or one above it.
    """

    def __init__(self, path: Path, kind: str = RUN, *, prepared: str = "") -> None:
        self.path, self.kind, self.prepared = new_output_folder(path), kind, prepared
        self.work = self.path.with_name(f".{self.path.name}.unfinished")
        self.unfinished = f"unfinished {kind}"
        self._overwrite = False

    @contextmanager
    def claimed(self, *, resume: bool, overwrite: bool) -> Iterator[None]:
        """Hold the folder for this process while the block runs. Nothing in it is touched before `begin`.

        Afterwards the work folder is removed, unless there is something in it that is worth resuming.

        Raises:
            InputError: a finished or an unfinished run is there and may not be touched, what is there is not ours,
                another process is writing it, or the place cannot be written.
        """
        with hold(self.path):
            self._overwrite = overwrite
            self._refuse_taken()
            if (self.work.exists() or self.work.is_symlink()) and not self._has_own_work():
                raise InputError(f"{self.work}: {not_ours(self.unfinished)}")
            if self._resumable() and not (resume or overwrite):
                raise InputError(
                    f"{self.path}: an unfinished run is there; continue it with --resume or start again with "
                    "--overwrite"
                )
            try:
                yield
            finally:
                self._abandon()

    def begin(self, *, resume: bool) -> None:
        """Make the work folder, or keep what is in it to resume."""
        if not resume:
            remove_folder(self.work, self.unfinished, self.kind)
        with disk_faults(self.work):
            if not self.work.exists():
                make_folder(self.work, self.unfinished)
            elif not self._resumable():
                self._keep_prepared()
            remove_left_behind(self.work)

    def finish(self) -> None:
        """Give the folder its name, in place of an earlier run's if there is one.

        Raises:
            InputError: something else has taken the name meanwhile; the work folder stays.
        """
        self._refuse_taken()
        with disk_faults(self.path):
            mark(self.work, self.kind)
            swap_folder(self.work, self.path)

    def _refuse_taken(self) -> None:
        if not (self.path.exists() or self.path.is_symlink()):
            return
        if not (is_run(self.path) if self.kind == RUN else kind_of(self.path) == self.kind):
            raise InputError(f"{self.path}: {not_ours(self.kind)}")
        if not self._overwrite:
            raise InputError(f"{self.path}: already exists; choose another --output or pass --overwrite")

    def _has_own_work(self) -> bool:
        return kind_of(self.work) in (self.unfinished, self.kind)  # the second: killed just before it was renamed

    def _resumable(self) -> bool:
        return (self.work / LAST).exists()

    def _keep_prepared(self) -> None:
        """Remove everything else from the work folder."""
        for path in self.work.iterdir():
            if path.is_dir() and not path.is_symlink():
                if path.name != self.prepared:
                    shutil.rmtree(path)
            elif path.name != MARKER:
                path.unlink()

    def _abandon(self) -> None:
        """Remove the work folder, unless a checkpoint in it, or what was prepared, is worth resuming."""
        prepared = bool(self.prepared) and (self.work / self.prepared).exists()
        if self._has_own_work() and not self._resumable() and not prepared:
            shutil.rmtree(self.work, ignore_errors=True)


def read_metrics(folder: Path) -> dict[str, Any]:
    """The `metrics.json` of a run. Raises InputError when it is missing or damaged."""
    metrics = read_object(
        folder / "metrics.json",
        task=str,
        data=str,
        seed=int,
        embedders=list,
        headline=str,
        dev=dict,
        mix=dict,
        command=str,
    )
    for split in ("dev", "test"):
        scores = metrics.get(split, {})
        if not isinstance(scores, dict) or (split in metrics and not _is_number(scores.get(metrics["headline"]))):
            raise InputError(f"{folder / 'metrics.json'}: damaged: {split!r} has no number for {metrics['headline']!r}")
    if not all(isinstance(name, str) for name in metrics["embedders"]):
        raise InputError(f"{folder / 'metrics.json'}: damaged: 'embedders' must be names")
    return metrics


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
