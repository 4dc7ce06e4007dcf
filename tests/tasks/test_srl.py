"""Semantic roles end to end on the command line: what a run writes and prints, and one clear line for each fault."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from command_line import fails
from elmo_tasks.cli import main
from elmo_tasks.data.srl import read_srl

NAMES, THINGS = ("Ada", "Bo", "Cy", "Di"), ("boats", "hats", "maps")
SETTINGS = (
    "model.hidden=24",
    "model.layers=2",
    "model.indicator=8",
    "model.finder_hidden=8",
    "model.dropout=0.1",
    "training.epochs=14",
    "training.batch_size=8",
    "training.learning_rate=0.02",
)
FAST = ["--embedders", "random", *(word for setting in SETTINGS for word in ("--set", setting))]


def sentence(name: str, thing: str, place: int) -> str:
    if place % 4 == 3:
        return f"No -\n{thing} -\n. -\n"
    rows = [(name, "-", "(A0*)", "(A0*)"), ("hopes", "hope", "(V*)", "*"), ("to", "-", "(A1*", "*")]
    rows += [("sell", "sell", "*", "(V*)"), (thing, "-", "*)", "(A1*)"), (".", "-", "*", "*")]
    return "".join(" ".join(row) + "\n" for row in rows)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twelve sentences, nine of them with two predicates; nothing else is in reach."""
    monkeypatch.setenv("ELMO_TASKS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("ELMO_TASKS_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "data"
    folder.mkdir()
    rows = [sentence(name, thing, n + m) for n, name in enumerate(NAMES) for m, thing in enumerate(THINGS)]
    for split in ("train", "dev", "test"):
        (folder / f"{split}.txt").write_text("\n".join(rows))
    return folder


def test_train_evaluate_predict_report(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "srl", "--data", "data", "--output", "run", *FAST]) == 0
    out = capsys.readouterr().out
    assert "predicates" in out and "written to run" in out

    metrics = json.loads(Path("run/metrics.json").read_text())
    assert {"f1", "precision", "recall", "per_type", "predicates"} <= set(metrics["test"])
    assert metrics["test"]["f1"] > 0.9 and metrics["test"]["predicates"]["f1"] > 0.9
    assert metrics["test"]["predicates"]["support"] == 18
    assert set(metrics["test"]["per_type"]) == {"A0", "A1"}
    assert "Percentage of perfect props" in Path("run/report.md").read_text()

    # Both files have a row a token and a column a predicate, as the official script wants them.
    gold, found = (Path(f"run/{name}.test.txt").read_text().split("\n") for name in ("gold", "predictions"))
    assert [line.split()[:1] for line in gold] == [line.split()[:1] for line in found]
    given = [line.split() for line in (data / "test.txt").read_text().split("\n")]
    assert [line.split()[1:] for line in gold] == [line[2:] for line in given]

    assert main(["evaluate", "run", "--split", "dev", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["f1"] == metrics["dev"]["f1"]
    assert main(["report", "run", "--output", "record.json"]) == 0


def test_predict_with_and_without_marks(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "srl", "--data", "data", "--output", "run", *FAST]) == 0
    capsys.readouterr()
    tokens = ["Bo", "hopes", "to", "sell", "maps", "."]
    lines = [
        " ".join(tokens),
        "",
        "No maps .",
        json.dumps({"tokens": tokens, "predicates": [3]}),
        json.dumps({"tokens": tokens, "predicates": []}),
    ]
    Path("in.txt").write_text("\n".join(lines) + "\n")
    assert main(["predict", "run", "in.txt"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["tokens"] for line in found] == [tokens, [], ["No", "maps", "."], tokens, tokens]
    assert [[frame["index"] for frame in line["frames"]] for line in found] == [[1, 3], [], [], [3], []]
    sell = {
        "predicate": "sell",
        "index": 3,
        "tags": ["B-A0", "O", "O", "B-V", "B-A1", "O"],
        "arguments": [
            {"role": "A0", "start": 0, "end": 1, "text": "Bo"},
            {"role": "A1", "start": 4, "end": 5, "text": "maps"},
        ],
    }
    assert found[0]["frames"][1] == found[3]["frames"][0] == sell
    assert found[0]["frames"][0]["arguments"][1] == {"role": "A1", "start": 2, "end": 5, "text": "to sell maps"}

    Path("in.txt").write_text('Ada left\n{"tokens": ["Ada", "left"], "predicates": [2]}\n')
    assert "in.txt:2: " in fails(capsys, "predict", "run", "in.txt")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("train.txt", "", "train.txt: the file is empty; expected sentences in the columns of CoNLL-2005"),
        ("train.txt", "Ada - (A0*\nleft leave *\n", "train.txt:1: unbalanced brackets"),
        ("dev.txt", "Ada - (V*)\nleft leave (V*)\n", "dev.txt:2: the column of predicate 1, 'left', has"),
        ("test.txt", "Ada - (A0*)\nleft leave *\n", "test.txt:2: the column of predicate 1, 'left', has"),
        ("test.txt", "Ada - *\nleft leave (V*) *\n", "test.txt:2: the row has 4 columns, but the sentence has 3"),
    ],
)
def test_damaged_data(data: Path, capsys: pytest.CaptureFixture[str], name: str, text: str, message: str) -> None:
    (data / name).write_text(text)
    assert message in fails(capsys, "train", "srl", "--data", "data", "--output", "run", *FAST)
    assert not list(Path().glob("*run*"))


def test_the_shipped_sample_is_the_default(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "srl", "--dry-run"]) == 0
    assert "data: sample-srl" in capsys.readouterr().out


def test_sentences_of_the_data_are_read(data: Path) -> None:
    assert sum(example.predicate is not None for example in read_srl(data / "train.txt")) == 18
