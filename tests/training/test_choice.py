"""Which epoch is chosen, and what a run says when there is nothing to choose by; data with a split missing."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from elmo_tasks.cli import main
from elmo_tasks.core.errors import InputError
from elmo_tasks.runs.evaluate import evaluate
from elmo_tasks.runs.experiment import load_experiment
from elmo_tasks.training.train import FinishedRun, train
from elmo_tasks.views.plots import draw_run
from elmo_tasks.views.summary import print_summary


def run(corpus: Path, output: Path, *settings: str, **given: Any) -> FinishedRun:
    values = {"data": str(corpus), "embedders": ["random", "chars"], **given}
    common = ["model.hidden=12", "training.epochs=4", "training.batch_size=4"]
    return train(load_experiment([], values, [*common, *settings]), output, tell=lambda line: None, draw=draw_run)


@pytest.fixture
def sparse(tmp_path: Path) -> Path:
    """Sentences whose tokens are hardly ever in an entity, so that the first epochs predict none."""
    folder = tmp_path / "sparse"
    folder.mkdir()
    for split, size in (("train", 24), ("dev", 8), ("test", 8)):
        plain = "it O\nrains O\nin O\nthe O\nnorth O\nand O\nthe O\nwest O\n. O\n\n"
        text = "".join(plain + f"in O\nOslo B-LOC\n{plain}" if number % 4 == 0 else plain for number in range(size))
        (folder / f"{split}.txt").write_text(text)
    return folder


@pytest.mark.slow
def test_while_the_dev_score_is_0_the_dev_loss_decides(sparse: Path, tmp_path: Path) -> None:
    """Equal scores of 0 used to count as no better: the rate was halved, and the run ended with an all-O model."""
    hasty = ("training.patience=1", "training.rate_patience=1", "training.patience_updates=0")
    outcome = run(sparse, tmp_path / "run", *hasty, "training.learning_rate=0.001")
    assert [row["dev"] for row in outcome.history] == [0.0] * 4  # else this tests nothing
    assert [row["rate"] for row in outcome.history] == pytest.approx([0.001] * 4)
    assert outcome.metrics["best_epoch"] == 3
    (note,) = outcome.metrics["notes"]
    assert note.startswith("the model predicts nothing on dev, so its scores are 0; train longer")
    assert json.loads((outcome.folder / "metrics.json").read_text())["notes"] == [note]

    patient = run(sparse, tmp_path / "patient", *hasty, "training.learning_rate=0.01", "training.epochs=30")
    assert patient.metrics["dev"]["f1"] == 1.0 and not patient.metrics["notes"]
    assert patient.history[0]["dev"] == 0.0
    best = max(patient.history, key=lambda row: row["dev"])
    assert patient.metrics["best_epoch"] == best["epoch"] == patient.history[-2]["epoch"]


@pytest.mark.parametrize("task", ["ner", "sentiment"])
def test_a_run_without_test(corpus: Path, tmp_path: Path, task: str) -> None:
    if task == "sentiment":
        for split in ("train", "dev"):
            (corpus / f"{split}.txt").write_text("1 good film\n0 bad film\n" * 4)
    (corpus / "test.txt").unlink()
    outcome = run(corpus, tmp_path / "run", task=task)
    assert "test" not in outcome.metrics and "no test file" in outcome.metrics["notes"][0]
    printed = io.StringIO()
    print_summary(outcome.folder, outcome.metrics, Console(file=printed, width=120))
    assert "best epoch" in printed.getvalue()
    with pytest.raises(InputError, match="(no|more than one) file for the test split"):
        evaluate(outcome.folder)


def test_the_command_line_reads_as_it_is_told(corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--columns`, `--encoding` and `--dev-fraction` are part of the run: its own data are read so again."""
    for split in ("train", "dev", "test"):
        lines = (corpus / f"{split}.txt").read_text().splitlines()
        rows = [f"x {line} {number}" if line else "" for number, line in enumerate(lines)]
        (corpus / f"{split}.txt").write_bytes("\n".join([*rows, "", "x Zoé B-PER 0", ""]).encode("latin-1"))
    (corpus / "dev.txt").unlink()
    reading = ["--columns", "token=2,tag=3", "--encoding", "latin-1"]
    fast = [f"--set={value}" for value in ("model.hidden=12", "training.epochs=1", "training.batch_size=4")]
    folder = tmp_path / "run"
    argv = ["train", "ner", "--data", str(corpus), "--embedders", "random", "--output", str(folder), *fast, *reading]
    assert main(argv) == 2
    assert "--dev-fraction 0.1 holds out part of train as dev" in capsys.readouterr().err
    assert main([*argv, "--dev-fraction", "0.25"]) == 0
    assert "training sentences as dev (--dev-fraction 0.25)" in capsys.readouterr().out
    assert "dev_fraction: 0.25" in (folder / "config.yaml").read_text()
    metrics = json.loads((folder / "metrics.json").read_text())
    assert "held out" in metrics["notes"][0]
    for split in ("dev", "test"):
        assert main(["evaluate", str(folder), "--split", split, "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == metrics[split]

    text = tmp_path / "text.txt"
    text.write_bytes("Zoé lives in Oslo .\n".encode("latin-1"))
    assert main(["predict", str(folder), str(text)]) == 2
    assert "or pass --encoding latin-1" in capsys.readouterr().err
    assert main(["predict", str(folder), str(text), "--encoding", "latin-1"]) == 0
    assert json.loads(capsys.readouterr().out)["tokens"][0] == "Zoé"

    lone, predictions = tmp_path / "lone" / "test.txt", tmp_path / "predictions.txt"
    lone.parent.mkdir()
    lone.write_bytes((corpus / "test.txt").read_bytes())
    for data in (lone, lone.parent):
        given = ["evaluate", str(folder), "--data", str(data), "--json", *reading]
        assert main([*given, "--output", str(predictions)]) == 0
        assert json.loads(capsys.readouterr().out) == metrics["test"]
        assert predictions.read_text() == (folder / "predictions.test.txt").read_text()
        assert main([*given, "--output", str(predictions)]) == 2
        assert "already exists" in capsys.readouterr().err
        predictions.unlink()


@pytest.fixture
def unbalanced(tmp_path: Path) -> Path:
    """Sentences of which few are negative; dev and test have as many of each."""
    folder = tmp_path / "unbalanced"
    folder.mkdir()
    for split, sizes in (("train", (40, 4)), ("dev", (4, 4)), ("test", (4, 4))):
        rows = [f"pos a fine film {n}\n" for n in range(sizes[0])] + [f"neg a dull film {n}\n" for n in range(sizes[1])]
        (folder / f"{split}.txt").write_text("".join(rows))
    return folder


def test_the_epoch_is_chosen_by_any_score(unbalanced: Path, tmp_path: Path) -> None:
    def fit(output: str, *settings: str) -> FinishedRun:
        return run(unbalanced, tmp_path / output, "training.learning_rate=0.01", *settings, task="sentiment")

    for name in ("macro_f1", "per_type.neg.f1"):
        found = fit(name, f"training.select={name}", "model.class_weights=balanced")
        assert found.metrics["selected_by"] == name and found.metrics["headline"] == "accuracy"
        dev: Any = found.metrics["dev"]
        for key in name.split("."):
            dev = dev[key]
        assert found.history[found.metrics["best_epoch"]]["dev"] == pytest.approx(dev, abs=1e-6)
        assert dev == max(row["dev"] for row in found.history) or dev == pytest.approx(found.history[-1]["dev"])
    with pytest.raises(InputError, match=r"training.select: unknown key 'macrof1'; did you mean macro_f1\?"):
        fit("wrong", "training.select=macrof1")
    with pytest.raises(
        InputError, match=r"training.select: unknown key 'loss'; the keys are accuracy, macro_f1, per_type"
    ):
        fit("wrong", "training.select=loss")
    assert not (tmp_path / "wrong").exists()
