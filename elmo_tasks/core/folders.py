"""Our own folders, each with a marker; folders without one are never replaced or removed."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from pathlib import Path

from elmo_tasks import __version__
from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import disk_faults, hidden_name, is_left_behind, write_text

MARKER = ".elmo-tasks"


def mark(folder: Path, kind: str) -> None:
    """Write the marker, with the kind of the folder and the version that made it."""
    write_text(folder / MARKER, json.dumps({"kind": kind, "version": __version__}) + "\n")


def kind_of(folder: Path) -> str | None:
    """The kind in the marker; None for a folder without marker, a link or anything else."""
    path = folder / MARKER
    if folder.is_symlink() or path.is_symlink():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return str(found["kind"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def is_ours(folder: Path, *kinds: str) -> bool:
    """Whether a folder may be replaced: its marker names one of these kinds, or it is still bare.

    A process that is killed between creating the folder and marking it leaves a bare one.
    """
    return kind_of(folder) in kinds or _is_bare(folder)


def _is_bare(folder: Path) -> bool:
    """Whether this is a folder with nothing in it except an unfinished marker."""
    try:
        return not folder.is_symlink() and all(is_left_behind(path, MARKER) for path in folder.iterdir())
    except OSError:  # not a folder, or not readable
        return False


def leads_out(path: Path, folder: Path) -> bool:
    """Whether a path is outside a folder after resolving links.

    In the cache of the hub, a folder `snapshots/REVISION` has links to `blobs`, which belong to it.
    """
    try:
        home, place = folder.resolve(), path.resolve()
    except (OSError, RuntimeError):  # circular links
        return True
    blobs = [home.parents[1] / "blobs"] if home.parent.name == "snapshots" else []
    return not any(place.is_relative_to(each) for each in (home, *blobs))


def make_folder(path: Path, kind: str) -> None:
    """Create a new folder with its marker; an existing bare folder is used.

    Raises:
        InputError: the name exists already, or the folder cannot be created.
    """
    with disk_faults(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(exist_ok=_is_bare(path))
    mark(path, kind)


def use_folder(path: Path, kind: str) -> None:
    """Create a folder to which files are added, or use an existing one if it is ours or empty.

    Raises:
        InputError: the folder contains something else, the path is not a folder, or it cannot be created.
    """
    if path.is_dir() and not path.is_symlink():
        if kind_of(path) == kind:
            return
        if _is_bare(path):
            mark(path, kind)
            return
        raise InputError(f"{path}: {not_ours(kind)}")
    if path.exists() or path.is_symlink():
        raise InputError(f"{path}: is a {'link' if path.is_symlink() else 'file'}, not a folder; {_OTHER}")
    make_folder(path, kind)


def remove_folder(path: Path, *kinds: str) -> None:
    """Remove a folder of one of these kinds, or a bare one, if it exists; other folders are left alone.

    Raises:
        InputError: something else has this name, which is not removed.
    """
    if not (path.exists() or path.is_symlink()):
        return
    if not is_ours(path, *kinds):
        raise InputError(f"{path}: {not_ours(kinds[0])}")
    with disk_faults(path):
        discard(path)


def discard(folder: Path) -> None:
    """Remove a folder of ours, its marker last: whatever a killed process leaves of it is still known as ours.

    Raises:
        OSError: something in it cannot be removed.
    """
    clear(folder)
    (folder / MARKER).unlink(missing_ok=True)
    folder.rmdir()


def clear(folder: Path, keep: str = "") -> None:
    """Remove everything in a folder of ours but its marker and the folder `keep` in it.

    Raises:
        OSError: something in it cannot be removed.
    """
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            if path.name != keep:
                shutil.rmtree(path)
        elif path.name != MARKER:
            path.unlink()


def swap_folder(new: Path, path: Path) -> None:
    """Rename the folder `new` to `path`; whatever had that name is removed once this has succeeded."""
    if not path.exists():
        new.rename(path)
        return
    old = hidden_name(path, ".old")
    path.rename(old)
    try:
        new.rename(path)
    except OSError:
        with suppress(OSError):
            old.rename(path)
        raise
    shutil.rmtree(old, ignore_errors=True)


def not_ours(kind: str) -> str:
    """The message for a folder that is not ours, with what to do."""
    article = "an" if kind[0] in "aeiou" else "a"
    return f"already exists and is not {article} {kind} made by elmo-tasks (it has no such {MARKER} file); {_OTHER}"


_OTHER = "choose another --output"
