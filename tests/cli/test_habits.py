"""`--quiet`, `--verbose`, `--device`, completion, and the formats of predictions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from elmo_tasks.cli import main
from elmo_tasks.elmo.device import accelerator, chosen_device, device_chosen
from elmo_tasks.embedders.elmo import frozen_device

ROWS = "Ada B-PER\nlives O\nin O\nNew B-LOC\nYork I-LOC\n. O\n\n"
FAST = ["--embedders", "random", "chars", "--set", "model.hidden=8", "--set", "training.epochs=1"]


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ELMO_TASKS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("ELMO_TASKS_DATA", raising=False)
    monkeypatch.delenv("ELMO_TASKS_DEVICE", raising=False)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "data"
    folder.mkdir()
    for split in ("train", "dev", "test"):
        (folder / f"{split}.txt").write_text(ROWS * 20)
    return folder


def test_quiet_and_verbose(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "ner", "--data", "data", "-o", "run", "-q", *FAST]) == 0
    said = capsys.readouterr()
    assert "epoch" not in said.out.partition("\n")[0] and "into run" not in said.out and "note:" not in said.out
    assert "all (strict)" in said.out and said.err == ""
    assert main(["evaluate", "run", "-v", "--device", "cpu", "--threads", str(torch.get_num_threads())]) == 0
    said = capsys.readouterr()
    assert "elmo-tasks evaluate: " in said.err and " s, peak memory " in said.err and " threads" in said.err
    with pytest.raises(SystemExit, match="2"):
        main(["evaluate", "run", "-q", "-v"])


def test_verbose_shows_the_traceback_of_a_bug(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ELMO_TASKS_TRACEBACK", raising=False)
    monkeypatch.setattr("elmo_tasks.core.paths.task_names", lambda: 1 / 0)
    for options, shown in (([], False), (["-v"], True)):
        assert main(["list", *options]) == 70
        assert ("Traceback" in capsys.readouterr().err) == shown


@pytest.mark.parametrize(
    ("device", "message"),
    [
        ("gpu", "--device: unknown device 'gpu'; choose auto, cpu, cuda or cuda:N, such as cuda:1"),
        ("cuda", "--device: cuda is not available: PyTorch finds no CUDA GPU here; choose cpu or auto"),
    ],
)
@pytest.mark.parametrize("verb", [["train", "ner"], ["similar", "a", "--in", "x"], ["pretrain"], ["demo", "run"]])
def test_a_device_that_is_not_there(
    verb: list[str],
    device: str,
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert main([*verb, "--device", device]) == 2
    assert capsys.readouterr().err == f"elmo-tasks: error: {message}\n"


def test_a_device_holds_for_one_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in the processes that it starts: they inherit the environment."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert (chosen_device(), frozen_device(), accelerator()) == (None, torch.device("cuda:0"), ("auto", 1))
    with device_chosen("cpu"):
        assert os.environ["ELMO_TASKS_DEVICE"] == "cpu"
        assert (frozen_device(), accelerator()) == (torch.device("cpu"), ("cpu", 1))
    with device_chosen("cuda:1"):
        assert (frozen_device(), accelerator()) == (torch.device("cuda:1"), ("cuda", [1]))
    assert "ELMO_TASKS_DEVICE" not in os.environ


def complete(line: str) -> tuple[set[str], str]:
    """The words that the shell would offer, and which slow libraries this took."""
    # argcomplete ends the program by os._exit.
    program = "import os, sys\nend = os._exit\n" + (
        "def tell(code):\n    print(*[n for n in ('torch', 'lightning', 'datasets') if n in sys.modules], flush=True)\n"
        "    end(code)\nos._exit = tell\nfrom elmo_tasks.cli import main\nmain([])\n"
    )
    given = {"_ARGCOMPLETE": "1", "_ARGCOMPLETE_IFS": "\n", "COMP_TYPE": "9", "COMP_LINE": line}
    place = {"COMP_POINT": str(len(line)), "_ARGCOMPLETE_STDOUT_FILENAME": "offered.txt"}
    environment = os.environ | given | place
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    offered = Path("offered.txt").read_text(encoding="utf-8")
    return {word.strip() for word in offered.split("\n")}, done.stdout.strip()


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("elmo-tasks tr", "train"),
        ("elmo-tasks train se", "sentiment"),
        ("elmo-tasks train ner --data conl", "conll2003"),
        ("elmo-tasks benchmark ner --data ner=c", "conll2003"),
        ("elmo-tasks train ner --embedders gl", "glove"),
        ("elmo-tasks train ner --config sst5", "sst5-bcn.yaml"),
        ("elmo-tasks substitutes x --bilm orig", "original"),
        ("elmo-tasks train ner --logger t", "tensorboard"),
        ("elmo-tasks predict run --device c", "cpu"),
    ],
)
def test_completion_loads_nothing_slow(line: str, word: str) -> None:
    offered, loaded = complete(line)
    assert any(word in offer for offer in offered), offered
    assert loaded == ""


def test_formats_of_predictions(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "ner", "--data", "data", "-o", "run", "-q", *FAST]) == 0
    Path("in.txt").write_text("Ada lives in New York .\n\nNew\n")
    capsys.readouterr()
    assert main(["predict", "run", "in.txt"]) == 0
    frames = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert main(["predict", "run", "in.txt", "--format", "conll"]) == 0
    rows = [f"{token}\t{tag}\n" for token, tag in zip(frames[0]["tokens"], frames[0]["tags"], strict=True)]
    out = capsys.readouterr().out
    assert out.startswith("".join(rows) + "\n\nNew\t")
    assert main(["predict", "run", "in.txt", "--format", "conll", "-o", "out.conll"]) == 0
    said = capsys.readouterr()
    assert Path("out.conll").read_text() == out and said.out == "" and said.err == "written to out.conll\n"
    assert main(["predict", "run", "in.txt", "-o", "out.conll"]) == 2
    assert "out.conll: already exists; choose another --output" in capsys.readouterr().err
    assert main(["evaluate", "run", "--data", "out.conll", "--json"]) == 0  # its own predictions, read back
    assert json.loads(capsys.readouterr().out)["f1"] in (0.0, 1.0)


def test_a_failed_prediction_leaves_no_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "ner", "--data", "data", "-o", "run", "-q", *FAST]) == 0
    Path("in.txt").write_bytes(b"Ada\n\xff\xfe\n")
    before = sorted(Path().iterdir())
    assert main(["predict", "run", "in.txt", "-o", "out.jsonl"]) == 2
    assert sorted(Path().iterdir()) == before
