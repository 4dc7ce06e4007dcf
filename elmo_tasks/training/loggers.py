"""`train --logger`: log loss, dev score and learning rate of each epoch with Lightning's loggers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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
        if name != "csv" and not _is_installed(name):
            raise InputError(f"--logger {name}: {name} is not installed; run pip install 'elmo-tasks[{name}]'")


def build_loggers(names: Sequence[str], experiment: Experiment, folder: Path, run: str) -> list[Logger]:
    """Make loggers and record all settings of the run in each.

    csv writes `logs/csv/version_N/metrics.csv` in `folder`, with a new version whenever the run is resumed; tensorboard
    writes `logs/tensorboard`. wandb and mlflow use the project `elmo-tasks` and the run name `run`, with a new run
    whenever the training is resumed; their own settings determine where they write (`WANDB_MODE=offline`, `WANDB_DIR`,
    `MLFLOW_TRACKING_URI`), by default the current folder or a server that the user has logged in to.

    Raises:
        InputError: a logger cannot be started, for example because nobody has logged in.
    """
    from lightning.fabric.plugins.environments.lightning import LightningEnvironment
    from lightning.pytorch.loggers import CSVLogger, MLFlowLogger, TensorBoardLogger, WandbLogger

    def mlflow() -> Logger:
        # Lightning's default is a folder, which MLflow 3 refuses; MLflow has a default of its own.
        from mlflow import get_tracking_uri

        return MLFlowLogger(experiment_name=_PROJECT, run_name=run, tracking_uri=get_tracking_uri())

    make: dict[str, Callable[[], Logger]] = {
        "csv": lambda: CSVLogger(folder / LOGS, name="csv"),
        "tensorboard": lambda: TensorBoardLogger(folder / LOGS, "tensorboard", version="", default_hp_metric=False),
        # Not in `folder`, which is renamed at the end, so that W&B would name a folder to upload that is not there.
        "wandb": lambda: WandbLogger(name=run, project=_PROJECT, save_dir=None),  # type: ignore[arg-type]
        "mlflow": mlflow,
    }
    LightningEnvironment().set_global_rank(0)  # loggers write nothing in the other tasks of SLURM, but each has a run
    loggers: list[Logger] = []
    for name in names:
        try:
            logger = make[name]()
            logger.log_hyperparams(flat(to_dict(experiment)))
            loggers.append(logger)
        except Exception as error:  # of the packages of others
            _finish(loggers, exit_code=1)
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
            raise InputError(
                f"--logger {name}: cannot be started ({reason}); change the settings of {name}, or leave the logger out"
            ) from None
    return loggers


@contextmanager
def finishing(loggers: Sequence[Logger]) -> Iterator[None]:
    """End the run of W&B after the block, as failed if that raises; else the next training here would continue it."""
    exit_code = 1
    try:
        yield
        exit_code = 0
    finally:
        _finish(loggers, exit_code)


def _finish(loggers: Sequence[Logger], exit_code: int) -> None:
    from lightning.pytorch.loggers import WandbLogger

    for logger in loggers:
        if isinstance(logger, WandbLogger):
            logger.experiment.finish(exit_code)


def _is_installed(name: str) -> bool:
    """Whether a package can be imported; a folder of that name, as `wandb` makes one, is not a package."""
    found = find_spec(name)
    return found is not None and found.origin is not None
