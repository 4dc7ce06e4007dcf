"""What the folder of a run may replace, and what an unfinished run keeps when it is stopped."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.folders import MARKER, kind_of, make_folder, mark, remove_folder, use_folder
from elmo_tasks.runs.folder import FORMAT, LAST, RunFolder, is_run


def begin(folder: RunFolder, *leave: str, resume: bool = False, overwrite: bool = False) -> None:
    """Begin a run that is stopped after it has written these files."""
    with folder.claimed(resume=resume, overwrite=overwrite):
        folder.begin(resume=resume)
        for name in leave:
            (folder.work / name).parent.mkdir(parents=True, exist_ok=True)
            (folder.work / name).write_text(name)


def names(folder: RunFolder) -> list[str]:
    files = [path for path in folder.work.rglob("*") if path.is_file() and path.name != MARKER]
    return sorted(str(path.relative_to(folder.work)) for path in files)


def test_what_was_prepared_is_kept_for_a_resumption(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run", prepared="corpus")
    begin(folder, "corpus/ids", ".corpus.1/ids", "stream.json", "log/a")
    assert len(names(folder)) == 4
    begin(folder, resume=True)
    assert names(folder) == ["corpus/ids"]
    begin(folder)
    assert not folder.work.exists()


def test_with_a_checkpoint_all_is_kept(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run", prepared="corpus")
    begin(folder, "corpus/ids", "stream.json", LAST)
    begin(folder, resume=True)
    assert names(folder) == [LAST, "corpus/ids", "stream.json"]
    with pytest.raises(InputError, match="run: there is an unfinished run; continue it with --resume"):
        begin(folder)
    with folder.claimed(resume=False, overwrite=True):  # what is refused later has removed nothing yet
        pass
    assert names(folder) == [LAST, "corpus/ids", "stream.json"]
    begin(folder, overwrite=True)
    assert not folder.work.exists()


def test_without_anything_prepared_nothing_is_kept(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    begin(folder, "corpus/ids", "log/a")
    assert not list(tmp_path.iterdir())


def finish(folder: RunFolder, *, overwrite: bool = False) -> None:
    with folder.claimed(resume=False, overwrite=overwrite):
        folder.begin(resume=False)
        (folder.work / "new").write_text("")
        folder.finish()


def test_a_finished_run_is_replaced_when_it_is_asked_for(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    finish(folder)
    assert kind_of(folder.path) == "run"
    with pytest.raises(InputError, match="run: already exists; choose another --output or pass --overwrite"):
        finish(folder)
    (folder.path / "old").write_text("")
    finish(folder, overwrite=True)
    assert {path.name for path in folder.path.iterdir()} == {MARKER, "new"}
    assert list(tmp_path.iterdir()) == [folder.path]


def test_a_run_of_the_first_version_is_ours(tmp_path: Path) -> None:
    """It has no marker; its model says so."""
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    for name in ("config.yaml", "metrics.json"):
        (folder.path / name).write_text("{}")
    save_file({"x": torch.zeros(1)}, folder.path / "model.safetensors", {"format": "another"})
    assert not is_run(folder.path)
    with pytest.raises(InputError, match="already exists and is not a run made by elmo-tasks"):
        finish(folder, overwrite=True)
    save_file({"x": torch.zeros(1)}, folder.path / "model.safetensors", {"format": FORMAT})
    assert is_run(folder.path)
    finish(folder, overwrite=True)
    assert kind_of(folder.path) == "run"


def test_what_takes_the_name_meanwhile_is_left_alone(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    with folder.claimed(resume=False, overwrite=True):
        folder.begin(resume=False)
        folder.path.mkdir()
        (folder.path / "theirs").write_text("")
        with pytest.raises(InputError, match="is not a run"):
            folder.finish()
    assert [path.name for path in folder.path.iterdir()] == ["theirs"]


def test_a_work_folder_of_others_is_left_alone(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    target = tmp_path / "target"
    target.mkdir()
    mark(target, "unfinished run")
    (target / "theirs").write_text("")
    folder.work.symlink_to(target)
    with pytest.raises(InputError, match=r"\.run\.unfinished: already exists and is not an unfinished run"):
        finish(folder, overwrite=True)
    folder.work.unlink()
    folder.work.mkdir()
    (folder.work / "notes").touch()
    with pytest.raises(InputError, match=r"\.run\.unfinished: already exists"):
        finish(folder, overwrite=True)
    assert (target / "theirs").exists() and folder.work.exists()
    with pytest.raises(
        InputError, match=r"target: already exists and is not a run made by elmo-tasks"
    ):  # of another, unfinished one
        finish(RunFolder(target), overwrite=True)


@pytest.mark.parametrize("left", [(), (f".{MARKER}.0123456789ab.partial",)])
@pytest.mark.parametrize("resume", [False, True])
def test_a_folder_that_a_killed_process_had_not_marked_yet_is_taken(
    left: tuple[str, ...], resume: bool, tmp_path: Path
) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.work.mkdir()
    for name in left:
        (folder.work / name).touch()
    begin(folder, LAST, resume=resume)
    assert names(folder) == [LAST] and kind_of(folder.work) == folder.unfinished


def test_a_folder_with_anything_in_it_is_not_bare(tmp_path: Path) -> None:
    for number, name in enumerate(
        (".x.0123456789ab.partial", "x", f".{MARKER}.partial", f".{MARKER}.0123456789ab.partial/x")
    ):
        folder = RunFolder(tmp_path / f"run{number}")
        (folder.work / name).parent.mkdir(parents=True)
        (folder.work / name).write_text("kept")
        for act in (lambda: begin(folder, overwrite=True), lambda: use_folder(folder.work, "x")):  # noqa: B023
            with pytest.raises(InputError, match="already exists and is not"):
                act()
        assert (folder.work / name).read_text() == "kept"


def test_folders_that_are_added_to_are_taken_up_too(tmp_path: Path) -> None:
    (tmp_path / "benchmark").mkdir()
    (tmp_path / "benchmark" / f".{MARKER}.0123456789ab.partial").touch()
    use_folder(tmp_path / "benchmark", "benchmark")
    assert kind_of(tmp_path / "benchmark") == "benchmark"


def test_a_removal_that_is_killed_leaves_a_folder_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After any number of removed files."""
    removed, unlink = 0, os.unlink

    def killed(path: object, **options: object) -> None:
        nonlocal removed
        if removed == last:
            raise KeyboardInterrupt
        removed += 1
        unlink(path, **options)  # type: ignore[arg-type]

    for last in range(4):
        folder, removed = RunFolder(tmp_path / f"run{last}"), 0
        make_folder(folder.work, folder.unfinished)
        for name in (LAST, "log/a", "z"):
            (folder.work / name).parent.mkdir(exist_ok=True)
            (folder.work / name).touch()
        with monkeypatch.context() as patch:
            patch.setattr(os, "unlink", killed)
            with pytest.raises(KeyboardInterrupt):
                remove_folder(folder.work, folder.unfinished)
        assert removed == last and kind_of(folder.work) == folder.unfinished
        begin(folder, "new", overwrite=True)
        assert not folder.work.exists()
