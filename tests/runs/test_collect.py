from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from elmo_tasks.cli import main
from elmo_tasks.core.errors import InputError
from elmo_tasks.runs.collect import collect
from elmo_tasks.runs.experiment import load_experiment, to_yaml
from tools.tables import table

MakeRun = Callable[..., Path]


@pytest.fixture
def run(tmp_path: Path) -> MakeRun:
    """Make a finished run's folder."""

    def make(seed: int, f1: float = 0.9, data: str = "conll2003", **settings: object) -> Path:
        folder = tmp_path / f"run{seed}-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        experiment = load_experiment([], {"seed": seed, "data": data, **settings})
        (folder / "config.yaml").write_text(to_yaml(experiment))
        metrics = {
            "task": "ner",
            "data": data,
            "seed": seed,
            "embedders": list(experiment.embedders),
            "headline": "f1",
            "dev": {"f1": f1},
            "test": {"f1": f1},
            "mix": {name: {"weights": [1.0], "gamma": 1.0} for name in experiment.embedders if ":" in name},
            "epochs": 2,
            "best_epoch": 1,
            "command": f"elmo-tasks train ner --data {data} --seed {seed} --output /home/someone/runs/{seed}",
            "seconds": 60.0,
            "seconds_per_epoch": 25.0,
            "peak_rss_mb": 512.0,
            "threads": 1,
        }
        (folder / "metrics.json").write_text(json.dumps(metrics))
        return folder

    return make


def test_seeds_become_one_record_that_the_tables_read(run: MakeRun) -> None:
    record = collect([run(2, 0.92), run(1, 0.90)])
    assert [entry["seed"] for entry in record["runs"]] == [1, 2]
    assert "seed" not in record["config"]
    assert record["config"]["training"]["batch_size"] == 64
    assert {"torch", "python"} <= set(record["versions"])
    assert record["date"][4] == "-"
    assert "| 91.00 ± 1.41 |" in table("ner", [json.loads(json.dumps(record)) | {"file": "a.json"}])


def test_a_record_names_no_place_of_one_machine(run: MakeRun) -> None:
    embedders = ["elmo:/home/someone/bilm/options.json,/home/someone/bilm/weights.hdf5", "glove"]
    record = collect([run(1, data="/home/someone/data/conll2003", embedders=embedders)])
    assert "someone" not in json.dumps(record)
    assert record["data"] == record["config"]["data"] == "conll2003"
    assert record["embedders"][0] == "elmo:options.json,weights.hdf5"
    assert list(record["runs"][0]["mix"]) == ["elmo:options.json,weights.hdf5"]
    assert record["command"] == "elmo-tasks train ner --data conll2003 --seed 1 --output 1"


def test_names_of_hub_repositories_stay(run: MakeRun) -> None:
    assert collect([run(1, embedders=["elmo:someone/bilm"])])["embedders"] == ["elmo:someone/bilm"]


def test_runs_of_two_experiments_are_refused(run: MakeRun) -> None:
    with pytest.raises(InputError, match=r"run2-1: the run differs from .*run1-0 in more than the seed"):
        collect([run(1), run(2, training={"epochs": 3})])


def test_a_seed_twice_is_refused(run: MakeRun) -> None:
    with pytest.raises(InputError, match="two runs have the same seed; the seeds are 1, 1"):
        collect([run(1), run(1)])


def test_an_unfinished_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"not a run folder: it has no metrics\.json"):
        collect([tmp_path])


def test_the_verb_makes_the_folder_of_its_record(run: MakeRun, tmp_path: Path) -> None:
    output = tmp_path / "new" / "results" / "a.json"
    assert main(["report", str(run(1)), str(run(2)), "--output", str(output)]) == 0
    assert [entry["seed"] for entry in json.loads(output.read_text())["runs"]] == [1, 2]
