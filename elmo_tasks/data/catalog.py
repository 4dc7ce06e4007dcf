"""Data sets by name: a folder, `$ELMO_TASKS_DATA/NAME`, what the package ships, or the hub, in this order."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from elmo_tasks.data.hub import load_conll2003
from elmo_tasks.data.splits import Reader, Splits, read_folder
from elmo_tasks.errors import InputError
from elmo_tasks.paths import data_root

SAMPLE = Path(__file__).parent / "sample"


@dataclass(frozen=True)
class Entry:
    """A name of the catalog, the task it is for, and where it comes from if no folder has it.

    folder: what its folder below `$ELMO_TASKS_DATA` is called, if not by the name.
    """

    task: str
    summary: str
    shipped: Path | None = None
    hub: Callable[[], Splits] | None = None
    folder: str = ""


CATALOG: dict[str, Entry] = {
    "conll2003": Entry(
        "ner", "Reuters news, four entity types (Tjong Kim Sang and De Meulder 2003)", hub=load_conll2003
    ),
    "sample": Entry("ner", "news-like English written for this project, shipped with it", shipped=SAMPLE),
    "ewt-srl": Entry("srl", "PropBank on the English Web Treebank, verbs, nouns and adjectives", folder="ewt_srl"),
    "sample-srl": Entry("srl", "propositions written for this project, shipped with it", shipped=SAMPLE / "srl"),
}


def load_data(name: str, reader: Reader) -> Splits:
    """Find and read a data set.

    name: a folder, or a name of the catalog, or a folder's name below `$ELMO_TASKS_DATA`.

    Raises:
        InputError: there is no such data, or it is damaged.
    """
    place = locate(name)
    if place is not None:
        return read_folder(place, reader, name=name)
    entry = CATALOG.get(name)
    if entry is not None and entry.hub is not None:
        return entry.hub()
    close = difflib.get_close_matches(name, CATALOG, n=1)
    guess = f"; did you mean {close[0]}?" if close else ""
    raise InputError(
        f"--data: expected a folder, one below $ELMO_TASKS_DATA or one of {', '.join(CATALOG)}, got {name!r}{guess}"
    )


def locate(name: str) -> Path | None:
    """The folder that `name` means, if it is on this disk."""
    given = Path(name).expanduser()
    if given.is_dir():
        return given
    entry, root = CATALOG.get(name), data_root()
    for below in (name, entry.folder if entry is not None else ""):
        if root is not None and below and (root / below).is_dir():
            return root / below
    return entry.shipped if entry is not None else None
