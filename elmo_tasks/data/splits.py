"""A data set on disk: a folder with a train, a dev and a test file."""

from __future__ import annotations

import hashlib
import inspect
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from elmo_tasks.core.errors import InputError
from elmo_tasks.data.lines import COMPRESSED
from elmo_tasks.data.reading import Reader, ReadingConfig, bind, note_oddities
from elmo_tasks.text.examples import Example, by_sentence

SPLIT_NAMES = {
    "train": ("train", "training"),
    "dev": ("dev", "devel", "development", "val", "valid", "validation", "testa"),
    "test": ("test", "testb"),
}
NO_TEST = "no test file; scores are on dev, which also selects the epoch"
_ALL_NAMES = {name for names in SPLIT_NAMES.values() for name in names}


@dataclass(frozen=True)
class Splits:
    """Examples by split; `name` is the user's name for the data set, `origin` the place it was read from.

    notes: what the user should know about how they were read, one line each.
    parts: the data sets that were joined, if there are several.
    """

    name: str
    origin: str
    train: tuple[Example, ...] = ()
    dev: tuple[Example, ...] = ()
    test: tuple[Example, ...] = ()
    notes: tuple[str, ...] = ()
    parts: tuple[Splits, ...] = ()

    def get(self, split: str) -> tuple[Example, ...]:
        """The examples of `train`, `dev` or `test`."""
        if split not in SPLIT_NAMES:
            raise InputError(f"there is no split {split!r}; choose one of {', '.join(SPLIT_NAMES)}")
        examples: tuple[Example, ...] = getattr(self, split)
        return examples

    def having(self, split: str, examples: Sequence[Example]) -> Splits:
        """A copy with other examples in one split."""
        self.get(split)
        return replace(self, **{split: tuple(examples)})  # type: ignore[arg-type]

    def digest(self) -> str:
        """A checksum of the content of all examples, gold included, independent of where they were read from."""
        digest = hashlib.blake2b(digest_size=16)
        for split in SPLIT_NAMES:
            for example in self.get(split):
                said = [getattr(example, field.name) for field in fields(example) if field.name != "source"]
                digest.update(repr((split, *said)).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()

    def part_records(self) -> list[dict[str, str | int]]:
        """A JSON record of each joined data set: its name, its digest and the number of examples per split."""
        return [
            {"data": part.name, "data_digest": part.digest(), **{split: len(part.get(split)) for split in SPLIT_NAMES}}
            for part in self.parts
        ]


def find_split(folder: Path, split: str, variant: str = "") -> Path:
    """Find the file of a split: `train`, `dev` (or val, valid, testa) or `test` (or testb), any prefix and extension.

    If there is no such file, a folder of such a name is used. A file whose name contains two splits, such as
    `train_dev.tsv`, is used only if there is no other.

    variant: chooses between several files of a split (`fine` for `stsa.fine.train`, `wsj` for `test-wsj`); it is one of
    the parts of a file name separated by dots, hyphens and underscores. A split with one file needs no variant, unless
    its name shows that it belongs to another one.

    Raises:
        InputError: there is no file, or more than one; the message lists the content of the folder.
    """
    found = _candidates(folder, split)
    if variant:
        variant = variant.lower()
        others = {part for name in SPLIT_NAMES for part in _choices(_candidates(folder, name))} - {variant}
        known = any(variant in parts for name in SPLIT_NAMES for parts in _candidates(folder, name).values())
        chosen = {path: parts for path, parts in found.items() if variant in parts}
        if not chosen and known:
            chosen = {path: parts for path, parts in found.items() if not parts & others}
        found = chosen
    if len(found) != 1:
        files = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
        names = ", ".join(SPLIT_NAMES[split]) + (f", and {variant}" if variant else "")
        wrong = "more than one" if found else "no"
        files_found = ": " + ", ".join(path.name for path in found) if found else ""
        there = ", ".join(files[:12]) or "nothing"
        own = _choices(found)
        choice = f"; choose one by part of its name, for example {folder}:{min(own)}" if own else ""
        held = f"; --{split}-fraction 0.1 holds out part of train as {split}" if split != "train" and not found else ""
        raise InputError(
            f"{folder}: {wrong} file for the {split} split (with one of {names} in its name){files_found}; the folder "
            f"contains {there}{choice}{held}"
        )
    return next(iter(found))


def has_split(folder: Path, split: str) -> bool:
    """Whether a folder has a file for a split."""
    return bool(_candidates(folder, split))


def _candidates(folder: Path, split: str) -> dict[Path, set[str]]:
    """The files of a split (or its folders, if there is no file) and the parts of their names."""
    if not folder.is_dir():
        raise InputError(f"{folder}: there are no train, dev or test files")
    entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    own, others = set(SPLIT_NAMES[split]), _ALL_NAMES - set(SPLIT_NAMES[split])
    found = {
        path: parts
        for path in entries
        if own & (parts := set(re.split(r"[._-]", path.name.lower())))
        and path.suffix.lower() != ".md"
        and not path.is_dir()
    }
    found = {path: parts for path, parts in found.items() if not parts & others} or found
    if not found:  # the layout of OntoNotes: one folder per split, with files at any depth
        found = {path: {path.name.lower()} for path in entries if path.is_dir() and path.name.lower() in own}
    return found


def _choices(found: dict[Path, set[str]]) -> set[str]:
    """The parts of file names that distinguish the files of a split."""
    if len(found) < 2:
        return set()
    parts = list(found.values())
    endings = {ending[1:] for ending in COMPRESSED}
    return parts[0].union(*parts) - parts[0].intersection(*parts) - _ALL_NAMES - endings


def read_folder(
    folder: Path,
    reader: Reader,
    *,
    name: str = "",
    variant: str = "",
    trained_on: str = "train",
    reading: ReadingConfig | None = None,
    only: Sequence[str] = tuple(SPLIT_NAMES),
) -> Splits:
    """Read the splits of a folder. A missing test split is empty, unless `reading` holds it out of train.

    trained_on: the split whose file is the training data; only: the splits to read; the others stay empty, and their
    files need not exist.

    Raises:
        InputError: a split is missing or damaged, or a split to be held out already exists.
    """
    reading = reading or ReadingConfig()
    notes: list[str] = []
    held_out = reading.held_out()
    if not {"train", *held_out} & set(only):
        held_out = {}
    for split in held_out:
        if split != trained_on and has_split(folder, split):
            there = find_split(folder, split, variant)
            raise InputError(f"{folder}: the folder already has a {split} file, {there}; leave out --{split}-fraction")
    needed = {*only, "train"} if held_out else {*only}
    wanted = [split for split in SPLIT_NAMES if split in needed and split not in held_out]
    if "test" in wanted and len(wanted) > 1 and not has_split(folder, "test"):
        wanted.remove("test")
        notes.append(f"{folder}: {NO_TEST}")
    files = {split: trained_on if split == "train" else split for split in wanted}
    paths = {split: find_split(folder, file, variant) for split, file in files.items()}
    return _read(paths, reader, Splits(name or str(folder), str(folder)), reading, notes, held_out)


def read_file(path: Path, reader: Reader, reading: ReadingConfig, only: Sequence[str] = tuple(SPLIT_NAMES)) -> Splits:
    """Read a single file as the requested split, or as all splits if `reading` holds some out of train.

    Raises:
        InputError: the file is damaged, or more splits are requested than it provides.
    """
    empty, notes, held_out = Splits(str(path), str(path)), list[str](), reading.held_out()
    if not held_out:
        if len(only) > 1:
            raise InputError(
                f"{path}: is a file, not a folder with train, dev and test files; hold out part of it as dev with "
                "--dev-fraction 0.1, and as test with --test-fraction 0.1"
            )
        return _read({only[0]: path}, reader, empty, reading, notes, {})
    if not {"train", *held_out} & set(only):
        raise InputError(
            f"{path}: no {only[0]} split; the file is training data, from which only {' and '.join(held_out)} is held "
            "out"
        )
    if "test" not in held_out:
        notes.append(f"{path}: {NO_TEST}")
    return _read({"train": path}, reader, empty, reading, notes, held_out)


def _read(
    paths: Mapping[str, Path],
    reader: Reader,
    splits: Splits,
    reading: ReadingConfig,
    notes: list[str],
    held_out: Mapping[str, float],
) -> Splits:
    read = bind(reader, reading, notes.append)
    phrases = _phrases(reader, reading, held_out)
    for split, path in paths.items():
        splits = splits.having(split, read(path, **(phrases if split == "train" else {})))
    note_oddities([*splits.train, *splits.dev, *splits.test], notes.append)
    distinct = {
        text.rpartition(": ")[2]: text for text in reversed(notes)
    }  # report the same note about several files only once
    return hold_out(replace(splits, notes=tuple(reversed(distinct.values()))), held_out)


def _phrases(reader: Reader, reading: ReadingConfig, held_out: Mapping[str, float]) -> dict[str, bool]:
    """The option of a reader that reads the phrases of training trees.

    Raises:
        InputError: the reader does not support it, or parts of the training data, with their phrases, are held out.
    """
    if not reading.phrases:
        return {}
    if "phrases" not in inspect.signature(reader).parameters:
        raise InputError("reading.phrases: the reader for this task's files does not support it; leave it out")
    if held_out:
        raise InputError(
            "reading.phrases needs dev and test files of trees, because train would have phrases of held-out sentences"
        )
    return {"phrases": True}


def hold_out(splits: Splits, shares: Mapping[str, float]) -> Splits:
    """Move shares of the training sentences to dev or test, drawn at random but the same for every seed.

    Raises:
        InputError: one of them, or train, would have no sentences.
    """
    if not shares:
        return splits
    sentences = by_sentence(splits.train)
    counts = {split: round(share * len(sentences)) for split, share in shares.items()}
    counts["train"] = len(sentences) - sum(counts.values())
    for split, count in counts.items():
        if count < 1:
            said = " and ".join(f"--{split}-fraction {share:g}" for split, share in shares.items())
            raise InputError(
                f"{splits.origin}: {said} of {len(sentences)} training sentences leaves no sentences for {split}"
            )
    draw, left, parts = random.Random(0), list(range(len(sentences))), dict[str, set[int]]()
    for split in shares:
        drawn = set(draw.sample(left, counts[split]))
        parts[split], left = drawn, [number for number in left if number not in drawn]
    notes = tuple(
        f"{splits.origin}: held out {counts[split]} of {len(sentences)} training sentences as {split} "
        f"(--{split}-fraction {share:g})"
        for split, share in shares.items()
    )
    whole, splits = splits.train, replace(splits, notes=(*splits.notes, *notes))
    for split, numbers in {**parts, "train": set(left)}.items():
        examples = (whole[index] for number in sorted(numbers) for index in sentences[number])
        splits = splits.having(split, tuple(examples))
    return splits
