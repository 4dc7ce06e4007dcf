"""`train --logger`: log loss, dev score and learning rate of each epoch with Lightning's loggers."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.settings import flat, to_dict
from elmo_tasks.runs.experiment import Experiment

if TYPE_CHECKING:
    from lightning.pytorch.loggers import Logger

LOGGERS = ("csv", "tensorboard", "wandb", "mlflow")
LOGS = "logs"
"""The subfolder of a run that `csv` and `tensorboard` write to."""
_PROJECT = "elmo-tasks"


def check_logger(name: str | None) -> None:
    """Raises InputError for an unknown logger, or one whose package is not installed."""
    if name is None:
        return
    if name not in LOGGERS:
        raise InputError(f"--logger: unknown logger {name!r}; choose {', '.join(LOGGERS[:-1])} or {LOGGERS[-1]}")
    if name != "csv" and find_spec(name) is None:
        raise InputError(f"--logger {name}: {name} is not installed; run pip install 'elmo-tasks[{name}]'")


def build_logger(name: str, experiment: Experiment, folder: Path, run: str) -> Logger:
    """Make a logger and record all settings of the run.

    csv writes `logs/csv/version_N/metrics.csv` in `folder`, with a new version whenever the run is resumed; tensorboard
    writes `logs/tensorboard`. wandb and mlflow use the project `elmo-tasks` and the run name `run`; their environment
    variables determine where they write (`WANDB_MODE=offline`, `MLFLOW_TRACKING_URI`).
    """
    from lightning.pytorch.loggers import CSVLogger, MLFlowLogger, TensorBoardLogger, WandbLogger

    make: dict[str, Callable[[], Logger]] = {
        "csv": lambda: CSVLogger(folder / LOGS, name="csv"),
        "tensorboard": lambda: TensorBoardLogger(folder / LOGS, "tensorboard", version="", default_hp_metric=False),
        "wandb": lambda: WandbLogger(name=run, project=_PROJECT, save_dir=folder),
        "mlflow": lambda: MLFlowLogger(experiment_name=_PROJECT, run_name=run),
    }
    logger = make[name]()
    logger.log_hyperparams(flat(to_dict(experiment)))
    return logger
