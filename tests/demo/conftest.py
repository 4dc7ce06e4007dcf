"""Small runs on made-up corpora, one per task: that of `ner` reads the shipped biLM, the others random vectors."""

from __future__ import annotations

from pathlib import Path

import pytest

from elmo_tasks.demo.runs import Shown, load_runs
from elmo_tasks.runs.experiment import resolve_experiment
from elmo_tasks.training.train import train
from small_corpora import NAMES, PLACES, classes, entities, opinion, roles

SETTINGS = ["training.epochs=8", "training.learning_rate=0.01", "glove.trainable=false"]


@pytest.fixture(scope="session")
def run_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The runs' folders by task."""
    place = tmp_path_factory.mktemp("demo")
    pairs = [(name, town) for name in NAMES for town in PLACES]
    made = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ELMO_TASKS_CACHE", str(place / "cache"))
        for task, line, embedders in (
            ("ner", entities, ["elmo", "chars"]),
            ("srl", roles, ["random", "chars"]),
            ("sentiment", opinion, ["random", "chars"]),
            ("tagging", classes, ["random", "chars"]),
        ):
            data = place / f"{task}-data"
            data.mkdir()
            for split, part in (("train", pairs), ("dev", pairs[::4] + pairs[1::4]), ("test", pairs[2::5])):
                (data / f"{split}.txt").write_text("".join(line(*pair) for pair in part), encoding="utf-8")
            small = [*SETTINGS, "model.hidden=16"]
            experiment = resolve_experiment(task, None, {"data": str(data), "embedders": embedders}, small)
            made[task] = train(experiment, place / task, tell=lambda _: None).folder
    return made


@pytest.fixture(scope="session")
def pair_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that compares two texts."""
    place = tmp_path_factory.mktemp("pairs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ELMO_TASKS_CACHE", str(place / "cache"))
        quick = ["training.epochs=1", "model.hidden=8"]
        experiment = resolve_experiment("nli", None, {"embedders": ["random"]}, quick)
        return train(experiment, place / "nli", tell=lambda _: None).folder


@pytest.fixture(scope="session")
def shown(run_folders: dict[str, Path]) -> Shown:
    """All of them, loaded for the page."""
    return load_runs([str(folder) for folder in run_folders.values()])
