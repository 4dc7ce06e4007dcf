"""A data set on disk: a folder with a train, a dev and a test file."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TypeAlias

from elmo_tasks.core.errors import InputError
from elmo_tasks.text.examples import Example

Reader: TypeAlias = Callable[[Path], Sequence[Example]]

SPLIT_NAMES = {
    "train": ("train", "training"),
    "dev": ("dev", "devel", "development", "valid", "validation", "testa"),
    "test": ("test", "testb"),
}


@dataclass(frozen=True)
class Splits:
    """Examples by split; `name` is what the user called the data, `origin` where it was found."""

    name: str
    origin: str
    train: tuple[Example, ...]
    dev: tuple[Example, ...]
    test: tuple[Example, ...]

    def get(self, split: str) -> tuple[Example, ...]:
        """The examples of `train`, `dev` or `test`."""
        if split not in SPLIT_NAMES:
            raise InputError(f"expected a split among {', '.join(SPLIT_NAMES)}, got {split!r}")
        examples: tuple[Example, ...] = getattr(self, split)
        return examples

    def digest(self) -> str:
        """Of all that the examples say, gold included, wherever they were read from."""
        digest = hashlib.blake2b(digest_size=16)
        for split in SPLIT_NAMES:
            for example in self.get(split):
                said = [getattr(example, field.name) for field in fields(example) if field.name != "source"]
                digest.update(repr((split, *said)).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()


def find_split(folder: Path, split: str, variant: str = "") -> Path:
    """The file of a split: `train`, `dev` (also valid, testa) or `test` (also testb), any prefix and extension.

    Where there is no such file it is the folder of such a name.

    `variant` narrows a folder that holds several data sets (`fine` of `stsa.fine.train`); it is one of the parts that
    dots, hyphens and underscores make of a file's name.

    Raises:
        InputError: no file or more than one; the message lists what the folder holds.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: expected a folder with train, dev and test files, found none")
    all_names = {name for names in SPLIT_NAMES.values() for name in names}
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    found = {
        path: parts
        for path in files
        if set(SPLIT_NAMES[split]) & (parts := set(re.split(r"[._-]", path.name.lower())))
        and (not variant or variant.lower() in parts)
        and path.suffix.lower() != ".md"
    }
    if not found:  # as OntoNotes lays its splits out: a folder each, with files at any depth
        folders = (path for path in sorted(folder.iterdir()) if path.is_dir())
        found = {path: {path.name} for path in folders if path.name.lower() in SPLIT_NAMES[split]}
    if len(found) != 1:
        names = ", ".join(SPLIT_NAMES[split]) + (f", and {variant}" if variant else "")
        got = "several: " + ", ".join(path.name for path in found) if found else "none"
        there = ", ".join(path.name for path in files[:12]) or "nothing"
        own = set.union(*found.values()) - set.intersection(*found.values()) - all_names if found else set()
        choice = f"; choose by a part of their names, such as {folder}:{min(own)}" if own else ""
        raise InputError(
            f"{folder}: expected one file of the {split} split (its name with one of {names} in it), got {got}; "
            f"the folder holds {there}{choice}"
        )
    return next(iter(found))


def read_folder(folder: Path, reader: Reader, *, name: str = "", variant: str = "") -> Splits:
    """Read the three splits of a folder."""
    paths = {split: find_split(folder, split, variant) for split in SPLIT_NAMES}
    return Splits(
        name=name or str(folder),
        origin=str(folder),
        train=tuple(reader(paths["train"])),
        dev=tuple(reader(paths["dev"])),
        test=tuple(reader(paths["test"])),
    )
