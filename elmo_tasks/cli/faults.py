"""What the command line prints for exceptions other than InputError."""

from __future__ import annotations

import errno
import os
import tempfile
import traceback
from pathlib import Path

from elmo_tasks import __version__
from elmo_tasks.core.files import disk_fault

_MEMORY = ("can't allocate memory", "out of memory", "Cannot allocate memory", "Unable to allocate")


def explain(error: Exception) -> str | None:
    """One line for a failure of the machine (disk, memory, files, threads); None for anything else, which is a bug."""
    if isinstance(error, OSError) and error.errno == errno.ENOENT and not _in_a_folder():
        return "the current folder no longer exists; change to another one"
    if isinstance(error, MemoryError) or any(words in str(error) for words in _MEMORY):
        return f"not enough memory ({_first_line(error)}); use smaller batches or close other programs"
    if "can't start new thread" in str(error):
        return "the system allows no more threads; raise the limit with `ulimit -u`"
    fault = disk_fault(error)
    if fault is None:
        return None
    place = getattr(error, "filename", None)
    return f"{place}: {fault}" if place else fault


def report_bug(error: Exception, verb: str, command: str) -> str:
    """One line that reports a bug; the traceback goes into a file, or into the text if no file can be written."""
    text = "".join(traceback.format_exception(error))
    said = f"this is a bug ({type(error).__name__}: {_first_line(error)})"
    try:
        descriptor, name = tempfile.mkstemp(".txt", "elmo-tasks-bug-")
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"elmo-tasks {__version__}\n{command}\n\n{text}")
    except OSError:
        return f"elmo-tasks {verb}: {said}; please report it:\n{text}"
    return f"elmo-tasks {verb}: {said}; please report it with the file {name}"


def _first_line(error: Exception) -> str:
    lines = str(error).split("\n")
    return next((line.strip()[:200] for line in lines if line.strip()), type(error).__name__)


def _in_a_folder() -> bool:
    try:
        return Path.cwd().is_dir()
    except OSError:
        return False
