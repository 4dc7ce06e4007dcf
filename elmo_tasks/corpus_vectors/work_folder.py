"""The folder of an unfinished output: computed blocks and the settings they were computed with."""

from __future__ import annotations

import glob
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import disk_faults, json_keys, read_object, sync, write_json
from elmo_tasks.core.folders import discard, is_ours, kind_of, make_folder, not_ours, remove_folder
from elmo_tasks.core.outputs import check_file, hold
from elmo_tasks.corpus_vectors.vector_file import index_name, is_vector_file

KIND = "unfinished vector file"
"""The kind of the folder in its marker."""


class WorkFolder:
    """The folder `.NAME.partial` next to the output, which appears when it is complete.

    A resumed run computes the missing blocks and combines all of them, so that the output is bit-identical to that of
    an uninterrupted run. While they are combined, the vectors are on disk twice.
    """

    def __init__(self, output: Path) -> None:
        self.output, self.path = output, output.with_name(f".{output.name}.partial")
        self.parts, self.whole = self.path / "parts", self.path / "whole"

    @contextmanager
    def claimed(self, *, resume: bool, overwrite: bool) -> Iterator[None]:
        """Lock the output for this process while the block runs. Nothing is changed before `begin`.

        Afterwards the folder is removed, unless it contains a block to resume from.

        Raises:
            InputError: there is a finished or unfinished output that must not be changed, another process is writing
                it, or it cannot be written.
        """
        self._refuse_taken(overwrite)
        with hold(self.output):
            self._refuse_taken(overwrite)
            if (self.path.exists() or self.path.is_symlink()) and not is_ours(self.path, KIND):
                raise InputError(f"{self.path}: {not_ours(KIND)}")
            if kind_of(self.path) == KIND and not (resume or overwrite):
                raise InputError(
                    f"{self.output}: there is an unfinished output; continue it with --resume or start again with "
                    "--overwrite"
                )
            try:
                yield
            finally:
                if is_ours(self.path, KIND) and not any(self.parts.glob("*.safetensors")):
                    with suppress(OSError):
                        discard(self.path)

    def begin(self, settings: dict[str, Any], *, resume: bool) -> None:
        """Create the folder, or continue with its content.

        Raises:
            InputError: its content was made with other settings, or it cannot be written.
        """
        begun = self.path / "settings.json"
        if resume and begun.exists():
            before = read_object(begun)
            for name, value in settings.items():
                if before.get(name) != value:
                    raise InputError(
                        f"{self.output}: the unfinished output has {name} {before.get(name)!r}, not {value!r}; use the "
                        "same settings, or pass --overwrite to start again"
                    )
        else:
            remove_folder(self.path, KIND)
            make_folder(self.path, KIND)
            write_json(begun, settings)
        with disk_faults(self.output):
            self.parts.mkdir(exist_ok=True)
            shutil.rmtree(self.whole, ignore_errors=True)
            self.whole.mkdir()

    def part(self, number: int) -> Path:
        """The file of a block."""
        return self.parts / f"{number:08d}.safetensors"

    def finish(self, files: Sequence[Path], *, overwrite: bool) -> list[Path]:
        """Rename the files in order to their final names, replacing an earlier output, and remove the folder.

        Raises:
            InputError: a name exists by now, or a file cannot be renamed.
        """
        made = [self.output.with_name(file.name) for file in files]
        self._refuse_taken(overwrite)
        with disk_faults(self.output):
            for file in files:
                sync(file)
            for old in {self.output, *_shards(self.output)} - set(made):
                old.unlink(missing_ok=True)
            for file, name in zip(files, made, strict=True):
                file.replace(name)
            discard(self.path)
        return made

    def _refuse_taken(self, overwrite: bool) -> None:
        for path in (self.output, *_shards(self.output)):
            check_file(path, overwrite=overwrite, is_ours=_is_ours)


def _is_ours(path: Path) -> bool:
    return {"metadata", "weight_map"} <= json_keys(path) if path.suffix == ".json" else is_vector_file(path)


def _shards(output: Path) -> list[Path]:
    """The files of a sharded output; only safetensors has shards."""
    name = glob.escape(output.stem), glob.escape(output.suffix)
    shards = output.parent.glob(f"{name[0]}-[0-9][0-9][0-9][0-9][0-9]-of-[0-9][0-9][0-9][0-9][0-9]{name[1]}")
    index = output.with_name(index_name(output))
    return [*sorted(shards), *([index] if index.exists() else [])]
