"""Sentiment end to end on the command line: what it writes and prints, and one clear line for each fault."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from command_line import fails
from elmo_tasks.cli import main

GOOD = ("good", "fine", "great", "superb")
BAD = ("bad", "dull", "awful", "poor")
SETTINGS = ("model.hidden=16", "model.dropout=0.1", "training.epochs=12", "training.learning_rate=0.01")
FAST = ["--embedders", "random", *(word for setting in SETTINGS for word in ("--set", setting))]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data set that one word of each sentence decides; nothing else is in reach."""
    monkeypatch.setenv("ELMO_TASKS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("ELMO_TASKS_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "data"
    folder.mkdir()
    rows = [
        f"{label} a {word} {thing}\n"
        for label, words in (("1", GOOD), ("0", BAD))
        for word in words
        for thing in ("film", "play", "book")
    ]
    for split, part in (("train", rows), ("dev", rows[::2]), ("test", rows[1::2])):
        (folder / f"{split}.txt").write_text("".join(part))
    return folder


def test_train_evaluate_predict_report(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "sentiment", "--data", "data", "--output", "run", *FAST]) == 0
    out = capsys.readouterr().out
    assert "macro F1" in out and "accuracy" in out and "written to run" in out

    metrics = json.loads(Path("run/metrics.json").read_text())
    assert metrics["test"]["accuracy"] > 0.8 and metrics["test"]["macro_f1"] > 0.8
    counts = metrics["test"]["confusion"]["counts"]
    assert [sum(row) for row in counts] == [6, 6]
    assert {path.name for path in Path("run/plots").iterdir()} == {"learning_curve.png", "confusion_matrix.png"}
    assert "macro avg" in Path("run/report.md").read_text()
    rows = [line.split("\t") for line in Path("run/predictions.test.txt").read_text().splitlines()]
    assert [(row[0], row[3]) for row in rows] == [
        tuple(line.split(" ", 1)) for line in (data / "test.txt").read_text().splitlines()
    ]
    assert sum(row[0] == row[1] for row in rows) == counts[0][0] + counts[1][1]
    assert all(0.5 <= float(row[2]) <= 1 for row in rows)

    assert main(["evaluate", "run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == metrics["test"]
    assert main(["evaluate", "run", "--split", "dev"]) == 0
    assert "weighted avg" in capsys.readouterr().out

    Path("in.txt").write_text("a superb film\n\na dull play\n")
    assert main(["predict", "run", "in.txt"]) == 0
    good, empty, bad = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert list(good) == ["tokens", "label", "probabilities"]
    assert (good["tokens"], good["label"], bad["label"]) == (["a", "superb", "film"], "1", "0")
    assert sum(good["probabilities"].values()) == pytest.approx(1) and set(good["probabilities"]) == {"0", "1"}
    assert empty == {"tokens": [], "label": None, "probabilities": {}}

    assert main(["report", "run", "--output", "record.json"]) == 0
    record = json.loads(Path("record.json").read_text())
    assert record["runs"][0]["test"] == metrics["test"] and "scikit-learn" in record["versions"]


def test_a_file_and_standard_input_have_the_same_lines(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line ends at a line feed; other breaks and blanks belong to a token, as where the data are read."""
    settings = ["--embedders", "random", "--set", "training.epochs=1"]
    assert main(["train", "sentiment", "--data", "data", "--output", "run", *settings]) == 0
    capsys.readouterr()
    text = "\ufeffa\u2028b c\u0085\r\n\n10\u00a0000\td\x0ce\rf".encode()
    Path("in.txt").write_bytes(text)
    assert main(["predict", "run", "in.txt"]) == 0
    from_file = capsys.readouterr().out
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text), encoding="latin-1"))
    assert main(["predict", "run"]) == 0
    assert capsys.readouterr().out == from_file
    found = [json.loads(line)["tokens"] for line in from_file.split("\n") if line]
    assert found == [["a\u2028b", "c\u0085"], [], ["10\u00a0000", "d\x0ce"], ["f"]]

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a\n\xff\n"), encoding="utf-8"))
    assert "stdin:2: the byte 0xff is not valid UTF-8" in fails(capsys, "predict", "run")
    assert "none.txt: no such file" in fails(capsys, "predict", "run", "none.txt")


def test_it_runs_without_any_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ELMO_TASKS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("ELMO_TASKS_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    assert main(["train", "sentiment", "--embedders", "random", "--output", "run", "--set", "training.epochs=1"]) == 0
    assert json.loads(Path("run/metrics.json").read_text())["data"] == "sample-sentiment"
    assert "positive" in capsys.readouterr().out


def test_the_biattentive_head(data: Path) -> None:
    config = Path("bcn.yaml")
    config.write_text("model: {head: bcn, hidden: 6}\n")
    assert main(["train", "sentiment", "--data", "data", "--config", "bcn.yaml", "--output", "run", *FAST]) == 0
    assert json.loads(Path("run/metrics.json").read_text())["test"]["accuracy"] > 0.5
    assert main(["evaluate", "run"]) == 0


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("train.txt", "", "train.txt: the file is empty; expected lines with a label and a text"),
        ("test.txt", "", "test.txt: the file is empty; expected lines with a label and a text"),
        (
            "train.txt",
            "1 a fine film\n1 good\n",
            "train.txt:1: the training data has only one label, '1'; at least two are needed",
        ),
        ("dev.txt", "1 fine\n\n2 so so\n", "dev.txt:3: '2' is not a label of the training data (0, 1)"),
        ("test.txt", "1 fine\n2 so so\n", "test.txt:2: '2' is not a label of the training data (0, 1)"),
        ("train.txt", "1 a film\n0\n", "train.txt:2: not a label, a space or tab, and a text: '0'"),
        ("dev.txt", '{"label": 1, "text": "a"}\n{"label"}\n', "dev.txt:2: invalid JSON"),
    ],
)
def test_damaged_data(data: Path, capsys: pytest.CaptureFixture[str], name: str, text: str, message: str) -> None:
    (data / name).write_text(text)
    assert message in fails(capsys, "train", "sentiment", "--data", "data", "--output", "run", *FAST)
    assert not list(Path().glob("*run*"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "model.head=sum"], "model.head must be mean, max, attention or bcn, not 'sum'"),
        (["--set", "model.heads=max"], "did you mean model.head?"),
        (["--data", "sst3"], "did you mean sst"),
    ],
)
def test_wrong_names(data: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    place = [] if "--data" in arguments else ["--data", "data"]
    assert message in fails(capsys, "train", "sentiment", *place, "--output", "run", *FAST, *arguments)
    assert not list(Path().glob("*run*"))


def test_other_data_with_a_label_that_training_lacks(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fast = [*FAST, "--set", "training.epochs=1"]
    assert main(["train", "sentiment", "--data", "data", "--output", "run", *fast]) == 0
    (data / "test.txt").write_text("good a fine film\n")
    assert "test.txt:1: 'good' is not a label of the training data (0, 1)" in fails(capsys, "evaluate", "run")
