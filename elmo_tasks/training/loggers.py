"""`train --logger`: log loss, dev score and learning rate of each epoch with Lightning's loggers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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


def check_loggers(names: Sequence[str]) -> None:
    """Raises InputError for an unknown logger, one given twice, or one whose package is not installed."""
    for place, name in enumerate(names):
        if name not in LOGGERS:
            raise InputError(f"--logger: unknown logger {name!r}; choose {', '.join(LOGGERS[:-1])} or {LOGGERS[-1]}")
        if name in names[:place]:
            raise InputError(f"--logger: {name} is given twice; give each logger once")
        if name != "csv" and find_spec(name) is None:
            raise InputError(f"--logger {name}: {name} is not installed; run pip install 'elmo-tasks[{name}]'")


def build_loggers(names: Sequence[str], experiment: Experiment, folder: Path, run: str) -> list[Logger]:
    """Make loggers and record all settings of the run in each.

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
    loggers = [make[name]() for name in names]
    for logger in loggers:
        logger.log_hyperparams(flat(to_dict(experiment)))
    return loggers
