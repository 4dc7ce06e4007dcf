"""`train --logger`: the logged values, and errors reported before training begins."""

from __future__ import annotations

import csv
import os
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
from lightning.pytorch import loggers as lightning_loggers
from lightning.pytorch.utilities import rank_zero_only

from elmo_tasks.core.errors import InputError
from elmo_tasks.runs.experiment import Experiment, resolve_experiment
from elmo_tasks.training.loggers import _is_installed, build_loggers, check_loggers, finishing
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


def test_a_task_of_slurm_trains_and_logs_like_any_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the number of tasks is not that of Lightning's devices, and where this is not the first of them."""
    monkeypatch.setattr(rank_zero_only, "rank", 3)  # as at the import of Lightning in task 3
    for name, value in {"NTASKS": "4", "NNODES": "2", "PROCID": "3", "LOCALID": "1", "NODEID": "1"}.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    monkeypatch.setenv("SLURM_JOB_NAME", "train")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "srun").touch(mode=0o755)  # Lightning warns where it finds this and is not started by it
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    run = trained(tmp_path, "csv", "tensorboard")
    assert "loss" in (run.folder / "logs" / "csv" / "version_0" / "metrics.csv").read_text()
    assert list((run.folder / "logs" / "tensorboard").glob("events.*"))
    for name in ("NTASKS", "PROCID", "JOB_NAME"):
        monkeypatch.delenv(f"SLURM_{name}")
    trained(tmp_path, "csv")


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


class Stand:
    """Stands in for a logger of a package that need not be installed."""

    def __init__(self, **values: object) -> None:
        self.values = values
        self.settings: dict[str, object] = {}
        self.ended: list[int] = []
        self.experiment = SimpleNamespace(finish=self.ended.append)

    def log_hyperparams(self, values: dict[str, object]) -> None:
        self.settings.update(values)


class Refused(Stand):
    def log_hyperparams(self, values: dict[str, object]) -> None:
        raise ValueError("nobody has logged in\nsecond line")


@pytest.fixture
def experiment() -> Experiment:
    return resolve_experiment("ner", None, {}, ["training.epochs=7"])


def test_wandb(experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its files are not in the folder of the run, which is renamed; its run ends with the training."""
    monkeypatch.setattr(lightning_loggers, "WandbLogger", Stand)
    for wrong in (False, True):
        (logger,) = build_loggers(["wandb"], experiment, tmp_path, "run")
        assert isinstance(logger, Stand) and logger.settings["training.epochs"] == 7
        assert logger.values == {"name": "run", "project": "elmo-tasks", "save_dir": None}
        with pytest.raises(KeyboardInterrupt) if wrong else nullcontext(), finishing([logger]):
            if wrong:
                raise KeyboardInterrupt
        assert logger.ended == [int(wrong)]


def test_mlflow(experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It writes where MLflow says, which is no longer Lightning's default."""
    monkeypatch.setattr(lightning_loggers, "MLFlowLogger", Stand)
    monkeypatch.setitem(sys.modules, "mlflow", SimpleNamespace(get_tracking_uri=lambda: "sqlite:///here"))
    (logger,) = build_loggers(["mlflow"], experiment, tmp_path, "run")
    assert isinstance(logger, Stand) and logger.settings["training.epochs"] == 7
    assert logger.values == {"experiment_name": "elmo-tasks", "run_name": "run", "tracking_uri": "sqlite:///here"}
    with finishing([logger]):
        pass
    assert logger.ended == []


def test_a_logger_that_cannot_be_started(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first of two has begun a run, which ends as failed."""
    begun: list[Stand] = []

    monkeypatch.setattr(lightning_loggers, "WandbLogger", Stand)
    monkeypatch.setattr(lightning_loggers, "MLFlowLogger", Refused)
    monkeypatch.setattr(Stand, "__new__", lambda cls, **_: begun.append(object.__new__(cls)) or begun[-1])
    monkeypatch.setitem(sys.modules, "mlflow", SimpleNamespace(get_tracking_uri=lambda: "http://nowhere"))
    said = (
        r"--logger mlflow: cannot be started \(nobody has logged in\); change the settings of mlflow, or leave the log"
    )
    with pytest.raises(InputError, match=said):
        build_loggers(["wandb", "mlflow"], experiment, tmp_path, "run")
    assert [(type(logger), logger.ended) for logger in begun] == [(Stand, [1]), (Refused, [])]


def test_a_folder_is_not_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """W&B makes a folder `wandb` in the current one."""
    (tmp_path / "folder_of_a_logger").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert (
        not _is_installed("folder_of_a_logger") and not _is_installed("no_such_logger") and _is_installed("lightning")
    )
