"""Data sets by name: a folder, `$ELMO_TASKS_DATA/NAME`, what the package ships, or the hub, in this order."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.paths import data_root
from elmo_tasks.data.hub import load_conll2003, load_sst2, load_sst5
from elmo_tasks.data.reading import Reader, ReadingConfig
from elmo_tasks.data.splits import SPLIT_NAMES, Splits, read_file, read_folder

SAMPLE = Path(__file__).parent / "sample"


@dataclass(frozen=True)
class Entry:
    """A name of the catalog, the task it is for, and where it comes from if no folder has its name.

    folder, variant: the folder below `$ELMO_TASKS_DATA` that holds it among others, and what its files have in their
    names.
    """

    task: str
    summary: str
    shipped: Path | None = None
    hub: Callable[[], Splits] | None = None
    folder: str = ""
    variant: str = ""


class Place(NamedTuple):
    """A folder on this disk, and the variant in it that is meant if it holds several data sets."""

    folder: Path
    variant: str = ""


CATALOG: dict[str, Entry] = {
    "conll2003": Entry(
        "ner", "Reuters news, four entity types (Tjong Kim Sang and De Meulder 2003)", hub=load_conll2003
    ),
    "ud-ewt-pos": Entry(
        "probe",
        "parts of speech, UPOS and XPOS, of the English Web Treebank (Universal Dependencies, CC BY-SA 4.0)",
        folder="ud_ewt_pos",
    ),
    "sample-senses": Entry(
        "probe senses", "twelve ambiguous words, written for this project, shipped with it", shipped=SAMPLE / "senses"
    ),
    "sample": Entry("ner", "news-like English written for this project, shipped with it", shipped=SAMPLE),
    "sst2": Entry(
        "sentiment",
        "film reviews, negative or positive (Socher et al. 2013)",
        hub=load_sst2,
        folder="sst",
        variant="binary",
    ),
    "sst5": Entry(
        "sentiment", "film reviews, five classes (Socher et al. 2013)", hub=load_sst5, folder="sst", variant="fine"
    ),
    "sample-sentiment": Entry(
        "sentiment", "opinions written for this project, shipped with it", shipped=SAMPLE / "sentiment"
    ),
    "ewt-srl": Entry("srl", "PropBank on the English Web Treebank, verbs, nouns and adjectives", folder="ewt_srl"),
    "sample-srl": Entry("srl", "propositions written for this project, shipped with it", shipped=SAMPLE / "srl"),
}


def load_data(
    name: str, reader: Reader, reading: ReadingConfig | None = None, only: Sequence[str] = tuple(SPLIT_NAMES)
) -> Splits:
    """Find and read a data set.

    name: a folder, `FOLDER:VARIANT` of one that holds several, a name of the catalog, a folder's name below
    `$ELMO_TASKS_DATA`, or a file, which is the only split or, with `reading.dev_fraction`, train and dev; only: the
    splits that are needed.

    Raises:
        InputError: there is no such data, or it is damaged.
    """
    reading = reading or ReadingConfig()
    place = locate(name)
    if place is not None:
        return read_folder(place.folder, reader, name=name, variant=place.variant, reading=reading, only=only)
    if Path(name).is_file():
        return read_file(Path(name), reader, reading, only)
    entry = CATALOG.get(name)
    if entry is not None and entry.hub is not None:
        if reading != ReadingConfig():
            raise InputError(f"--columns, --encoding and --dev-fraction are for files; {name} comes from the hub")
        return entry.hub()
    close = difflib.get_close_matches(name, CATALOG, n=1)
    guess = f"; did you mean {close[0]}?" if close else ""
    raise InputError(
        f"--data: expected a folder, one below $ELMO_TASKS_DATA or one of {', '.join(CATALOG)}, got {name!r}{guess}"
    )


def locate(name: str) -> Place | None:
    """Where the data that `name` means is, if it is on this disk."""
    entry, root = CATALOG.get(name), data_root()
    folder, _, variant = name.rpartition(":")
    places = [Place(Path(name).expanduser())]
    if folder:
        places.append(Place(Path(folder).expanduser(), variant))
    if root is not None:
        places += [Place(root / place.folder, place.variant) for place in places]
        if entry is not None and entry.folder:
            places.append(Place(root / entry.folder, entry.variant))
    if entry is not None and entry.shipped is not None:
        places.append(Place(entry.shipped))
    return next((place for place in places if place.folder.is_dir()), None)
