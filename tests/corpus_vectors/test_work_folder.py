"""What an unfinished `embed` leaves next to its output, and what is reused."""

from __future__ import annotations

from pathlib import Path

import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.folders import MARKER
from elmo_tasks.corpus_vectors.work_folder import WorkFolder


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize("left", [None, f".{MARKER}.0123456789ab.partial"])
def test_a_folder_that_a_killed_process_had_not_marked_yet_is_taken(
    left: str | None, resume: bool, tmp_path: Path
) -> None:
    folder = WorkFolder(tmp_path / "out.hdf5")
    folder.path.mkdir()
    if left:
        (folder.path / left).touch()
    with folder.claimed(resume=resume, overwrite=False):
        folder.begin({"layers": "all"}, resume=resume)
        assert (folder.path / MARKER).is_file() and folder.whole.is_dir()
    assert not folder.path.exists()


def test_a_folder_of_others_is_left_alone(tmp_path: Path) -> None:
    folder = WorkFolder(tmp_path / "out.hdf5")
    folder.path.mkdir()
    (folder.path / "notes").write_text("kept")
    with (
        pytest.raises(InputError, match="already exists and is not an unfinished vector file"),
        folder.claimed(resume=False, overwrite=True),
    ):
        pass
    assert (folder.path / "notes").read_text() == "kept"
