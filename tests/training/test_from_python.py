"""`elmo_tasks.train`: objects in, a run out, and nothing left behind."""

from __future__ import annotations

import gc
import pickle
import tempfile
from pathlib import Path
from typing import Any

import datasets
import pandas as pd
import pytest

import elmo_tasks
from elmo_tasks.core.errors import InputError
from elmo_tasks.runs.experiment import resolve_experiment

TOKENS = [[name, "lives", "in", town, "."] for name in ("Ada", "Bo", "Cy", "Di") for town in ("Rome", "Oslo", "Lima")]
TAGS = [["B-PER", "O", "O", "B-LOC", "O"]] * len(TOKENS)
FAST: dict[str, Any] = {
    "embedders": ["random", "chars"],
    "settings": {"training.epochs": 6, "training.learning_rate": 0.02, "model.hidden": 12},
    "tell": lambda line: None,
}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    return tmp_path / "tmp"


def test_a_run_from_lists_lives_as_long_as_the_object(place: Path, tmp_path: Path) -> None:
    told: list[str] = []
    run = elmo_tasks.train("ner", train=list(zip(TOKENS, TAGS, strict=True)), **{**FAST, "tell": told.append})
    note = "no dev data; held out 1 of 12 training sentences as dev, drawn at random"
    assert told[0] == f"note: {note}" and run.metrics["notes"][0] == note
    assert run.metrics["data"] == "in-memory" and run.metrics["seed"] == 1 and "test" not in run.metrics
    assert len(run.history) == run.metrics["epochs"] and run.metrics["dev"]["f1"] == 1.0
    assert [entity.text for entity in run("Ada lives in Oslo.")[0].entities] == ["Ada", "Oslo"]
    assert run.evaluate((TOKENS, TAGS))["f1"] == run.evaluate({"test": (TOKENS, TAGS)})["f1"] == 1.0
    with pytest.raises(InputError, match="the data has no dev split"):
        run.evaluate({"test": (TOKENS, TAGS)}, "dev")
    with pytest.raises(InputError, match="trained on Python objects, which it does not store"):
        run.evaluate()
    run.save(tmp_path / "saved")
    copy, folder = pickle.loads(pickle.dumps(run)), run.folder
    assert folder.exists() and [path for path in place.glob("elmo-tasks-*") if path in folder.parents]
    del run
    gc.collect()
    assert not list(place.glob("elmo-tasks-*"))
    saved = elmo_tasks.load(tmp_path / "saved")
    for other in (copy, saved):
        assert [entity.text for entity in other("Ada lives in Oslo.")[0].entities] == ["Ada", "Oslo"]
    assert saved.metrics["dev"]["f1"] == 1.0


def test_frames_and_data_sets_train_the_same_run(tmp_path: Path) -> None:
    names = ["O", "B-PER", "B-LOC"]
    numbers = [[names.index(tag) for tag in tags] for tags in TAGS]
    features = datasets.Features(
        tokens=datasets.List(datasets.Value("string")), ner_tags=datasets.List(datasets.ClassLabel(names=names))
    )
    part = datasets.Dataset.from_dict({"tokens": TOKENS, "ner_tags": numbers}, features=features)
    together = datasets.DatasetDict(train=part, validation=part, test=part)
    frame = pd.DataFrame({"w": TOKENS, "t": TAGS})
    options = {**FAST, "settings": {**FAST["settings"], "training.epochs": 1}}
    first = elmo_tasks.train("ner", tmp_path / "run", train=together, seed=3, **options)
    columns = {"tokens": "w", "tags": "t"}
    second = elmo_tasks.train("ner", train=frame, dev=frame, test=frame, columns=columns, seed=3, **options)
    assert first.folder == tmp_path / "run" and first.metrics["seed"] == 3 and "notes" in first.metrics
    for key in ("data_digest", "dev", "test", "mix"):
        assert first.metrics[key] == second.metrics[key]


def test_an_experiment_and_files(tmp_path: Path) -> None:
    for split in ("train", "dev", "test"):
        rows = ("".join(f"{w} {t}\n" for w, t in zip(*pair, strict=True)) for pair in zip(TOKENS, TAGS, strict=True))
        (tmp_path / f"{split}.txt").write_text("\n".join(rows), encoding="utf-8")
    settings = {**FAST["settings"], "training.epochs": 1}
    given = {"data": str(tmp_path), "embedders": ["random"]}
    experiment = resolve_experiment("ner", None, given, [f"{key}={value}" for key, value in settings.items()])
    first = elmo_tasks.train(experiment, tmp_path / "first", tell=FAST["tell"])
    second = elmo_tasks.train(
        "ner", data=tmp_path, embedders="random", settings=settings, output=tmp_path / "second", tell=FAST["tell"]
    )
    assert first.metrics["test"] == second.metrics["test"]
    assert second.evaluate() == second.metrics["test"]
    with pytest.raises(InputError, match="the Experiment already has its own seed; leave it out"):
        elmo_tasks.train(experiment, seed=2)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"train": []}, "train: there are no sentences; give at least one"),
        ({"train": [(TOKENS[0], TAGS[0][:2])]}, r"train\[0\]: 5 tokens but 2 tags"),
        ({"train": (TOKENS, TAGS), "dev": [(["a"], [1])]}, r"dev\[0\]: the tags are numbers without names"),
        ({"train": (TOKENS[:1], TAGS[:1])}, "one sentence is not enough to hold out a dev split; pass dev="),
        ({"dev": (TOKENS, TAGS)}, "train: there is no training data; pass train="),
        ({"train": (TOKENS, TAGS), "data": "sample"}, "train: train and data cannot be combined; pass only one"),
        ({"columns": {"tags": "x"}}, "train: columns only applies to train="),
        (
            {"train": (TOKENS, TAGS), "settings": {"reading.map_labels": "PER=LOC"}},
            r"settings reading.\* only apply to files",
        ),
        ({"train": (TOKENS, TAGS), "settings": {"training.epoch": 1}}, "did you mean training.epochs"),
        ({"train": (TOKENS, TAGS), "settings": [1]}, "settings must be a dictionary such as"),
        ({"train": (TOKENS, TAGS), "embedders": "elmoo"}, "elmoo"),
    ],
)
def test_faults_leave_nothing_behind(given: dict[str, Any], message: str, place: Path) -> None:
    with pytest.raises(InputError, match=message) as fault:
        elmo_tasks.train("ner", **{**FAST, **given})
    assert "\n" not in str(fault.value) and not list(place.glob("elmo-tasks-*"))
