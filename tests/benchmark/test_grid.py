"""The cells of a grid, their order, and the errors of commands without a valid grid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from elmo_tasks.benchmark.cell import Cell
from elmo_tasks.benchmark.estimate import Timed, estimate, in_words, remaining
from elmo_tasks.benchmark.grid import build_grid, split_embedders
from elmo_tasks.cli import build_parser
from elmo_tasks.core.errors import InputError
from elmo_tasks.runs.experiment import resolve_experiment


def grid(**changes: Any) -> list[Cell]:
    given: dict[str, Any] = {
        "embedders": ["glove,chars", "random"],
        "seeds": 2,
        "fractions": [100, 10],
        "data": [],
        "settings": ["training.epochs=2"],
        "output": Path("out"),
    }
    return build_grid(["ner"], **(given | changes))


def test_one_seed_of_everything_comes_first_and_cheap_cells_before_dear_ones() -> None:
    assert [cell.name.removeprefix("ner-sample-") for cell in grid()] == [
        "random-10-seed1",
        "glove+chars-10-seed1",
        "random-100-seed1",
        "glove+chars-100-seed1",
        "random-10-seed2",
        "glove+chars-10-seed2",
        "random-100-seed2",
        "glove+chars-100-seed2",
    ]


def test_a_cells_command_makes_its_experiment() -> None:
    for cell in grid():
        options = build_parser().parse_args(cell.command.split()[1:])
        given = {"data": "+".join(options.data), "embedders": options.embedders, "seed": options.seed}
        assert resolve_experiment(options.task, None, given, options.set) == cell.experiment
        assert options.output == cell.folder


def test_a_task_may_have_several_data_sets() -> None:
    found = {cell.experiment.data for cell in grid(data=["ner=conll2003", "ner=sample"], seeds=1)}
    assert found == {"conll2003", "sample"}


def test_a_task_may_have_its_own_settings_and_configuration(tmp_path: Path) -> None:
    file = tmp_path / "bcn.yaml"
    file.write_text("model: {head: bcn}\n")
    given = {"embedders": ["random"], "seeds": 1, "fractions": [100], "data": [], "output": Path("out")}
    settings = ["training.epochs=3", "ner.model.hidden=8", "sentiment.training.epochs=4"]
    ner, sentiment = build_grid(["ner", "sentiment"], settings=settings, configs=[f"sentiment={file}"], **given)
    assert (ner.experiment.model["hidden"], ner.experiment.training.epochs) == (8, 3)
    assert (sentiment.experiment.model["head"], sentiment.experiment.training.epochs) == ("bcn", 4)
    for cell in (ner, sentiment):
        options = build_parser().parse_args(cell.command.split()[1:])
        named = {"data": "+".join(options.data), "embedders": options.embedders, "seed": options.seed}
        assert resolve_experiment(options.task, options.config, named, options.set) == cell.experiment


def test_long_paths_that_end_alike_have_names_of_their_own() -> None:
    tail = "a" * 50 + "/vectors.txt"
    first, second = grid(embedders=[f"glove:one/{tail}", f"glove:two/{tail}"], seeds=1, fractions=[100])
    assert first.name != second.name
    assert len(first.name) < 80


def test_commas_concatenate_but_for_the_one_of_a_pair_of_files() -> None:
    assert split_embedders("elmo,glove,chars") == ("elmo", "glove", "chars")
    assert split_embedders("elmo:a/options.json,a/w.hdf5,glove") == ("elmo:a/options.json,a/w.hdf5", "glove")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seeds": 0}, "--seeds must be 1 or more, not 0"),
        ({"fractions": [0]}, "--fractions must be percentages above 0 and up to 100, not 0"),
        ({"embedders": [","]}, "--embedders must be names, joined by commas to concatenate them, not ','"),
        ({"data": ["conll2003"]}, "--data must be TASK=NAME, such as ner=conll2003, not 'conll2003'"),
        ({"data": ["srl=x"]}, "--data: the task in 'srl=x' is not one of ner"),
        ({"embedders": ["glove", "glove"]}, "would run twice; give each task"),
        ({"configs": ["a.yaml"]}, "--config must be TASK=NAME, such as sentiment=configs/sst5-bcn.yaml, not 'a.yaml'"),
        ({"configs": ["ner=a", "ner=b"]}, "--config: ner is given twice, with a and b; give it once"),
        ({"settings": ["ner.training.epoch=2"]}, "did you mean training.epochs?"),
        ({"settings": ["training.epoch=2"]}, "did you mean training.epochs?"),
    ],
)
def test_faults(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as fault:
        grid(**changes)
    assert message in str(fault.value)


def test_estimates_follow_the_nearest_finished_cells() -> None:
    cells = {cell.name.removeprefix("ner-sample-"): cell for cell in grid()}
    assert estimate(cells["random-100-seed2"], []) is None
    small = [Timed(cells["random-10-seed1"], 8.0, 6.0)]
    assert estimate(cells["random-10-seed2"], small) == 8.0
    assert estimate(cells["random-100-seed2"], small) == pytest.approx(62.0)  # 2 s besides the epochs
    assert estimate(cells["glove+chars-10-seed1"], small) == 8.0  # other embedders, if there is nothing nearer
    both = [*small, Timed(cells["random-100-seed1"], 40.0, 38.0)]
    assert estimate(cells["random-100-seed2"], both) == 40.0
    waiting = [cells["random-10-seed2"], cells["random-100-seed2"]]
    assert remaining(waiting, both, jobs=2) == 40.0  # the longer of 8 and 40 s
    assert remaining(waiting, both, jobs=1) == 48.0
    assert remaining(waiting, [], jobs=1) is None
    assert remaining(waiting[1:], both, jobs=4) == 40.0  # one cell is not shared
    resumed = [Timed(cells["random-100-seed1"], 60.0, 3600.0)]  # seconds of the last sitting alone
    assert estimate(cells["random-10-seed2"], resumed) == pytest.approx(360.0)
    assert [in_words(value) for value in (None, 40, 600, 7200)] == ["?", "40 s", "10 min", "2.0 h"]
