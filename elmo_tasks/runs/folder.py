"""A run's folder: written beside its name while the run goes on, and renamed when all of it is there."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import disk_faults

LAST = "checkpoints/last.ckpt"


class RunFolder:
    """`path` is the finished run; `work` is the hidden folder beside it that an unfinished run lives in.

    prepared: a folder within `work` that is complete once it is there, and worth resuming before any checkpoint is.
    """

    def __init__(self, path: Path, prepared: str = "") -> None:
        self.path, self.prepared = path, prepared
        self.work = path.with_name(f".{path.name}.unfinished")

    def claim(self, *, resume: bool, overwrite: bool) -> None:
        """Make the work folder.

        Raises:
            InputError: a finished or an unfinished run is there and may not be touched, or the place is not writable.
        """
        if self.path.exists() and not overwrite:
            raise InputError(
                f"{self.path}: expected no such folder, got an earlier run's; give another --output or --overwrite"
            )
        unfinished = (self.work / LAST).exists()
        if unfinished and not (resume or overwrite):
            raise InputError(
                f"{self.path}: an unfinished run is there; go on with it by --resume or start anew by --overwrite"
            )
        with disk_faults(self.work):
            if self.work.exists() and not resume:
                shutil.rmtree(self.work)
            elif self.work.exists() and not unfinished:
                self._keep_prepared()
            (self.work / "plots").mkdir(parents=True, exist_ok=True)

    def abandon(self) -> None:
        """Remove the work folder, unless a checkpoint in it, or what was prepared, is worth resuming."""
        if not (self.work / LAST).exists() and not (self.prepared and (self.work / self.prepared).exists()):
            shutil.rmtree(self.work, ignore_errors=True)

    def _keep_prepared(self) -> None:
        """Remove all else from the work folder."""
        for path in self.work.iterdir():
            if path.is_dir() and not path.is_symlink():
                if path.name != self.prepared:
                    shutil.rmtree(path)
            else:
                path.unlink()

    def finish(self) -> None:
        """Give the folder its name, in place of an earlier run's if there is one."""
        with disk_faults(self.path):
            if self.path.exists():
                old = self.path.with_name(f".{self.path.name}.old.{os.getpid()}")
                self.path.rename(old)
                self.work.rename(self.path)
                shutil.rmtree(old, ignore_errors=True)
            else:
                self.work.rename(self.path)
