"""Runs and biLMs go to a hub and come back. The hub is a folder: only calls that would reach the network are ours."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub
import numpy as np
import pytest
from huggingface_hub import HfApi, ModelCard
from huggingface_hub.utils import filter_repo_objects

from elmo_tasks.cli import main
from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo import ElmoEmbedder
from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.options import BilmOptions
from elmo_tasks.elmo.weights.hdf5 import write_hdf5
from elmo_tasks.integrations.sklearn import ElmoTagger
from elmo_tasks.pretraining.bilm_folder import stages_of, write_bilm_folder
from elmo_tasks.pretraining.initial_weights import initialise
from elmo_tasks.pretraining.objective import Objective
from elmo_tasks.runs.hub import find_run, push_to_hub
from elmo_tasks.runs.predict import predict_examples
from elmo_tasks.runs.run import load as load_run

TINY = BilmOptions(char_dim=3, filters=((1, 4), (2, 5)), n_highway=1, cell_dim=12, projection_dim=6, n_layers=2)

NAMES, CITIES = ("Ada", "Bo", "Cy", "Di"), ("Rome", "Oslo", "Lima")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files of the fake hub: `ORG/NAME` folders."""
    root = tmp_path / "hub"
    made: set[str] = set()

    def create_repo(self: HfApi, repo_id: str, *, private: bool = False, exist_ok: bool = False) -> None:
        made.add(repo_id)

    def upload_folder(self: HfApi, *, repo_id: str, folder_path: str, commit_message: str) -> None:
        assert repo_id in made
        shutil.copytree(folder_path, root / repo_id, dirs_exist_ok=True)

    def snapshot_download(repo_id: str, *, allow_patterns: list[str], cache_dir: Path) -> str:
        if not (root / repo_id).is_dir():
            raise FileNotFoundError(f"404: no {repo_id}")
        names = [str(path.relative_to(root / repo_id)) for path in (root / repo_id).rglob("*") if path.is_file()]
        for name in filter_repo_objects(names, allow_patterns=allow_patterns):
            target = cache_dir / repo_id / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / repo_id / name, target)
        return str(cache_dir / repo_id)

    monkeypatch.setattr(HfApi, "create_repo", create_repo)
    monkeypatch.setattr(HfApi, "upload_folder", upload_folder)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    return root


@pytest.fixture(scope="module")
def trained_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run from the command line, whose data are in a separate folder."""
    place = tmp_path_factory.mktemp("sharing")
    rows = "".join(f"{name} B-PER\nlives O\nin O\n{city} B-LOC\n. O\n\n" for name in NAMES for city in CITIES)
    (place / "cities").mkdir()
    for split in ("train", "dev", "test"):
        (place / "cities" / f"{split}.txt").write_text(rows)
    settings = ["model.hidden=12", "training.epochs=8", "training.batch_size=4", "training.learning_rate=0.02"]
    arguments = ["--data", str(place / "cities"), "--embedders", "random", "chars", "--output", str(place / "run")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ELMO_TASKS_CACHE", str(place / "cache"))
        assert main(["train", "ner", *arguments, *(word for setting in settings for word in ("--set", setting))]) == 0
    return place / "run"


@pytest.fixture
def run(trained_run: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(trained_run, tmp_path / "run"))


def test_a_run_goes_up_and_is_used_from_there(
    hub: Path, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["push", str(run), "someone/ner-small", "--license", "cc-by-4.0"]) == 0
    assert capsys.readouterr().out == "https://huggingface.co/someone/ner-small\n"
    there = {str(path.relative_to(hub / "someone/ner-small")) for path in (hub / "someone/ner-small").rglob("*.*")}
    assert {"README.md", "config.yaml", "model.safetensors", "words.txt", "plots/learning_curve.png"} <= there
    assert not any("checkpoints" in name for name in there)

    (tmp_path / "in.txt").write_text("Ada lives in Oslo .\n")
    assert main(["predict", "someone/ner-small", str(tmp_path / "in.txt")]) == 0
    frame = json.loads(capsys.readouterr().out)
    assert [entity["text"] for entity in frame["entities"]] == ["Ada", "Oslo"]
    metrics = json.loads((run / "metrics.json").read_text())
    assert main(["evaluate", "someone/ner-small", "--json", "--data", metrics["data"]]) == 0
    assert json.loads(capsys.readouterr().out) == metrics["test"]

    trained = load_run("someone/ner-small").trained
    assert predict_examples(trained, trained.task.parse("Bo lives in Rome .", "")) == [
        ("B-PER", "O", "O", "B-LOC", "O")
    ]
    tagger = ElmoTagger.from_pretrained("someone/ner-small")
    assert tagger.predict(["Bo lives in Rome ."]) == [["B-PER", "O", "O", "B-LOC", "O"]]
    tagger.push_to_hub("someone/again", license="mit")
    assert ElmoTagger.from_pretrained("someone/again").run_ == tagger.run_


def test_the_card_of_a_run(hub: Path, run: Path) -> None:
    push_to_hub(run, "someone/ner-small", license="cc-by-4.0")
    text = (hub / "someone/ner-small/README.md").read_text()
    metrics = json.loads((run / "metrics.json").read_text())
    card = ModelCard(text)
    assert card.data.license == "cc-by-4.0" and card.data.library_name == "elmo-tasks"
    assert card.data.model_name == "someone/ner-small" and "ner" in card.data.tags
    results = {(result.dataset_split, result.metric_type): result.metric_value for result in card.data.eval_results}
    assert results["test", "f1"] == pytest.approx(metrics["test"]["f1"], abs=1e-4)
    assert {("dev", "f1"), ("dev", "precision"), ("test", "recall")} <= set(results)
    for line in (
        "- Task: ner",
        "- Data: cities",
        "- Embedders: random, chars; loaded by these names; they are not part of this repository",
        "- Licence: cc-by-4.0",
        f"| test | f1 | {100 * metrics['test']['f1']:.2f} |",
        "elmo-tasks predict someone/ner-small sentences.txt",
    ):
        assert line in text.splitlines()
    assert "- Command: `elmo-tasks train ner --data cities" in text
    assert "/cities" not in text
    push_to_hub(run, "someone/ner-small")
    assert "- Licence: not stated" in (hub / "someone/ner-small/README.md").read_text()


def test_a_biLM_goes_up_and_is_used_from_there(
    hub: Path, tmp_path: Path, pretraining_options: dict[str, Any], text: Path
) -> None:
    config = tmp_path / "tiny.json"
    config.write_text(json.dumps(pretraining_options | {"n_epochs": 1}))
    folder = tmp_path / "bilm"
    assert main(["pretrain", "--corpus", str(text), "--config", str(config), "--output", str(folder)]) == 0
    push_to_hub(folder, "someone/tiny-bilm", license="apache-2.0")
    there = {path.name for path in (hub / "someone/tiny-bilm").iterdir()}
    assert {"README.md", "bilm.safetensors", "options.json", "weights.hdf5", "vocabulary.txt", "metrics.json"} <= there
    card = (hub / "someone/tiny-bilm/README.md").read_text()
    assert ModelCard(card).data.license == "apache-2.0"
    assert "## Stage 1" in card and 'ElmoEmbedder.from_pretrained("someone/tiny-bilm")' in card
    here = ElmoEmbedder(folder / "options.json", folder / "weights.hdf5").embed_sentence(["cat"])
    found = ElmoEmbedder.from_pretrained("someone/tiny-bilm").embed_sentence(["cat"])
    np.testing.assert_allclose(found, here, atol=1e-6)


def test_a_biLM_without_a_record(hub: Path, tmp_path: Path) -> None:
    (tmp_path / "bilm").mkdir()
    write_hdf5(BiLM(TINY), tmp_path / "bilm" / "options.json", tmp_path / "bilm" / "weights.hdf5")
    push_to_hub(tmp_path / "bilm", "someone/other")
    assert "- Licence: not stated" in (hub / "someone/other/README.md").read_text()
    assert ElmoEmbedder.from_pretrained("someone/other").embed_sentence(["cat"]).shape == (3, 1, 12)
    with pytest.raises(InputError, match="has no run .* if it is a biLM, use --embedders elmo:someone/other"):
        find_run("someone/other")


def refuse(error: Exception) -> Callable[..., None]:
    def refused(*_: object, **__: object) -> None:
        raise error

    return refused


def test_faults(hub: Path, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="'small' is not the name of a repository; give one such as ORG/NAME"):
        push_to_hub(run, "small")
    with pytest.raises(InputError, match="not the folder of a finished run or of a biLM: it has no weights"):
        push_to_hub(tmp_path, "someone/x")
    with pytest.raises(InputError, match="someone/x: neither a folder here nor a repository"):
        find_run("someone/x")
    with pytest.raises(
        InputError, match="^no-such-run: no such folder; use a tagger in the package .* or write hf:ORG/NAME"
    ):
        find_run("no-such-run")
    monkeypatch.setattr(HfApi, "create_repo", refuse(RuntimeError("401 Unauthorized\nInvalid token")))
    with pytest.raises(InputError, match=r"someone/x: the .* hub rejected the upload \(401 Unauthorized Invalid"):
        push_to_hub(run, "someone/x")


def test_a_run_that_names_a_file_to_execute_is_refused_both_ways(hub: Path, run: Path, tmp_path: Path) -> None:
    push_to_hub(run, "someone/x")
    evil = tmp_path / "task.py"
    evil.write_text("raise AssertionError('executed')")
    for folder in (run, hub / "someone/x"):
        text = (folder / "config.yaml").read_text().replace("task: ner", f"task: {evil}")
        (folder / "config.yaml").write_text(text)
    with pytest.raises(InputError, match="cannot be shared, because a task file of your own is not uploaded"):
        push_to_hub(run, "someone/y")
    with pytest.raises(InputError, match="someone/x: a run of the task .* cannot be shared"):
        load_run("someone/x")


def test_the_softmax_of_a_biLM_comes_with_it(hub: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["<S>", "</S>", "<UNK>", "the", "cat", "dog"]
    there = Objective(BiLM(TINY), vocabulary=len(words), samples=2)
    stage = {"epochs": 1, "corpus_tokens": 5, "corpus_sentences": 1, "corpus_sha256": "", "init": None, "command": ""}
    record = {"vocabulary": len(words), "stages": [stage | {"config": {"seed": 1}}]}
    write_bilm_folder(tmp_path / "lm", there, words, record)
    push_to_hub(tmp_path / "lm", "someone/lm")
    (tmp_path / "text.txt").write_text("the cat\n")
    assert main(["pretrain", "eval", "someone/lm", str(tmp_path / "text.txt")]) == 0
    assert "over 2 words, 0.00 %" in capsys.readouterr().out
    assert main(["substitutes", "the cat", "--bilm", "someone/lm", "--json"]) == 0
    assert [json.loads(line)["word"] for line in capsys.readouterr().out.splitlines()] == ["the", "cat"]
    here = Objective(BiLM(TINY), vocabulary=len(words) + 1, samples=2)
    initialise(here, [*words[:3], "new", *words[3:]], "someone/lm")
    kept = [0, 1, 2, 4, 5, 6]
    assert (here.softmax.weight.weight[kept] == there.softmax.weight.weight).all()
    assert stages_of("someone/lm") == record["stages"]
    with pytest.raises(InputError, match="someone/else: neither a folder here nor a repository"):
        stages_of("someone/else")
