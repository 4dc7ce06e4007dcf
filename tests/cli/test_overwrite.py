"""No verb changes what is not ours, with or without `--overwrite`: one line, code 2, and everything as it was."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from elmo_tasks.cli import main
from elmo_tasks.core.folders import mark

FOLDERS = {
    "train": ["train", "ner", "--data", "corpus", "--embedders", "random"],
    "pretrain": ["pretrain", "--corpus", "text.txt", "--config", "options.json"],
    "export": ["pretrain", "export", "shipped"],
    "benchmark": ["benchmark", "ner", "--data", "ner=corpus", "--embedders", "random", "--seeds", "1"],
}
FILES = {
    "embed": (["embed", "random", "text.txt"], ".hdf5"),
    "embed safetensors": (["embed", "random", "text.txt"], ".safetensors"),
    "vocab": (["pretrain", "vocab", "--corpus", "text.txt"], ".txt"),
    "report": (["report", "run"], ".json"),
    "project": (["project", "the", "--in", "text.txt"], ".png"),
    "contrast": (["contrast", "the cat", "the dog"], ".html"),
}


@pytest.fixture(autouse=True)
def home(corpus: Path, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pretraining_options: Any) -> Path:
    """A place with data and the work of others in it; the current folder is one below."""
    monkeypatch.setenv("ELMO_TASKS_CACHE", str(tmp_path.parent / "cache"))
    monkeypatch.delenv("ELMO_TASKS_DATA", raising=False)
    here = tmp_path / "here"
    here.mkdir()
    shutil.move(corpus, here / "corpus")
    shutil.move(text, here / "text.txt")
    (here / "options.json").write_text(json.dumps(pretraining_options))
    for name in ("work", "bilm", "other run"):
        (here / name).mkdir()
        (here / name / "weights.hdf5").write_bytes(b"\x89HDF theirs")
        (here / name / "metrics.json").write_text("{}")
    mark(here / "other run", "something else of ours")
    (here / "link").symlink_to(here / "work")
    (here / "dangling").symlink_to(here / "nowhere")
    (here / "file").write_text("theirs")
    monkeypatch.chdir(here)
    return tmp_path


def tree(folder: Path) -> dict[str, bytes | str]:
    """Every file's content, every link's target and every folder's name."""
    return {
        str(path.relative_to(folder)): str(path.readlink())
        if path.is_symlink()
        else (path.read_bytes() if path.is_file() else "folder")
        for path in folder.rglob("*")
    }


def refused(home: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    before = tree(home)
    capsys.readouterr()
    code = main(arguments)
    said = capsys.readouterr().err
    assert code == 2, (arguments, code, said)
    assert said.startswith("elmo-tasks: error: ") and said.count("\n") == 1, (arguments, said)
    assert tree(home) == before, arguments
    return said


@pytest.mark.parametrize("verb", FOLDERS)
def test_folders(verb: str, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    places = ["work", "corpus", "bilm", "other run", "link", "link/", "dangling", "file", "file/run", ".", "..", "/"]
    for place in [*places, "", "work/..", f"{home}/here/corpus/", "n" * 300, "/proc/run"]:
        for more in ([], ["--overwrite"]):
            said = refused(home, capsys, *FOLDERS[verb], "--output", place, *more)
            assert "--output" in said or "too long" in said or "own name" in said, said


@pytest.mark.parametrize("verb", FILES)
def test_files(verb: str, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words, suffix = FILES[verb]
    Path(f"theirs{suffix}").write_text("theirs")
    Path(f"link{suffix}").symlink_to("text.txt")
    Path(f"dangling{suffix}").symlink_to("nowhere")
    Path(f"folder{suffix}").mkdir()
    names = ("theirs", "link", "dangling", "folder", "file/out", "n" * 300, "/proc/out")
    for place in [*(f"{name}{suffix}" for name in names), ".", "..", "/", "", "text.txt", "corpus", "corpus/train.txt"]:
        for more in ([], ["--overwrite"]):
            refused(home, capsys, *words, "--output", place, *more)


def test_probe(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A record, a table or a picture of others is left alone, one by one."""
    for suffix in (".json", ".md", ".png"):
        Path(f"probe-sample-senses{suffix}").write_text("{}")
        for more in ([], ["--overwrite"]):
            assert suffix in refused(home, capsys, "probe", "senses", "--output", ".", *more)
        Path(f"probe-sample-senses{suffix}").unlink()
    for place in ("file", "file/x", "/proc/x"):
        refused(home, capsys, "probe", "senses", "--output", place)


def test_shards_of_others(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Names with `*` or `[` mean themselves alone, and shards of a model are not vectors of ours."""
    for name in ("model-00001-of-00002.safetensors", "a-00001-of-00002.safetensors", "notes.txt"):
        Path(name).write_text("theirs")
    for output in ("*.safetensors", "[a-z].safetensors", "?.safetensors"):
        assert main(["embed", "random", "text.txt", "--output", output]) == 0
        before = tree(home)
        assert main(["embed", "random", "text.txt", "--output", output, "--overwrite"]) == 0
        assert tree(home).keys() == before.keys()
    assert "00001-of-00002" in refused(
        home, capsys, "embed", "random", "text.txt", "--output", "model.safetensors", "--overwrite"
    )


def test_ours_are_replaced(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Output of the same command is replaced on request, and only then."""
    fast = [word for pair in ("model.hidden=4", "training.epochs=1") for word in ("--set", pair)]
    outputs = {
        "run": [*FOLDERS["train"], *fast],
        "v.hdf5": FILES["embed"][0],
        "v.safetensors": FILES["embed"][0],
        "v.parquet": FILES["embed"][0],
        "v.arrow": FILES["embed"][0],
        "vocabulary": FILES["vocab"][0],
        "record.json": FILES["report"][0],
        "contrast.html": FILES["contrast"][0],
        "contrast.svg": FILES["contrast"][0],
        "contrast.png": FILES["contrast"][0],
    }
    for output, words in outputs.items():
        assert main([*words, "--output", output]) == 0, output
        assert "pass --overwrite" in refused(home, capsys, *words, "--output", output)
        assert main([*words, "--output", output, "--overwrite"]) == 0, output
    assert not list(Path().glob(".*"))
