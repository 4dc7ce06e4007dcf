"""`train --logger`: the logged values, and errors reported before training begins."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.runs.experiment import resolve_experiment
from elmo_tasks.training.loggers import build_loggers, check_loggers
from elmo_tasks.training.train import FinishedRun, train

ROWS = "Ada B-PER\nlives O\nin O\nRome B-LOC\n. O\n\n"


def trained(folder: Path, *loggers: str) -> FinishedRun:
    data = folder / "data"
    data.mkdir(exist_ok=True)
    for split in ("train", "dev", "test"):
        (data / f"{split}.txt").write_text(ROWS * 4)
    settings = ["training.epochs=2", "model.hidden=4"]
    experiment = resolve_experiment("ner", None, {"data": str(data), "embedders": ["random"]}, settings)
    return train(experiment, folder / f"run-{'-'.join(loggers)}", loggers=loggers, tell=lambda line: None)


def test_csv_has_the_figures_of_epochs_csv(tmp_path: Path) -> None:
    run = trained(tmp_path, "csv")
    place = run.folder / "logs" / "csv" / "version_0"
    with (place / "metrics.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["dev"]]
    assert "choice" not in rows[0] and len(rows) == len(run.history) == 2
    for row, epoch in zip(rows, run.history, strict=True):
        assert float(row["dev"]) == pytest.approx(epoch["dev"]) and float(row["rate"]) == pytest.approx(epoch["rate"])
    assert "training.epochs: 2" in (place / "hparams.yaml").read_text()
    assert run.history[0]["loss"] == trained(tmp_path).history[0]["loss"]  # a logger changes no training


def test_tensorboard_has_the_same(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = trained(tmp_path, "tensorboard")
    events = EventAccumulator(str(run.folder / "logs" / "tensorboard"))
    events.Reload()
    for name in ("loss", "dev", "rate"):
        assert [event.value for event in events.Scalars(name)] == pytest.approx([row[name] for row in run.history])


@pytest.mark.parametrize("name", ["tensorboard", "wandb", "mlflow"])
def test_a_missing_logger_is_refused_before_anything_else(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("elmo_tasks.training.loggers.find_spec", lambda name: None)
    said = rf"--logger {name}: {name} is not installed; run pip install 'elmo-tasks\[{name}\]'"
    with pytest.raises(InputError, match=said):
        trained(tmp_path, name)
    assert not (tmp_path / f"run-{name}").exists()


def test_an_unknown_logger() -> None:
    with pytest.raises(InputError, match="--logger: unknown logger 'xml'; choose csv, tensorboard, wandb or mlflow"):
        check_loggers(["csv", "xml"])


def test_a_logger_given_twice() -> None:
    with pytest.raises(InputError, match="--logger: csv is given twice; give each logger once"):
        check_loggers(["csv", "csv"])


def test_several_loggers_have_the_same_figures(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = trained(tmp_path, "csv", "tensorboard")
    events = EventAccumulator(str(run.folder / "logs" / "tensorboard"))
    events.Reload()
    with (run.folder / "logs" / "csv" / "version_0" / "metrics.csv").open() as file:
        scores = [float(row["dev"]) for row in csv.DictReader(file) if row["dev"]]
    assert [event.value for event in events.Scalars("dev")] == pytest.approx(scores)
    assert scores == pytest.approx([row["dev"] for row in run.history])


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("wandb", {"name": "run", "project": "elmo-tasks"}),
        ("mlflow", {"experiment_name": "elmo-tasks", "run_name": "run"}),
    ],
)
def test_loggers_of_other_packages(name: str, made: dict[str, str], tmp_path: Path) -> None:
    """Which of Lightning's loggers is made, with which names; the packages need not be installed."""
    from lightning.pytorch import loggers as lightning_loggers

    given: dict[str, object] = {}
    settings: dict[str, object] = {}

    class Recorder:
        def __init__(self, **values: object) -> None:
            given.update(values)

        def log_hyperparams(self, values: dict[str, object]) -> None:
            settings.update(values)

    experiment = resolve_experiment("ner", None, {}, ["training.epochs=7"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lightning_loggers, {"wandb": "WandbLogger", "mlflow": "MLFlowLogger"}[name], Recorder)
        (logger,) = build_loggers([name], experiment, tmp_path, "run")
    assert isinstance(logger, Recorder) and given.items() >= made.items()
    assert settings["training.epochs"] == 7
