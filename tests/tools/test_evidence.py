"""The grids behind the tables: they can be built, they run in order, and what is finished is not run again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from elmo_tasks.benchmark.grid import split_embedders
from elmo_tasks.cli import main as elmo_tasks
from tools.evidence import GRIDS, TRAININGS, Grid, chosen, execute, main, plan, trainings_for

ROOT = Path(__file__).resolve().parents[2]
BILM = "elmo:bilms/de"


@pytest.fixture(autouse=True)
def _in_a_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def small(name: str = "small", seeds: int = 2, embedders: tuple[str, ...] = ("random", "chars")) -> Grid:
    settings = ("training.epochs=1", "model.hidden=4", "training.batch_size=64", "training.min_updates=1")
    return Grid(name, "ner", "sample", embedders, seeds, 3, embedders[0], settings=settings)


def test_every_run_can_be_built(tmp_path: Path) -> None:
    assert len({grid.name for grid in GRIDS}) == len(GRIDS)
    folders = [cell.folder for grid in GRIDS for cell in grid.cells(tmp_path)]
    assert len(set(folders)) == len(folders) > 250
    for grid in GRIDS:
        assert grid.baseline in grid.embedders
        assert all(grid.hours(cell) > 0 for cell in grid.cells(tmp_path))
    trained = {name for grid in GRIDS for name in grid.needs()}
    assert trained == {training.name for training in TRAININGS}


def test_the_commands_are_those_of_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every `benchmark` is accepted and has as many cells as are listed."""
    seen: list[int] = []
    monkeypatch.setattr("elmo_tasks.benchmark.run.benchmark", lambda cells, *_, **__: seen.append(len(cells)))
    for grid in GRIDS:
        assert elmo_tasks(grid.words(tmp_path)) == 0
        assert split_embedders(grid.baseline)
    assert seen == [len(grid.cells(tmp_path)) for grid in GRIDS]


def test_the_order(tmp_path: Path) -> None:
    """BiLMs first, then the first seed of all grids; what needs a failed biLM does not run."""
    run: list[str] = []

    def note(words: Sequence[str]) -> int:
        run.append(
            f"{words[0]} {Path(words[words.index('--output') + 1]).name} {words[words.index('--seeds') + 1]}"
            if words[0] == "benchmark"
            else " ".join(words[:1])
        )
        return int(words[0] == "pretrain")

    grids = [small("one", seeds=1), small("two"), small("three", 3, ("chars", f"{BILM},chars"))]
    needed = trainings_for(grids)
    assert [training.name for training in needed] == ["de"]
    assert execute(grids, needed, tmp_path, tmp_path, None, note) == ["de"]
    assert run == ["pretrain", "benchmark one 1", "benchmark two 1", "benchmark two 2"]
    (tmp_path / "bilms/de").mkdir(parents=True)
    (tmp_path / "bilms/de/bilm.safetensors").touch()
    run.clear()
    assert execute(grids, needed, tmp_path, tmp_path, 2, note) == []
    assert run == [*(f"benchmark {name} 1" for name in ("one", "two", "three")), "benchmark two 2", "benchmark three 2"]


def test_the_list(tmp_path: Path) -> None:
    lines = plan([small()], [], tmp_path, tmp_path, None)
    assert [line.split()[0] for line in lines] == ["waiting"] * 4 + ["about"]
    assert lines[0].startswith("waiting       0.1 h  elmo-tasks train ner --data sample --embedders random --seed 1")


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--output", str(tmp_path), "--only", "german"]
    assert main([*arguments, "--list"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("waiting       1.8 h  elmo-tasks pretrain --corpus 'text/de-*.txt.xz'")
    assert len(out) == 1 + 3 * 2 * 3 + 1 and "hours left" in out[-1]
    assert main(arguments, run=lambda words: 1) == 1
    assert "failed: de; start the command again to retry" in capsys.readouterr().err
    assert main([*arguments, "--seeds", "1"], run=lambda words: 0) == 0
    assert [grid.name for grid in chosen(["ner*", "pos"])][:3] == ["ner", "ner-curve", "pos"]
    with pytest.raises(SystemExit):
        main(["--output", str(tmp_path), "--only", "nothing"])
    assert "no grid matches nothing; there are ner, ner-curve" in capsys.readouterr().err


@pytest.mark.slow
def test_a_grid_runs_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """In processes of its own, as people start it."""
    monkeypatch.setenv("ELMO_TASKS_CACHE", str(tmp_path / "cache"))
    grid = small(seeds=1, embedders=("random",))
    monkeypatch.setattr("tools.evidence.GRIDS", (grid,))
    assert main(["--output", str(tmp_path / "out")]) == 0
    (metrics,) = (tmp_path / "out/small/cells").glob("*/metrics.json")
    before = metrics.stat().st_mtime_ns
    assert (tmp_path / "out/small/benchmark.json").is_file()
    assert plan([grid], [], tmp_path / "out", tmp_path, None)[0].startswith("finished ")
    assert main(["--output", str(tmp_path / "out")]) == 0
    assert metrics.stat().st_mtime_ns == before
