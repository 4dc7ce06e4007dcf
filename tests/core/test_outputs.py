"""An output is the work of one process, and no odd `--output` gets further than one line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.folders import MARKER, kind_of, mark, remove_folder, use_folder
from elmo_tasks.core.outputs import hold, new_output_folder, output_file, output_folder

HOLDER = """
import sys, time
from pathlib import Path
from elmo_tasks.core.outputs import hold
with hold(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_second_process_is_refused_and_a_dead_one_holds_nothing(tmp_path: Path) -> None:
    output = tmp_path / "new" / "run"
    with subprocess.Popen([sys.executable, "-c", HOLDER, output], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        message = "run: another process is writing it; wait for it to end or choose another --output"
        with pytest.raises(InputError, match=message), hold(output):
            pass
        holder.send_signal(signal.SIGKILL)
    assert [path.name for path in output.parent.iterdir()] == [".run.lock"]
    with hold(output):
        pass
    assert not list(output.parent.iterdir())


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    """Eight threads take and release the lock as fast as they can; it is removed each time, and never held twice."""
    inside, most, refused = 0, 0, 0

    def take(_: int) -> None:
        nonlocal inside, most, refused
        for _ in range(150):
            try:
                with hold(tmp_path / "run"):
                    inside += 1
                    most = max(most, inside)
                    os.sched_yield()
                    inside -= 1
            except InputError:
                refused += 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(take, range(8)))
    assert most == 1 and refused < 1200 and not list(tmp_path.iterdir())


def test_folders_that_were_made_for_nothing_are_removed(tmp_path: Path) -> None:
    with hold(tmp_path / "a" / "b" / "run"):
        assert (tmp_path / "a" / "b").is_dir()
    assert not list(tmp_path.iterdir())
    with hold(tmp_path / "a" / "b" / "run"):
        (tmp_path / "a" / "b" / "run").write_text("")
    assert (tmp_path / "a" / "b" / "run").exists()


def test_a_planted_lock_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / ".run.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="run: cannot be written"), hold(tmp_path / "run"):
        pass
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("given", ["", ".", "..", "/", "./", "../..", "sub/..", "sub/../"])
def test_the_current_folder_is_no_new_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    (tmp_path / "here" / "sub").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(InputError, match="is the current folder or contains it|is the root folder"):
        new_output_folder(Path(given))


def test_links_and_files_are_no_folders(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "link").symlink_to(tmp_path)
    for name, message in (("file", "is a file"), ("dangling", "is a symbolic link"), ("link", "is a symbolic link")):
        with pytest.raises(InputError, match=message):
            output_folder(tmp_path / name)
    assert output_folder(tmp_path / "x" / "..") == tmp_path


def ours(path: Path) -> bool:
    return path.read_text() == "ours"


def test_output_files(tmp_path: Path) -> None:
    def write(name: str, *, overwrite: bool) -> None:
        path = tmp_path / name
        with output_file(path, overwrite=overwrite, is_ours=ours):
            path.write_text("ours")

    write("new", overwrite=True)
    with pytest.raises(InputError, match="new: already exists; choose another --output or pass --overwrite"):
        write("new", overwrite=False)
    write("new", overwrite=True)
    (tmp_path / "theirs").write_text("theirs")
    (tmp_path / "link").symlink_to(tmp_path / "new")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe")
    for name, message in {
        "theirs": "was not written by this command, so --overwrite does not replace it",
        "link": "is a symbolic link",
        "dangling": "is a symbolic link",
        "pipe": "is a device or pipe",
        ".": "is a folder",
        "..": "is a folder",
        "theirs/file": "cannot be written",
    }.items():
        with pytest.raises(InputError, match=message):
            write(name, overwrite=True)
    assert (tmp_path / "theirs").read_text() == "theirs" and not (tmp_path / "nowhere").exists()


def test_a_folder_of_ours(tmp_path: Path) -> None:
    use_folder(tmp_path / "new", "benchmark")
    use_folder(tmp_path / "new", "benchmark")
    (tmp_path / "empty").mkdir()
    use_folder(tmp_path / "empty", "benchmark")
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "file").write_text("")
    message = "theirs: already exists and is not a benchmark made by elmo-tasks"
    for refuse in (use_folder, remove_folder):
        with pytest.raises(InputError, match=message):
            refuse(tmp_path / "theirs", "benchmark")
    with pytest.raises(InputError, match="is not a run made by elmo-tasks"):
        remove_folder(tmp_path / "new", "run")
    remove_folder(tmp_path / "new", "benchmark")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "theirs"]


@pytest.mark.parametrize("content", ["", "{}", "[]", "nonsense", '"kind"', "[" * 100000])
def test_a_damaged_marker_is_none(tmp_path: Path, content: str) -> None:
    mark(tmp_path, "run")
    assert kind_of(tmp_path) == "run"
    (tmp_path / MARKER).write_text(content)
    assert kind_of(tmp_path) is None
