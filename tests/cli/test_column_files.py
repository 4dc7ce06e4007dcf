"""Column files in other layouts, from training to evaluation and prediction: the run remembers how they are read."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from elmo_tasks.cli import main

ROWS = {
    "IO": ("Nadia PER", "Haddad PER", "saw O", "Oslo LOC"),
    "BMES": ("Nadia B-PER", "Haddad E-PER", "saw O", "Oslo S-LOC"),
    "BIO": ("Nadia B-PER", "Haddad I-PER", "saw O", "Oslo B-LOC"),
}


def sentence(scheme: str, number: int) -> str:
    """A comment, then rows of token, number, tag and document."""
    cells = (row.split(" ") for row in ROWS[scheme])
    return f"# id = {number}\n" + "".join(f"{token} {number} {tag} doc\n" for token, tag in cells) + "\n"


@pytest.mark.parametrize("scheme", ["IO", "BMES"])
def test_the_run_reads_its_data_again(
    scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ELMO_TASKS_CACHE", str(tmp_path / "cache"))
    Path("data").mkdir()
    for split, size in (("train", 16), ("dev", 4), ("test", 4)):
        Path(f"data/{split}.txt").write_text("".join(sentence(scheme, number) for number in range(size)))
    small = ["--embedders", "random", "--set", "model.hidden=12", "--set", "training.epochs=4"]
    fast = ["--set", "training.learning_rate=0.05", "--set", "training.batch_size=2"]
    given = ["--data", "data", "--columns", "token=1,tag=3", "--map-labels", "LOC=PLACE"]
    assert main(["train", "ner", *given, "--output", "run", *small, *fast]) == 0
    assert json.loads(Path("run/metrics.json").read_text())["test"]["f1"] == 1.0
    assert Path("run/predictions.test.txt").read_text().splitlines()[3] == "Oslo B-PLACE B-PLACE"
    capsys.readouterr()
    assert main(["evaluate", "run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["f1"] == 1.0
    Path("other.txt").write_text("".join(f"{row}\n" for row in ROWS["BIO"]))
    assert main(["evaluate", "run", "--data", "other.txt", "--map-labels", "LOC=PLACE", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["f1"] == 1.0
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Nadia Haddad saw Oslo\n")))
    assert main(["predict", "run"]) == 0
    assert json.loads(capsys.readouterr().out)["tags"] == ["B-PER", "I-PER", "O", "B-PLACE"]
