"""What an unfinished run keeps when it is stopped."""

from __future__ import annotations

from pathlib import Path

import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.runs.folder import LAST, RunFolder


def leave(folder: RunFolder, *names: str) -> None:
    for name in names:
        (folder.work / name).parent.mkdir(parents=True, exist_ok=True)
        (folder.work / name).write_text(name)


def names(folder: RunFolder) -> list[str]:
    return sorted(str(path.relative_to(folder.work)) for path in folder.work.rglob("*") if path.is_file())


def test_what_was_prepared_is_kept_for_a_resumption(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run", prepared="corpus")
    leave(folder, "corpus/ids", ".corpus.1/ids", "stream.json", "log/a")
    folder.abandon()
    assert len(names(folder)) == 4
    folder.claim(resume=True, overwrite=False)
    assert names(folder) == ["corpus/ids"]
    folder.claim(resume=False, overwrite=False)
    assert names(folder) == []
    folder.abandon()
    assert not folder.work.exists()


def test_with_a_checkpoint_all_is_kept(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run", prepared="corpus")
    leave(folder, "corpus/ids", "stream.json", LAST)
    folder.abandon()
    folder.claim(resume=True, overwrite=False)
    assert names(folder) == [LAST, "corpus/ids", "stream.json"]
    with pytest.raises(InputError, match="run: an unfinished run is there; go on with it by --resume"):
        folder.claim(resume=False, overwrite=False)


def test_without_anything_prepared_nothing_is_kept(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    leave(folder, "corpus/ids", "log/a")
    folder.claim(resume=True, overwrite=False)
    assert names(folder) == []
    leave(folder, "log/a")
    folder.abandon()
    assert not folder.work.exists()
