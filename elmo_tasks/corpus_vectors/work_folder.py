"""Where an unfinished output lives: computed blocks and the settings that they were computed with."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import disk_faults, read_json, write_json

_FULL = ("No space left", "File too large", "errno = 28", "errno = 27", "Disk quota exceeded")


class WorkFolder:
    """`.NAME.partial` beside the output; the output appears when it is whole.

    A resumed run computes the blocks that are missing and puts all of them together, so that its bytes are those of a
    run that was never killed. While that is done, the disk holds the vectors twice.
    """

    def __init__(self, output: Path) -> None:
        self.output, self.path = output, output.with_name(f".{output.name}.partial")
        self.parts, self.whole = self.path / "parts", self.path / "whole"

    def refuse_taken(self, *, resume: bool, overwrite: bool) -> None:
        """Raises InputError when there is an output, or an unfinished one, that may not be touched."""
        if self.output.is_dir():
            raise InputError(f"{self.output}: expected a file to write, got a folder")
        if overwrite:
            return
        taken = next((path for path in (self.output, *_shards(self.output)) if path.exists()), None)
        if taken is not None:
            raise InputError(f"{taken}: there is such a file already; give another --output or --overwrite")
        if self.path.exists() and not resume:
            raise InputError(
                f"{self.output}: an unfinished output is there; go on with it by --resume or start anew by --overwrite"
            )

    def claim(self, settings: dict[str, Any], *, resume: bool) -> None:
        """Make the folder, or take up what is in it.

        Raises:
            InputError: what is in it was begun with other settings, or it cannot be written.
        """
        begun = self.path / "settings.json"
        with write_faults(self.output):
            if resume and begun.exists():
                before = read_json(begun)
                for name, value in settings.items():
                    if before.get(name) != value:
                        raise InputError(
                            f"{self.output}: expected to go on with {name} {before.get(name)!r}, got {value!r}; give "
                            "the same as before, or --overwrite to start anew"
                        )
            else:
                shutil.rmtree(self.path, ignore_errors=True)
                self.parts.mkdir(parents=True)
                write_json(begun, settings)
            shutil.rmtree(self.whole, ignore_errors=True)
            self.whole.mkdir()

    def part(self, number: int) -> Path:
        """The file of a block."""
        return self.parts / f"{number:08d}.safetensors"

    def abandon(self) -> None:
        """Remove the folder, unless there is a block in it that is worth resuming."""
        if not any(self.parts.glob("*.safetensors")):
            shutil.rmtree(self.path, ignore_errors=True)

    def finish(self, files: Sequence[Path]) -> list[Path]:
        """Give the files their names, the last of them last, in place of an earlier output; remove the folder."""
        with write_faults(self.output):
            made = [self.output.with_name(file.name) for file in files]
            for old in {self.output, *_shards(self.output)} - set(made):
                old.unlink(missing_ok=True)
            for file, name in zip(files, made, strict=True):
                file.replace(name)
            shutil.rmtree(self.path)
        return made


def index_name(output: Path) -> str:
    """The file that says in which shard each tensor is, if there are several."""
    return f"{output.name}.index.json"


def _shards(output: Path) -> list[Path]:
    """What a sharded output consists of; none but safetensors has shards."""
    return [*output.parent.glob(f"{output.stem}-[0-9]*-of-[0-9]*{output.suffix}"), output.with_name(index_name(output))]


@contextmanager
def write_faults(path: Path) -> Iterator[None]:
    """A full disk is one line, in whichever words a library tells of it."""
    try:
        with disk_faults(path):
            yield
    except (OSError, RuntimeError, SafetensorError) as error:
        if any(sign in str(error) for sign in _FULL):
            raise InputError(
                f"{path}: no space left on this disk, or a file too large for it; free some, then go on by --resume"
            ) from None
        raise


def about_json(about: dict[str, Any]) -> str:
    """One string, so that no format chooses an order of its own."""
    return json.dumps(about, sort_keys=True)
