"""Coreference end to end: on the command line, from Python, and one clear line for each fault."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from command_line import fails
from elmo_tasks import load, train
from elmo_tasks.benchmark.significance import score
from elmo_tasks.cli import main
from elmo_tasks.core.errors import InputError
from elmo_tasks.data.coreference import read_coreference
from elmo_tasks.runs.outcomes import read_outcomes
from elmo_tasks.runs.predicted_blocks import BlockPredictor
from elmo_tasks.runs.run import Run
from elmo_tasks.task import load_task
from elmo_tasks.text.examples import Document
from elmo_tasks.text.results import ClusterMention, ClusterResult

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("Ada", "Bo", "Cy", "Di", "Eve", "Flo")
SETTINGS = (
    "model.hidden=12",
    "model.scorer_hidden=16",
    "model.features=4",
    "model.max_width=3",
    "model.dropout=0",
    "model.embedding_dropout=0",
    "training.epochs=6",
    "training.learning_rate=0.01",
    "training.batch_size=1",
)
FAST = ["--embedders", "random", *(word for setting in SETTINGS for word in ("--set", setting))]


def documents(shift: int) -> str:
    """Two people act in each; a name is repeated, and `it` is the ball."""
    text = ""
    for number, name in enumerate(NAMES):
        other = NAMES[(number + 1 + shift) % len(NAMES)]
        sentences = [
            [(name, "(0)"), ("kicked", "-"), ("the", "(2"), ("ball", "2)"), (".", "-")],
            [(other, "(1)"), ("saw", "-"), ("it", "(2)"), ("and", "-"), (name, "(0)"), (".", "-")],
            [("Then", "-"), (other, "(1)"), ("left", "-"), (".", "-")],
        ]
        text += f"#begin document (d{number}); part 000\n"
        for sentence in sentences:
            text += "".join(f"d{number} 0 {at} {word} {cell}\n" for at, (word, cell) in enumerate(sentence)) + "\n"
        text += "#end document\n"
    return text


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data and a trained run."""
    place = tmp_path_factory.mktemp("coreference")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ELMO_TASKS_CACHE", str(place / "cache"))
        patch.chdir(place)
        (place / "data").mkdir()
        for split, shifts in (("train", (0, 1, 3)), ("dev", (2,)), ("test", (2,))):
            (place / "data" / f"{split}.conll").write_text("".join(map(documents, shifts)))
        assert main(["train", "coreference", "--data", "data", "--output", "run", *FAST]) == 0
    return place


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ELMO_TASKS_CACHE", str(folder / "cache"))
    monkeypatch.delenv("ELMO_TASKS_DATA", raising=False)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return load(folder / "run")


LINES = "Ada kicked the ball .\nDi saw it and Ada .\nThen Di left .\n"
FOUND = [[[0, 1, "Ada"], [9, 10, "Ada"]], [[2, 4, "the ball"], [7, 8, "it"]], [[5, 6, "Di"], [12, 13, "Di"]]]


def test_what_a_run_writes(here: Path) -> None:
    metrics = json.loads(Path("run/metrics.json").read_text())
    assert metrics["test"]["conll"] > 0.85 and set(metrics["test"]) == {"conll", "muc", "b3", "ceafe", "mentions"}
    gold, predicted = (read_coreference(Path("run") / f"{name}.test.txt") for name in ("gold", "predictions"))
    assert [each.clusters for each in gold] == [each.clusters for each in read_coreference(Path("data/test.conll"))]
    scores = load_task("coreference").score(gold, [each.clusters for each in predicted])
    assert scores.as_dict() == metrics["test"]
    counts = read_outcomes(Path("run")).counts[None]  # one row per document
    assert counts.shape == (1, 6, 12) and score(counts) == pytest.approx(metrics["test"]["conll"], abs=1e-12)


def test_evaluate_and_predict(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(Path("run/metrics.json").read_text())["test"]
    Path("in.txt").write_text(f"\n{LINES}\n\n  \nThen Bo left .\n")
    assert main(["predict", "run", "in.txt"]) == 0
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert first["tokens"] == LINES.split() and first["sentences"] == [[0, 5], [5, 11], [11, 15]]
    assert [[[m["start"], m["end"], m["text"]] for m in own] for own in first["clusters"]] == FOUND
    assert second["tokens"] == ["Then", "Bo", "left", "."]
    assert main(["predict", "run", "in.txt", "--format", "tsv"]) == 0
    table = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert table[0] == ["document", "cluster", "start", "end", "text", "score"]
    assert table[3] == ["1", "2", "2", "4", "the ball", ""]
    assert main(["predict", "run", "in.txt", "--format", "conll"]) == 0
    columns = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert columns[:4] == [["Ada", "(0)"], ["kicked", "-"], ["the", "(1"], ["ball", "1)"]]


def test_probabilities(here: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """The same numbers for lines, for raw text, in a table and from Python, each at its mention."""
    Path("in.txt").write_text(f"{LINES}\n{LINES}")
    found = run([line.split() for line in LINES.splitlines()])
    expected = [round(mention.score, 6) for own in found.clusters for mention in own]
    assert len(expected) == 6 and len(set(expected)) > 3 and all(0.3 < score <= 1 for score in expected)
    assert main(["predict", "run", "in.txt", "--probabilities"]) == 0
    for line in capsys.readouterr().out.splitlines():
        clusters = json.loads(line)["clusters"]
        assert [[[m["start"], m["end"], m["text"]] for m in own] for own in clusters] == FOUND
        assert [m["score"] for own in clusters for m in own] == pytest.approx(expected, abs=2e-6)
    Path("raw.txt").write_text("Ada kicked the ball. Di saw it and Ada. Then Di left.")
    assert main(["predict", "run", "--text", "raw.txt", "--probabilities", "--format", "tsv"]) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()[1:]]
    assert [float(row[5]) for row in rows] == pytest.approx(expected, abs=2e-6)
    assert run([line.split() for line in LINES.splitlines()], scores=False).clusters[0][0].score is None
    Path("in.txt").write_text("Then .\n")
    assert main(["predict", "run", "in.txt", "--probabilities"]) == 0
    assert json.loads(capsys.readouterr().out)["clusters"] == []


def test_raw_text_is_one_document(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "Ada kicked  the ball. Di saw it and Ada.\n\nThen Di left.\n"
    Path("raw.txt").write_text(text)
    assert main(["predict", "run", "--text", "raw.txt"]) == 0
    (found,) = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    mentions = [mention for own in found["clusters"] for mention in own]
    assert [mention["text"] for mention in mentions] == ["Ada", "Ada", "the ball", "it", "Di", "Di"]
    assert all(text[mention["start"] : mention["end"]] == mention["text"] for mention in mentions)
    assert main(["predict", "run", "--text", "raw.txt", "--format", "conll"]) == 0
    assert capsys.readouterr().out.splitlines()[2:4] == ["the\t(1", "ball\t1)"]
    Path("blank.txt").write_text(" \n\n")
    assert "blank.txt: the text is empty or only white space" in fails(capsys, "predict", "run", "--text", "blank.txt")


def test_a_run_takes_documents(run: Run) -> None:
    text = "Ada kicked the ball. Di saw it and Ada. Then Di left."
    found = run(text)
    assert isinstance(found, ClusterResult) and found.text == text
    plain = run(text, scores=False)
    assert plain.clusters[1] == (ClusterMention("the ball", 11, 19), ClusterMention("it", 28, 30))
    assert plain.to_dict()["clusters"][1][1] == {"text": "it", "start": 28, "end": 30}
    words = run([line.split() for line in LINES.splitlines()])
    assert words.text == LINES.rstrip("\n")
    assert [[m.text for m in own] for own in words.clusters] == [[m.text for m in own] for own in found.clusters]
    assert run([text, "Bo left."]) == [found, run("Bo left.")]
    assert list(run.pipe(iter([text]))) == [found]
    with pytest.raises(InputError, match="reads whole documents, not single sentences"):
        run.apply([])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (" ", "the document: the text is empty or only white space"),
        ([], "the list is empty; give at least one document"),
        (3, "the input must be a document or a list of documents, not 3"),
        (["a", 3], "item 1: 3 is not a document; a document is a text"),
        ([["a"], "b"], "the document: .* is not a document"),
        ([["a", ""]], "the document: .* is not a document"),
    ],
)
def test_other_inputs_are_refused(run: Run, given: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        run(given)


def test_faults_of_commands(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "runs of the task coreference cannot be exported" in fails(capsys, "export", "run", "--output", "exported")
    with pytest.raises(InputError, match="a run of coreference reads documents; choose --engine local"):
        BlockPredictor(Path("run"), "in.txt", False, None, False, torch.get_num_threads())()
    Path("bad").mkdir(exist_ok=True)
    Path("bad/test.conll").write_text("#begin document (x); part 000\nx 0 0 Ada 0)\n")
    assert "test.conll:2: 0) closes a mention that is not open" in fails(capsys, "evaluate", "run", "--data", "bad")


def test_lines_may_be_json(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [json.dumps({"tokens": line.split()}) for line in LINES.splitlines()]
    Path("in.txt").write_text("\r\n".join([*lines, "", '{"text": "Then Bo left ."}']))
    assert main(["predict", "run", "in.txt"]) == 0
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert first["tokens"] == LINES.split() and first["sentences"] == [[0, 5], [5, 11], [11, 15]]
    assert second["tokens"] == ["Then", "Bo", "left", "."]
    Path("in.txt").write_text('Ada left .\n{"sentences": [["Bo"]]}\n')
    assert 'in.txt:2: None is not a list of words; expected {"tokens": [words]}' in fails(
        capsys, "predict", "run", "in.txt"
    )
    message = fails(capsys, "predict", "run", "data/test.conll")
    assert "data/test.conll:1: CoNLL-2012 instead of one tokenised sentence per line; score such a file with" in message


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"clusters": (((0, 5),),)}, r"document 'x': the mention \(0, 5\) is not a range of its 3 tokens; give start"),
        ({"clusters": (((1, 1),),)}, r"the mention \(1, 1\) is not a range"),
        ({"clusters": (((-1, 1),),)}, r"the mention \(-1, 1\) is not a range"),
        ({"clusters": (((0, 1), (2, 3)), ((2, 3),))}, r"the mention \(2, 3\) occurs twice; leave it in one cluster"),
        ({"speakers": ("a",)}, "there are 1 speakers for 3 tokens; give one per token, or none"),
        ({"speakers": ("a",), "source": "f:7"}, "f:7: there are 1 speakers"),
    ],
)
def test_documents_are_checked(document: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Document((("a", "b"), ("c",)), name="x", **document)


def test_gap_as_an_unseen_test(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    header = "ID\tText\tPronoun\tPronoun-offset\tA\tA-offset\tA-coref\tB\tB-offset\tB-coref\tURL\n"
    Path("gap").mkdir(exist_ok=True)
    Path("gap/gap-test.tsv").write_text(header + "t\tAda saw Bo. She left.\tShe\t12\tAda\t0\tTRUE\tBo\t8\tFALSE\tx\n")
    assert main(["evaluate", "run", "--data", "gap", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)["gap"]) == {
        *("precision", "recall", "f1", "masculine", "feminine", "bias")
    }


def test_gold_mentions(here: Path) -> None:
    """With the mentions of the data, none is missed or superfluous."""
    settings = {"model.hidden": 4, "model.mentions": "gold", "training.epochs": 3}
    examples = read_coreference(Path("data/dev.conll"))
    made = train(
        "coreference", train=examples, dev=examples, embedders="random", settings=settings, tell=lambda _: None
    )
    mentions = made.evaluate(examples)["mentions"]
    assert mentions["precision"] == 1.0
    with pytest.raises(InputError, match="trained on gold mentions"):
        made("Ada left.")


def test_recipe_without_gold_or_genre() -> None:
    task = load_task("coreference")
    plain = Document((("a", "b"), ("c",)), speakers=("x", "", "y"))
    assert task.labels([plain]).names == ()
    assert task.encode(plain, task.labels([plain])) == [[0, 0, 0]]
    assert task.given(plain) == {"genre": "", "speakers": [1, 0, 2], "mentions": []}
    assert task.labels([Document((("a",),), genre="nw"), Document((("a",),), genre="bn")]).names == ("bn", "nw")


def test_the_smoke_configuration(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = str(ROOT / "configs" / "smoke" / "coreference.yaml")
    assert main(["train", "coreference", "--config", config, "--output", "smoke"]) == 0
    assert json.loads(Path("smoke/metrics.json").read_text())["data"] == "sample-coreference"
    capsys.readouterr()
    Path("one.txt").write_text(LINES)
    assert main(["predict", "smoke", "one.txt"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == {"tokens", "sentences", "clusters"}
