"""A task of one's own, written from the documented protocol only: the recipe of docs/own-task.md."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from elmo_tasks.cli import main
from elmo_tasks.core.errors import InputError
from elmo_tasks.integrations.sklearn import ElmoTagger
from elmo_tasks.runs.experiment import load_experiment
from elmo_tasks.runs.hub import push_to_hub
from elmo_tasks.runs.predict import predict
from elmo_tasks.runs.run import load as load_run
from elmo_tasks.runs.store import load_trained

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "own-task.md"
SENTENCES = ["Ada lives in Oslo .", "Bo works in Rome .", "She lives in Paris .", "Cy sings ."]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `truecase/task.py`, the data `sentences` and the run `run`."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "truecase").mkdir()
    (folder / "sentences").mkdir()
    text = DOCUMENT.read_text(encoding="utf-8")
    recipe = text.partition("<<'END'\n")[2].partition("END\n")[0]
    (folder / "truecase" / "task.py").write_text(recipe, encoding="utf-8")
    for split in ("train", "dev", "test"):
        (folder / "sentences" / f"{split}.txt").write_text("".join(f"{line}\n" for line in SENTENCES * 6))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("ELMO_TASKS_CACHE", str(folder / "cache"))
        settings = ["--set", "training.epochs=4", "--set", "training.learning_rate=0.05"]
        given = ["--data", "sentences", "--embedders", "random", "chars", "--output", "run"]
        assert main(["train", "truecase/task.py", *given, *settings]) == 0
    return folder


@pytest.fixture(autouse=True)
def _there(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)


def test_train_writes_its_scores_and_no_others(place: Path) -> None:
    metrics = json.loads((place / "run" / "metrics.json").read_text())
    assert metrics["task"] == "truecase" and set(metrics["test"]) == {"token_accuracy"}
    assert metrics["test"]["token_accuracy"] > 0.9
    assert "token accuracy" in (place / "run" / "report.md").read_text()
    assert (place / "run" / "predictions.test.txt").read_text().startswith("Ada lives in Oslo .\n")
    assert (place / "run" / "plots" / "learning_curve.png").is_file()


def test_the_closing_table_shows_the_headline(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = ["--set", "training.epochs=1", "--set", "model.dropout=0.1"]
    given = ["--data", "sentences", "--embedders", "random", "--output", str(tmp_path / "run")]
    assert main(["train", "truecase/task.py", *given, *small]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "truecase on sentences: random (seed 1)" in out and "token_accuracy" in out and "test" in out


def test_evaluate_and_predict(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    own = ["--task-file", "truecase/task.py"]
    assert main(["evaluate", "run", "--json", "--trust", *own]) == 0
    assert json.loads(capsys.readouterr().out)["token_accuracy"] > 0.9
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"ada lives in rome .\r\n\n")))
    assert main(["predict", "run", *own]) == 0
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        {"text": "Ada lives in Rome ."},
        {"text": ""},
    ]


def test_raw_text_and_what_describe_says_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    run = load_run("run", "truecase/task.py")
    results = run("ada lives in rome. bo sings.")
    assert [result.found for result in results] == [{"text": "Ada lives in Rome ."}, {"text": "Bo sings ."}]
    assert results[0].to_dict()["found"] == {"text": "Ada lives in Rome ."} and run.labels == ("lower", "upper")
    own = ["--task-file", "truecase/task.py"]
    assert main(["predict", "run", "truecase/task.py", "--probabilities", *own]) == 2
    assert "the model of the task truecase has no probabilities" in capsys.readouterr().err


def test_parse_and_describe_get_the_line_without_its_break() -> None:
    text = Path("truecase/task.py").read_text(encoding="utf-8")
    text = text.replace("words = line.split()", 'words = line.split(" ")')  # which would keep a break in the last word
    text = text.replace('{"text": restore(examples[0], predicted[0])}', '{"line": line, "tokens": examples[0].tokens}')
    Path("truecase/verbatim.py").write_text(text, encoding="utf-8")
    frames = list(predict(Path("run"), ["ada sings\n", "bo\r\n", "cy"], task_file="truecase/verbatim.py"))
    assert [frame["line"] for frame in frames] == ["ada sings", "bo", "cy"]
    assert [frame["tokens"] for frame in frames] == [("ada", "sings"), ("bo",), ("cy",)]


@pytest.mark.slow
def test_report_and_benchmark(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "run"]) == 0
    assert json.loads(capsys.readouterr().out)["runs"][0]["test"].keys() == {"token_accuracy"}
    given = ["--data", "truecase/task.py=sentences", "--embedders", "random", "chars", "--baseline", "random"]
    small = ["--seeds", "1", "--set", "training.epochs=1", "--output", str(tmp_path / "benchmark")]
    assert main(["benchmark", "truecase/task.py", *given, *small]) == 0
    record = json.loads((tmp_path / "benchmark" / "benchmark.json").read_text())
    (task,) = record["tasks"]
    assert task["task"] == "truecase" and task["headline"] == "token_accuracy"
    assert all(row["against_baseline"]["p"] is not None for row in task["rows"][1:])  # counts add up to the headline


def test_without_the_option_nothing_of_it_is_executed(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever reads a run's folder: the file that the folder names is there and would leave a trace."""
    evil = place / "evil.py"
    evil.write_text(f"from pathlib import Path\nPath({str(place / 'trace')!r}).touch()\nraise SystemExit(9)\n")
    config = (place / "run" / "config.yaml").read_text()
    (place / "stranger").mkdir(exist_ok=True)
    for path in (place / "run").glob("*.*"):
        (place / "stranger" / path.name).write_bytes(path.read_bytes())
    (place / "stranger" / "config.yaml").write_text(config.replace("task: truecase/task.py", f"task: {evil}"))
    assert load_experiment([place / "stranger" / "config.yaml"]).task == str(evil)
    (place / "lines.txt").write_text("a\n")
    for command in (
        ["predict", "stranger", "lines.txt"],
        ["evaluate", "stranger", "--data", "sentences"],
        ["demo", "stranger", "--no-browser"],
    ):
        assert main(command) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and "stranger: the run was trained with a task of your own" in error
        assert "is not executed automatically; pass --task-file PATH" in error
    for load in (load_trained, load_run, ElmoTagger.load):
        with pytest.raises(InputError, match="pass --task-file PATH"):
            load(Path("stranger"))  # type: ignore[operator]
    with pytest.raises(InputError, match="cannot be shared"):
        push_to_hub("stranger", "someone/x")
    assert main(["report", "stranger"]) == 0
    assert not (place / "trace").exists()


def test_a_pipeline_of_spacy_executes_nothing_either(place: Path) -> None:
    spacy = pytest.importorskip("spacy")
    from elmo_tasks.integrations.spacy.entities import ElmoEntities

    with pytest.raises(InputError, match="pass --task-file PATH"):
        ElmoEntities("unused").from_disk(place / "run")(spacy.blank("en")("Ada"))


def test_a_file_with_another_task_is_refused() -> None:
    text = Path("truecase/task.py").read_text(encoding="utf-8").replace('name="truecase"', 'name="other"')
    Path("truecase/other.py").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"run: the task of the run is truecase, but truecase/other.py defines other"):
        load_trained(Path("run"), task_file="truecase/other.py")
    with pytest.raises(InputError, match="truecase/none.py: no such task file"):
        load_trained(Path("run"), task_file="truecase/none.py")


def test_a_shipped_task_needs_no_file_and_a_run_of_version_0_1_with_one_is_read(place: Path) -> None:
    """There the metadata had the path, not the name."""
    from safetensors import safe_open
    from safetensors.torch import save_file

    with safe_open(place / "run" / "model.safetensors", framework="pt") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no iterator)
    old = place / "old"
    old.mkdir(exist_ok=True)
    for path in (place / "run").glob("*.*"):
        (old / path.name).write_bytes(path.read_bytes())
    save_file(tensors, old / "model.safetensors", metadata | {"task": "truecase/task.py"})
    (old / "metrics.json").unlink()  # it had no checksums
    assert load_trained(old, task_file="truecase/task.py").task.name == "truecase"
