"""Restrict the files named in the configuration of a run that was not trained here to the folder of the run."""

from __future__ import annotations

from pathlib import Path

from elmo_tasks.core.errors import InputError, quoted
from elmo_tasks.core.folders import leads_out
from elmo_tasks.core.paths import hub_name


def confined(place: str, folder: Path, *, hub: bool = False, bare: bool = False) -> str:
    """Resolve a relative path inside `folder`, or a repository of the Hugging Face hub.

    hub: whether the place may be a repository, `hf:ORG/NAME` or, if the folder contains nothing of that name,
    `ORG/NAME`; bare: whether `NAME` without an organisation may be a repository too.

    Raises:
        InputError: the place is an address, an absolute path, or a path or link that leads out of the folder.
    """
    if hub and place.startswith("hf:") and hub_name(place, bare=bare):
        return place
    path = folder / place
    if "://" in place or "\0" in place or place.startswith("~") or Path(place).is_absolute() or leads_out(path, folder):
        raise InputError(
            f"{folder}: the run was not trained here and refers to {quoted(place)}, which is outside its folder; if "
            "you trust its author, pass --trust (in Python: trust=True)"
        )
    if hub and not path.exists() and hub_name(f"hf:{place}", bare=bare):
        return f"hf:{place}"
    return str(path)
