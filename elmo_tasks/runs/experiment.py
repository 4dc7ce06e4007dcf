"""The settings of an experiment: frozen dataclasses, read from YAML and `--set key=value` with strict checks."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import yaml

from elmo_tasks.core.errors import InputError, quoted
from elmo_tasks.core.paths import config_path, recipe_root
from elmo_tasks.core.settings import Layers, bounded, dotted_keys, from_mapping, sections, to_dict
from elmo_tasks.data.reading import ReadingConfig
from elmo_tasks.embedders.registry import SECTIONS, check_names
from elmo_tasks.task import load_task


class Patience(NamedTuple):
    """Numbers of epochs without a better dev score: to stop training, and to halve the learning rate."""

    stop: int
    rate: int


@dataclass(frozen=True)
class TrainingConfig:
    """`training:` in a configuration.

    Deviation: AllenNLP trains for at most 75 epochs with a patience of 25; here the learning rate is halved after
    `rate_patience` epochs without a better dev score, and training stops after `patience`.

    optimizer: `adam`, or `adadelta` with a learning rate of 1 (AllenNLP's for semantic roles, rho 0.95).
    select: the dev score that selects the best epoch, such as `macro_f1` or `per_type.PER.f1`; the task's headline if
    empty.
    fraction: per cent of the training sentences to use, drawn with the seed; dev and test are not reduced.
    epochs: maximum number of epochs.
    patience: epochs without a better dev score after which training stops.
    rate_patience: epochs without a better dev score after which the learning rate is halved.
    patience_updates: small data has few updates per epoch; both patiences are stretched in proportion, so that training
        stops at the earliest after this many updates without a better dev score. 0 means that only epochs count.
    batch_size: sentences per batch.
    min_updates: minimum number of batches per epoch; small data gets smaller batches; 0 always uses `batch_size`.
    learning_rate: learning rate of the first epoch.
    final_rate: the fraction of the learning rate in the last of `epochs`, reached linearly from 1.
    clip_norm: maximum norm of the gradient; 0 means no clipping.
    mix_l2: weight of the L2 penalty on the layer weights of the embedders.
    precision: precision of the matrix products of BiLSTMs while they are trained on a CPU; `auto` is bf16 if the CPU
        supports it. Weights, sums and predictions are always float32.
    """

    optimizer: Literal["adam", "adadelta"] = "adam"
    select: str = ""
    fraction: float = bounded(100.0, above=0, most=100)
    epochs: int = bounded(30, least=1)
    patience: int = bounded(6, least=1)
    rate_patience: int = bounded(2, least=1)
    patience_updates: int = bounded(500, least=0)
    batch_size: int = bounded(64, least=1)
    min_updates: int = bounded(40, least=0)
    learning_rate: float = bounded(1e-3, above=0)
    final_rate: float = bounded(1.0, least=0, most=1)
    clip_norm: float = bounded(5.0, least=0)
    mix_l2: float = bounded(0.1, least=0)
    precision: Literal["auto", "bf16", "32"] = "auto"

    def rate_share(self, epoch: int) -> float:
        """The fraction of the learning rate in an epoch (from 0), according to `final_rate`."""
        return 1.0 - (1.0 - self.final_rate) * epoch / max(1, self.epochs - 1)

    def batch_size_for(self, sentences: int) -> int:
        """`batch_size`, or less if it would make fewer than `min_updates` batches per epoch."""
        return max(1, min(self.batch_size, sentences // max(1, self.min_updates)))

    def patience_for(self, sentences: int) -> Patience:
        """Both patiences in epochs for training data of this size, see `patience_updates`."""
        updates = math.ceil(sentences / self.batch_size_for(sentences))
        stretch = max(1.0, self.patience_updates / (self.patience * max(1, updates)))
        return Patience(math.ceil(self.patience * stretch), math.ceil(self.rate_patience * stretch))


@dataclass(frozen=True)
class Experiment:
    """Everything that determines the outcome of a run.

    task: the name of a task, or the path of a `task.py`.
    data: a catalog name or a folder.
    embedders: names as for `--embedders`.
    seed: the random seed.
    embedder_settings: settings of the embedders' providers, by section: `elmo:`, `glove:` and so on.
    model: the section `model:`, with the keys of the task's settings.
    training: the section `training:`.
    """

    task: str = "ner"
    data: str = "sample"
    reading: ReadingConfig = field(default_factory=ReadingConfig)
    embedders: tuple[str, ...] = ("glove", "chars")
    seed: int = bounded(1, least=0, most=2**32 - 1)  # the range of numpy's generators
    embedder_settings: Mapping[str, Any] = sections(SECTIONS)
    model: dict[str, Any] = field(default_factory=dict)
    training: TrainingConfig = field(default_factory=TrainingConfig)


def load_experiment(
    files: Sequence[Path] = (),
    overrides: Mapping[str, Any] | None = None,
    settings: Sequence[str] = (),
    defaults: Mapping[str, Any] | None = None,
) -> Experiment:
    """Load an experiment from layers of settings.

    Files take precedence over `defaults`, later files over earlier ones, `overrides` over files, and `settings`
    (`training.epochs=3`) over everything.

    Raises:
        InputError: a key or embedder is unknown (the message suggests the nearest), a value has the wrong type, or the
            YAML cannot be read.
    """
    return _read(_layers(files, overrides, settings, defaults))


def recorded_beside(folder: Path, experiment: Experiment) -> tuple[Experiment, Experiment]:
    """The experiment recorded in a run folder and the given one, to be compared.

    If both are of one task, all settings of its model are there, also those that are newer than the record. Otherwise
    they differ anyway, and the recorded task, which may be a file, is not executed.

    Raises:
        InputError: `config.yaml` is missing or damaged, or a key or value under `model:` is wrong.
    """
    recorded = load_experiment([folder / "config.yaml"])
    if recorded.task != experiment.task:
        return recorded, experiment
    task = load_task(experiment.task)
    first, second = (replace(each, model=to_dict(task.model_settings(each.model))) for each in (recorded, experiment))
    return first, second


def to_yaml(experiment: Experiment) -> str:
    """Write all keys with their values as YAML, for `load_experiment`."""
    return yaml.safe_dump(to_dict(experiment), sort_keys=False, allow_unicode=True)


def resolve_experiment(
    task: str, config: Path | None = None, given: Mapping[str, Any] | None = None, settings: Sequence[str] = ()
) -> Experiment:
    """Resolve the experiment of a task: its own configuration, then `config`, then `given`, then `settings`.

    Raises:
        InputError: a task or file does not exist, a key or embedder is unknown, or a value has the wrong type.
    """
    recipe = load_task(task)
    own = recipe_root("configs") / f"{recipe.name}.yaml"
    files = [own] if own.exists() else []
    if config is not None:
        files.append(config_path(config))
    layers = _layers(files, {**(given or {}), "task": task}, settings, {"data": recipe.default_data})
    model = dotted_keys(recipe.settings, "model.")
    experiment = _read(layers, model)
    if experiment.task != task:
        raise InputError(f"--set task: the task is already given as {task}; write {experiment.task} there instead")
    others = [*dotted_keys(Experiment), *model]
    settings_of_model = from_mapping(recipe.settings, experiment.model, "model.", layers.places, others=others)
    return replace(experiment, model=to_dict(settings_of_model))


def settings_lines(settings: Mapping[str, Any] | None) -> list[str]:
    """Convert a dictionary such as `{"training.epochs": 3}` to lines for `--set`.

    Raises:
        InputError: it is not a dictionary, or a value is not a number, text or list.
    """
    if not isinstance(settings, (Mapping, type(None))):
        raise InputError(f"settings must be a dictionary such as {{'training.epochs': 3}}, not {quoted(settings)}")
    # JSON is YAML, so every value arrives unchanged. Parameter searches pass numpy numbers.
    return [f"{key}={json.dumps(value, default=_plain)}" for key, value in (settings or {}).items()]


def _plain(value: Any) -> Any:
    """Convert numpy numbers and arrays in a setting to Python objects. Raises InputError for anything else."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise InputError(f"settings: values must be numbers, texts or lists, not {quoted(value)}")


def _layers(
    files: Sequence[Path],
    overrides: Mapping[str, Any] | None,
    settings: Sequence[str],
    defaults: Mapping[str, Any] | None,
) -> Layers:
    layers = Layers(defaults)
    for path in files:
        layers.add_file(path)
    layers.add(overrides or {})
    layers.add_set(settings)
    return layers


def _read(layers: Layers, others: Sequence[str] = ()) -> Experiment:
    experiment = layers.read(Experiment, others)
    check_names(experiment.embedders)
    return experiment
