"""The folder of a run: written under a temporary name during the run, and renamed when it is complete."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import checksum, disk_faults, read_object, remove_left_behind
from elmo_tasks.core.folders import (
    MARKER,
    clear,
    discard,
    is_ours,
    kind_of,
    leads_out,
    make_folder,
    mark,
    not_ours,
    remove_folder,
    swap_folder,
)
from elmo_tasks.core.outputs import hold, new_output_folder
from elmo_tasks.core.seal import is_sealed

LAST = "checkpoints/last.ckpt"
FORMAT = "elmo-tasks-run-1"
"""In the metadata of `model.safetensors`."""
RUN = "run"
FILES = ("config.yaml", "metrics.json", "model.safetensors", "words.txt", "outcomes.test.json")
"""What is read of a run."""
CHECKSUMS = "checksums"
"""The key in metrics.json."""
CHECKED = ("epochs.csv", "model.safetensors", "outcomes.test.json", "words.txt")
_LONGEST_HEADER = 1 << 20


def is_own(folder: Path) -> bool:
    """Whether this user trained the run on this machine; its config.yaml may then name files anywhere."""
    return is_sealed(folder / "config.yaml")


def refuse_links(folder: Path, names: Iterable[str] = FILES) -> None:
    """Refuse a run that contains pipes, devices or folders in place of files, or links to files outside its folder.

    Raises:
        InputError: there is one; links are refused only if the run is not `is_own`.
    """
    for path in (folder / name for name in names):
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: is a {'folder' if path.is_dir() else 'pipe or device'}, not a regular file")
        if path.is_symlink() and leads_out(path, folder) and not is_own(folder):
            raise InputError(
                f"{path}: links that leave the folder of a run that was not trained here are not followed; copy the "
                "file there if you trust it"
            )


def is_run(folder: Path) -> bool:
    """Whether `train` wrote this folder. Runs of the first version have no marker, but a model in our format."""
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
    """The finished run is `path`; an unfinished one is `work`, a hidden folder next to it.

    Args:
        path: the folder of the run.
        kind: the kind of the finished folder in its marker.
        prepared: a folder inside `work` that is complete once it exists, and worth resuming from even without a
            checkpoint.

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
        """Lock the folder for this process while the block runs. Nothing in it is changed before `begin`.

        Afterwards the work folder is removed, unless it contains something worth resuming from.

        Raises:
            InputError: a finished or unfinished run exists that must not be changed, the folder was not written by this
                package, another process is writing it, or it cannot be written.
        """
        with hold(self.path):
            self._overwrite = overwrite
            self._refuse_taken()
            if (self.work.exists() or self.work.is_symlink()) and not self._has_own_work():
                raise InputError(f"{self.work}: {not_ours(self.unfinished)}")
            if self._resumable() and not (resume or overwrite):
                raise InputError(
                    f"{self.path}: there is an unfinished run; continue it with --resume or start again with "
                    "--overwrite"
                )
            try:
                yield
            finally:
                self._abandon()

    def begin(self, *, resume: bool) -> None:
        """Create the work folder, or keep its content when resuming."""
        if not resume:
            remove_folder(self.work, self.unfinished, self.kind)
        with disk_faults(self.work):
            if kind_of(self.work) is None:
                make_folder(self.work, self.unfinished)
            elif not self._resumable():
                clear(self.work, self.prepared)  # nothing else is worth resuming
            remove_left_behind(self.work)

    def finish(self) -> None:
        """Give the folder its final name, replacing an earlier run if there is one.

        Raises:
            InputError: something else has taken the name in the meantime; the work folder remains.
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
        return is_ours(self.work, self.unfinished, self.kind)  # the latter if killed just before renaming

    def _resumable(self) -> bool:
        return (self.work / LAST).exists()

    def _abandon(self) -> None:
        """Remove the work folder, unless it has a checkpoint or a prepared folder to resume from."""
        prepared = bool(self.prepared) and (self.work / self.prepared).exists()
        if self._has_own_work() and not self._resumable() and not prepared:
            with suppress(OSError):
                discard(self.work)


def read_metrics(folder: Path) -> dict[str, Any]:
    """Read the `metrics.json` of a run. Raises InputError if it is missing or damaged."""
    refuse_links(folder)
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
        if not isinstance(scores, dict) or (split in metrics and not is_number(scores.get(metrics["headline"]))):
            raise InputError(f"{folder / 'metrics.json'}: damaged: {split!r} has no number for {metrics['headline']!r}")
    if not all(isinstance(name, str) for name in metrics["embedders"]):
        raise InputError(f"{folder / 'metrics.json'}: damaged: 'embedders' must be names")
    for key in ("fingerprints", "arithmetic", CHECKSUMS):
        value = metrics.get(key, {})
        if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
            raise InputError(f"{folder / 'metrics.json'}: damaged: {key!r} must be texts by name")
    for name, mix in metrics["mix"].items():
        weights = mix.get("weights") if isinstance(mix, dict) else None
        if not isinstance(weights, list) or not all(map(is_number, weights)):
            raise InputError(f"{folder / 'metrics.json'}: damaged: 'mix' has no weights for {name!r}")
    return metrics


def checksums(folder: Path) -> dict[str, str]:
    """Checksums of the files of a run that are read back later, for its metrics.json."""
    return {name: checksum(folder / name) for name in CHECKED if (folder / name).is_file()}


def check_file(folder: Path, name: str, metrics: Mapping[str, Any] | None = None) -> Path:
    """Check that a file of a run is unchanged, and return its path. Runs of older versions have no checksums.

    Args:
        folder: the folder of the run.
        name: the name of the file.
        metrics: the metrics of the run, if they have been read; a folder without metrics is not checked.

    Raises:
        InputError: the file is missing or has been changed.
    """
    path = folder / name
    if not path.is_file():
        raise InputError(f"{folder}: not the folder of a finished run: it has no {name}")
    if metrics is None and (folder / "metrics.json").exists():
        metrics = read_metrics(folder)
    expected = (metrics or {}).get(CHECKSUMS, {}).get(name)
    if expected is not None and expected != checksum(path):
        raise InputError(f"{path}: damaged: the file has changed since training; restore it or train again")
    return path


def read_epochs(folder: Path, metrics: Mapping[str, Any]) -> list[dict[str, float]]:
    """Read the figures of a run's epochs. Raises InputError if the file is missing or damaged."""
    path = check_file(folder, "epochs.csv", metrics)
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(lines, strict=True)]
    except (ValueError, TypeError, AttributeError, csv.Error):  # also for a row with too many or too few columns
        raise InputError(f"{path}: damaged: it must have columns of numbers") from None
    whole = all("dev" in row and all(map(math.isfinite, row.values())) for row in rows)
    if not whole or len(rows) != metrics.get("epochs", len(rows)):
        raise InputError(f"{path}: damaged: it must have figures, including dev, for {metrics.get('epochs')} epochs")
    return rows


def is_number(value: Any) -> bool:
    """Whether a JSON value is a number; booleans are not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)
