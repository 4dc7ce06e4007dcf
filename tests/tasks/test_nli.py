"""Natural language inference end to end: on the command line, from Python, and one clear line for each fault."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from command_line import fails
from elmo_tasks import load, train
from elmo_tasks.cli import main
from elmo_tasks.core.errors import InputError
from elmo_tasks.data.catalog import load_data
from elmo_tasks.data.pairs import read_pairs
from elmo_tasks.embedders.registry import build_inputs
from elmo_tasks.runs.batches import loader, prepare
from elmo_tasks.runs.outcomes import read_outcomes
from elmo_tasks.runs.run import Run
from elmo_tasks.task import load_task
from elmo_tasks.text.examples import by_sentence
from elmo_tasks.text.results import PairResult
from elmo_tasks.training.fraction import draw_fraction

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("dog", "cat", "horse", "bird", "fish", "cow")
SETTINGS = ("model.hidden=12", "model.dropout=0", "training.epochs=20", "training.learning_rate=0.01")
FAST = ["--embedders", "random", *(word for setting in SETTINGS for word in ("--set", setting))]


def rows(shift: int) -> list[str]:
    """The label says whether both sentences are about the same animal: neither sentence alone decides it."""
    made = []
    for number, kind in enumerate(KINDS):
        other = KINDS[(number + 1 + shift) % len(KINDS)]
        made += [f"a {kind} sleeps\tthe {kind} rests\tyes", f"a {kind} sleeps\tthe {other} rests\tno"]
    return made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data and a trained run."""
    place = tmp_path_factory.mktemp("nli")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ELMO_TASKS_CACHE", str(place / "cache"))
        patch.chdir(place)
        (place / "data").mkdir()
        for split, shifts in (("train", (0, 1, 3)), ("dev", (2,)), ("test", (4,))):
            text = "".join(f"{line}\n" for shift in shifts for line in rows(shift))
            (place / "data" / f"{split}.tsv").write_text(f"premise\thypothesis\tlabel\n{text}")
        assert main(["train", "nli", "--data", "data", "--output", "run", *FAST]) == 0
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


def test_what_a_run_writes(here: Path) -> None:
    metrics = json.loads(Path("run/metrics.json").read_text())
    assert metrics["test"]["accuracy"] > 0.8  # both sentences are read: neither alone is better than 0.5
    found = [line.split("\t") for line in Path("run/predictions.test.txt").read_text().splitlines()]
    assert [(row[3], row[4], row[0]) for row in found] == [tuple(line.split("\t")) for line in rows(4)]
    counts = read_outcomes(Path("run")).counts
    assert counts.sum(axis=0).tolist() == [sum(row[0] == row[1] for row in found), 12, 12]


def test_the_control_reads_only_the_hypothesis(here: Path) -> None:
    fast = [*FAST, "--set", "model.hypothesis_only=true", "--set", "training.epochs=4"]
    assert main(["train", "nli", "--data", "data", "--output", "control", *fast]) == 0
    control = load("control")
    first, second = control([("a dog sleeps", "the dog rests"), ("a bird sings a long song", "the dog rests")])
    assert first.probabilities == pytest.approx(second.probabilities, abs=1e-6)
    assert json.loads(Path("control/metrics.json").read_text())["test"]["accuracy"] <= 0.6


def test_evaluate_and_predict(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "run", "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert scores == json.loads(Path("run/metrics.json").read_text())["test"]
    (here / "other").mkdir(exist_ok=True)
    (here / "other" / "test.jsonl").write_text('{"sentence1": "a dog", "sentence2": "a dog", "gold_label": "yes"}\n')
    assert main(["evaluate", "run", "--data", "other"]) == 0
    Path("in.txt").write_text('a dog sleeps\tthe dog rests\n\n{"premise": ["a", "dog"], "hypothesis": "the cat."}\n')
    capsys.readouterr()
    assert main(["predict", "run", "in.txt", "--probabilities"]) == 0
    first, empty, last = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert list(first) == ["premise", "hypothesis", "label", "probabilities"] and first["label"] == "yes"
    assert sum(first["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert empty == {"premise": [], "hypothesis": [], "label": None, "probabilities": {}}
    assert (last["premise"], last["hypothesis"]) == (["a", "dog"], ["the", "cat", "."])
    assert main(["predict", "run", "in.txt", "--format", "tsv"]) == 0
    table = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert table[0] == ["sentence", "label", "probability", "premise", "hypothesis"]
    assert (table[1][0], table[1][1], *table[1][3:]) == ("1", "yes", "a dog sleeps", "the dog rests")
    assert table[3][3:] == ["a dog", "the cat ."]


def test_faults_of_commands(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("single.txt").write_text("a dog\ta cat\na dog sleeps\n")
    assert "single.txt:2: the number of tabs is 0, not 1" in fails(capsys, "predict", "run", "single.txt")
    message = fails(capsys, "predict", "run", "--text", "single.txt")
    assert "--text: a run of nli reads pairs, a premise, a tab and a hypothesis per line" in message
    assert "have no tags for tokens" in fails(capsys, "predict", "run", "in.txt", "--format", "conll")
    (here / "three").mkdir(exist_ok=True)
    (here / "three" / "test.tsv").write_text("premise\thypothesis\tlabel\na\tb\tyes\na\tb\tmaybe\n")
    message = fails(capsys, "evaluate", "run", "--data", "three")
    assert "test.tsv:3: 'maybe' is not a label of the training data (no, yes)" in message
    assert "did you mean model.hypothesis_only" in fails(
        capsys, "train", "nli", "--data", "data", "--set", "model.hypothesis=true", "--output", "x"
    )
    (here / "one").mkdir(exist_ok=True)
    for split in ("train", "dev"):
        (here / "one" / f"{split}.tsv").write_text("premise\thypothesis\tlabel\na\tb\tyes\n")
    message = fails(capsys, "train", "nli", "--data", "one", "--output", "x", *FAST)
    assert "train.tsv:2: the training data has only one label, 'yes'" in message


def test_a_run_takes_pairs(here: Path, run: Run) -> None:
    found = run(("A dog sleeps.  It isn't old.", "the dog rests"))
    assert isinstance(found, PairResult) and set(found.probabilities) == {"yes", "no"}
    assert (found.premise, found.hypothesis) == ("A dog sleeps.  It isn't old.", "the dog rests")
    assert [token.text for token in found.tokens][:6] == ["A", "dog", "sleeps", ".", "It", "is"]
    assert all(found.text[token.start : token.end] == token.text for token in found.tokens)
    assert found.to_dict()["label"] == found.label == max(found.probabilities, key=found.probabilities.get)

    words = run((["a", "dog", "sleeps"], ["the", "dog", "rests"]))
    texts = run([("a dog sleeps", "the dog rests"), ["a dog sleeps", "the cat rests"]])
    assert words == texts[0] and [each.label for each in texts] == ["yes", "no"]
    assert run((("a dog sleeps", "the dog rests"), ("a dog sleeps", "the cat rests"))) == texts
    assert list(run.pipe(iter([("a dog sleeps", "the dog rests")]))) == [texts[0]]
    table = [("a dog sleeps", "the dog rests"), ("a dog sleeps", "the cat rests")]
    assert run(pd.DataFrame(table, columns=["premise", "hypothesis"])) == run(np.array(table)) == texts
    assert list(run.pipe(np.array(table))) == texts
    assert run.labels == ("no", "yes")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("a dog", "the input must be a pair or a list of pairs, not 'a dog'"),
        ([], "the list is empty; give at least one pair"),
        (["a dog", "a cat"], "item 0: 'a dog' is not a pair"),
        ([("a", "b"), ("a", " ")], "item 1: the hypothesis is empty"),
        (("", "b"), "the pair: the premise is empty"),
        (("a", None), "the pair: the hypothesis must be a text or a list of tokens, not None"),
        (("a", ("b", "")), r"the pair: the hypothesis must be a text or a list of tokens, not \('b', ''\)"),
        (pd.DataFrame({"a": ["b"], "c": [float("nan")]}), "item 0: the hypothesis must be a text .*, not nan"),
        (np.array([["a", "b", "c"]]), "item 0: .* is not a pair"),
        ([("a", 3)], "item 0: the hypothesis must be a text or a list of tokens, not 3"),
        ([("a", "b", "c")], "is not a pair"),
    ],
)
def test_other_inputs_are_refused(run: Run, given: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        run(given)


def test_trained_and_scored_from_python(here: Path) -> None:
    pairs = [tuple(line.split("\t")) for shift in (0, 1) for line in rows(shift)]
    settings = {"model.hidden": 4, "training.epochs": 1}
    made = train("nli", train=pairs, embedders="random", settings=settings, tell=lambda _: None)
    assert set(made(("a dog", "a cat")).probabilities) == {"yes", "no"}
    assert set(made.evaluate(pairs)) >= {"accuracy", "macro_f1"}


def test_a_premise_is_embedded_once(here: Path) -> None:
    """Sentences are embedded independently, so pairs that share a premise share its vectors."""
    pairs = load_data("data", read_pairs).test
    asked: list[list[tuple[str, ...]]] = []
    (source,) = build_inputs(["random"])
    embed = source.embedder.embed

    class Counted:
        n_layers, width, name, fingerprint = 1, source.embedder.width, "random", "x"

        def embed(self, sentences: list[tuple[str, ...]]) -> object:
            asked.append(list(sentences))
            return embed(sentences)

    source.embedder = Counted()
    task = load_task("nli")
    items = prepare(pairs, [source], task, task.labels(pairs))
    assert sorted(asked[0]) == sorted({sentence for pair in pairs for sentence in pair.sentences})
    batch = next(iter(loader(items, 3)))
    assert batch.sentences.tolist() == [[3, 3]] * 3 and batch.inputs[0].shape[2] == 6


def test_the_hypotheses_of_a_premise_stay_together(here: Path) -> None:
    """Nothing of a premise is in train and in dev, and significance is tested over premises."""
    pairs = load_data("data", read_pairs).train
    assert by_sentence(pairs) == [[n, n + 1] for n in range(0, len(pairs), 2)]
    drawn = draw_fraction(pairs, 30, seed=1)
    assert [pair.premise for pair in drawn[::2]] == [pair.premise for pair in drawn[1::2]]
    assert len(read_outcomes(Path("run")).counts) == 6  # the test split has 12 pairs


def test_the_smoke_configuration(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = str(ROOT / "configs" / "smoke" / "nli.yaml")
    assert main(["train", "nli", "--config", config, "--output", "smoke"]) == 0
    assert json.loads(Path("smoke/metrics.json").read_text())["data"] == "sample-nli"
    assert main(["evaluate", "smoke"]) == 0
    Path("one.txt").write_text("Rain fell.\tIt is wet.\n")
    capsys.readouterr()
    assert main(["predict", "smoke", "one.txt"]) == 0
    assert json.loads(capsys.readouterr().out)["label"] in ("entailment", "neutral", "contradiction")
