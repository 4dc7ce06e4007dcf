"""Find data sets by name: a folder with data, `$ELMO_TASKS_DATA/NAME`, a shipped one, or the hub, in this order."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from elmo_tasks.core.errors import InputError, quoted
from elmo_tasks.core.folders import kind_of
from elmo_tasks.core.paths import data_root
from elmo_tasks.data.hub import load_conll2003, load_sst2, load_sst5
from elmo_tasks.data.label_map import LabelMap, with_label_map
from elmo_tasks.data.reading import Reader, ReadingConfig
from elmo_tasks.data.splits import SPLIT_NAMES, Splits, has_split, read_file, read_folder

SAMPLE = Path(__file__).parent / "sample"
USUAL_SHARE = 0.1
"""Share of the training sentences held out as dev, and again as test, if a data set has neither."""
STAND_IN_SHARE = 0.25
"""Share of the sentences held out as dev if another split serves as training data (`Entry.trained_on`)."""


@dataclass(frozen=True)
class Entry:
    """A catalog entry: the task it is for, and where it comes from if there is no folder of that name.

    folder, variant: the folder below `$ELMO_TASKS_DATA` that contains it next to others, and the part of the file
    names that marks its files. trained_on: the split that serves as training data if there is no train file, because
    none is public; a quarter of its sentences is held out as dev.
    """

    task: str
    summary: str
    shipped: Path | None = None
    hub: Callable[[], Splits] | None = None
    folder: str = ""
    variant: str = ""
    trained_on: str = "train"


class Place(NamedTuple):
    """A folder on this disk and, if it contains several data sets, the variant that is meant.

    trained_on: the split whose file is the training data.
    """

    folder: Path
    variant: str = ""
    trained_on: str = "train"


CATALOG: dict[str, Entry] = {
    "conll2003": Entry(
        "ner", "Reuters news, four entity types (Tjong Kim Sang and De Meulder 2003)", hub=load_conll2003
    ),
    "ud-ewt-pos": Entry(
        "probe, tagging",
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
    "germeval2014": Entry(
        "ner",
        "German news and Wikipedia, outer entities (Benikova et al. 2014); if there is no train file, "
        "three quarters of dev are the training data and the rest is dev",
        folder="germeval2014",
        trained_on="dev",
    ),
    "sample-sentiment": Entry(
        "sentiment", "opinions written for this project, shipped with it", shipped=SAMPLE / "sentiment"
    ),
    "ewt-srl": Entry("srl", "PropBank on the English Web Treebank, verbs, nouns and adjectives", folder="ewt_srl"),
    "sample-srl": Entry("srl", "propositions written for this project, shipped with it", shipped=SAMPLE / "srl"),
    "sick": Entry("nli", "pairs of captions, three labels (Marelli et al. 2014, CC BY-NC-SA 3.0)", folder="sick"),
    "snli": Entry(
        "nli", "pairs written for photographs, three labels (Bowman et al. 2015, CC BY-SA 4.0)", folder="snli"
    ),
    "snli-cf": Entry("nli", "pairs of SNLI with counterfactual revisions (Kaushik et al. 2020)", folder="snli/cad_all"),
    "breaking-nli": Entry(
        "nli",
        "only a test split: SNLI premises with one word replaced (Glockner et al. 2018, CC BY-SA 4.0)",
        folder="snli/breaking_nli",
    ),
    "sample-nli": Entry("nli", "pairs written for this project, shipped with it", shipped=SAMPLE / "nli"),
    "ontogum-open": Entry(
        "coreference",
        "GUM in the OntoNotes scheme, many genres (Zhu et al. 2021), texts under open licences",
        folder="ontogum/open",
    ),
    "litbank": Entry(
        "coreference", "100 works of fiction, with singletons (Bamman et al. 2020, CC BY 4.0)", folder="litbank_coref"
    ),
    "gap": Entry("coreference", "ambiguous pronouns of Wikipedia, for evaluation (Webster et al. 2018)", folder="gap"),
    "sample-coreference": Entry(
        "coreference", "short stories written for this project, shipped with it", shipped=SAMPLE / "coreference"
    ),
    "sample-tagging": Entry(
        "tagging", "parts of speech of sentences written for this project, shipped with it", shipped=SAMPLE / "tagging"
    ),
}


def load_data(
    name: str, reader: Reader, reading: ReadingConfig | None = None, only: Sequence[str] = tuple(SPLIT_NAMES)
) -> Splits:
    """Find and read a data set, or several data sets joined into one.

    If a folder contains only training sentences, a tenth of them becomes the dev split and another tenth the test
    split, the same ones for every seed. When data sets are joined, each adds the splits that it has.

    name: a folder, `FOLDER:VARIANT` for a folder with several data sets, a catalog name, the name of a folder below
    `$ELMO_TASKS_DATA`, a file, or several of these joined with `+`; only: the splits that are needed.

    Raises:
        InputError: the data set does not exist or is damaged.
    """
    reading = reading or ReadingConfig()
    rename = LabelMap(reading.map_labels)
    if rename:
        reader = with_label_map(reader, rename)
    names = parts_of(name)
    there = {part: _splits_of(part) for part in names}
    folders = all(locate(part) is not None for part in names)  # only the user knows which split a single file is
    if folders and not reading.held_out() and all(splits == {"train"} for splits in there.values()):
        reading = replace(reading, dev_fraction=USUAL_SHARE, test_fraction=USUAL_SHARE)
    splits = _load(name, reader, reading, only) if len(names) == 1 else _join(name, there, reader, reading, only)
    notes = list(splits.notes)
    rename.note_unused(notes.append)
    return replace(splits, notes=tuple(notes))


def parts_of(name: str) -> list[str]:
    """Split `name` at `+` into the data sets to join; a name that exists as a whole stays one data set.

    Raises:
        InputError: a part is empty or named twice.
    """
    if "+" not in name or locate(name) is not None or Path(name).exists():
        return [name]
    parts = [part.strip() for part in name.split("+")]
    if "" in parts or len(set(parts)) < len(parts):
        raise InputError(f"--data: data sets joined with + must all be named and all differ, not {quoted(name)}")
    return parts


def short_name(name: str) -> str:
    """The name of a data set in file names and records: the last part of each path."""
    return "+".join(Path(part).name for part in name.split("+"))


def _splits_of(name: str) -> set[str]:
    """The splits of a data set, judged by the names of its files; a single file counts as training sentences."""
    if (place := locate(name)) is not None:
        own = {split for split in SPLIT_NAMES if has_split(place.folder, split)}
        return own if place.trained_on == "train" else {*own, "train", "dev"}
    return {"train"} if Path(name).is_file() else {*SPLIT_NAMES}


def _join(
    name: str, there: Mapping[str, set[str]], reader: Reader, reading: ReadingConfig, only: Sequence[str]
) -> Splits:
    """Read each data set and concatenate their examples, split by split."""
    held_out = reading.held_out()
    for split in held_out:
        if all(split in splits for splits in there.values()):
            raise InputError(f"{name}: all of these already have a {split} file; leave out --{split}-fraction")
    if "dev" in only and "dev" not in held_out and not any("dev" in splits for splits in there.values()):
        raise InputError(f"{name}: none of these has a dev file; --dev-fraction 0.1 holds out part of train as dev")
    parts, notes = [], list[str]()
    for part, splits in there.items():
        own = replace(
            reading,
            dev_fraction=0.0 if "dev" in splits else reading.dev_fraction,
            test_fraction=0.0 if "test" in splits else reading.test_fraction,
        )
        wanted = [split for split in only if split in splits or split in own.held_out()]
        if wanted:
            parts.append(_load(part, reader, own, wanted))
        notes += [
            f"{part}: no {split} file; it adds nothing to {split}"
            for split in only
            if split not in wanted and ("train" in only or split == "train")
        ]
    if not parts:
        raise InputError(f"{name}: none of these has a file of the {' or '.join(only)} split")
    joined = {split: tuple(x for part in parts for x in part.get(split)) for split in SPLIT_NAMES}
    notes = [note for part in parts for note in part.notes] + notes
    return Splits(name, "+".join(part.origin for part in parts), **joined, notes=tuple(notes), parts=tuple(parts))


def _load(name: str, reader: Reader, reading: ReadingConfig, only: Sequence[str]) -> Splits:
    place = locate(name)
    if place is not None:
        if place.trained_on != "train":
            reading = replace(reading, dev_fraction=reading.dev_fraction or STAND_IN_SHARE)
        return read_folder(
            place.folder,
            reader,
            name=name,
            variant=place.variant,
            trained_on=place.trained_on,
            reading=reading,
            only=only,
        )
    if Path(name).is_file():
        return read_file(Path(name), reader, reading, only)
    entry = CATALOG.get(name)
    if entry is not None and entry.hub is not None:
        if reading != ReadingConfig():
            raise InputError(
                f"--columns, --encoding, --map-labels and --dev-fraction only apply to files, but {name} comes from "
                "the hub; leave them out"
            )
        return entry.hub()
    if entry is not None:
        root = data_root() or "not set"
        raise InputError(
            f"--data: the data set {name} is not on this disk; put its files into "
            f"$ELMO_TASKS_DATA/{entry.folder or name} (ELMO_TASKS_DATA is {root}), or give their folder, as ./{name}"
        )
    close = difflib.get_close_matches(name, CATALOG, n=1)
    guess = f"; did you mean {close[0]}?" if close else ""
    raise InputError(
        f"--data: there is no data set {name!r}{guess}; give a folder, a folder below $ELMO_TASKS_DATA or one of "
        f"{', '.join(CATALOG)}"
    )


def locate(name: str) -> Place | None:
    """The folder of the data set `name`, or None if it is not on this disk.

    A name without a slash is a folder here only if that has a file of a split and is none that this package wrote, such
    as a run called `sick`; otherwise the data set of that name is meant. If there is none, it is the folder after all,
    so that the message can say what is missing in it.
    """
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
    there = [place for place in places if place.folder.is_dir()]
    if name == Path(name).name:
        there = [place for place in there if kind_of(place.folder) is None]
        full = [place for place in there if any(has_split(place.folder, split) for split in SPLIT_NAMES)]
        there = full or ([] if entry is not None and entry.hub is not None else there)
    found = next(iter(there), None)
    if found is not None and entry is not None and not has_split(found.folder, "train"):
        return found._replace(trained_on=entry.trained_on)
    return found
