"""What an experiment is made of: frozen dataclasses, read strictly from YAML and `--set key=value`."""

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
    """Epochs without a better dev score after which training stops, and after which the learning rate is halved."""

    stop: int
    rate: int


@dataclass(frozen=True)
class TrainingConfig:
    """`training:` in a configuration.

    Deviation: AllenNLP allows 75 epochs and waits 25; ours halves the rate after `rate_patience` epochs without a
    better dev score and stops after `patience`.

    optimizer: `adam`, or `adadelta` with a rate of 1 (AllenNLP's for semantic roles, rho 0.95).
    select: the score on dev by which the epoch is chosen, such as `macro_f1` or `per_type.PER.f1`; the task's headline
    if empty.
    fraction: per cent of the training sentences to use, drawn with the seed; dev and test stay whole.
    epochs: the most to train for.
    patience: epochs without a better dev score after which training stops.
    rate_patience: epochs without a better dev score after which the learning rate is halved.
    patience_updates: small data has few updates per epoch; both patiences are stretched in proportion, so that training
        stops after this many updates without a better dev score at the earliest. 0 counts epochs alone.
    batch_size: sentences per batch.
    min_updates: the least number of batches per epoch: small data gets smaller batches; 0 takes `batch_size` as it is.
    learning_rate: in the first epoch.
    final_rate: the share of the rate that is left in the last of `epochs`, falling in equal steps from 1.
    clip_norm: the largest norm of the gradient; 0 clips nothing.
    mix_l2: the weight of the L2 penalty on the weights of the embedders' layers.
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

    def rate_share(self, epoch: int) -> float:
        """What `final_rate` leaves of the rate in an epoch, counted from 0."""
        return 1.0 - (1.0 - self.final_rate) * epoch / max(1, self.epochs - 1)

    def batch_size_for(self, sentences: int) -> int:
        """`batch_size`, or less where that makes fewer than `min_updates` batches an epoch: small data learns too."""
        return max(1, min(self.batch_size, sentences // max(1, self.min_updates)))

    def patience_for(self, sentences: int) -> Patience:
        """The two patiences in epochs for training data of that size, see `patience_updates`."""
        updates = math.ceil(sentences / self.batch_size_for(sentences))
        stretch = max(1.0, self.patience_updates / (self.patience * max(1, updates)))
        return Patience(math.ceil(self.patience * stretch), math.ceil(self.rate_patience * stretch))


@dataclass(frozen=True)
class Experiment:
    """Everything that decides the outcome of a run.

    task: the name of a task, or the path of a `task.py`.
    data: a name of the catalog or a folder.
    embedders: names as `--embedders` takes them.
    seed: of everything random.
    embedder_settings: the settings of the embedders' providers, by section: `elmo:`, `glove:` and so on.
    model: `model:`, with the keys of the task's own settings.
    training: `training:`.
    """

    task: str = "ner"
    data: str = "sample"
    reading: ReadingConfig = field(default_factory=ReadingConfig)
    embedders: tuple[str, ...] = ("glove", "chars")
    seed: int = bounded(1, least=0, most=2**32 - 1)  # as numpy's generators take it
    embedder_settings: Mapping[str, Any] = sections(SECTIONS)
    model: dict[str, Any] = field(default_factory=dict)
    training: TrainingConfig = field(default_factory=TrainingConfig)


def load_experiment(
    files: Sequence[Path] = (),
    overrides: Mapping[str, Any] | None = None,
    settings: Sequence[str] = (),
    defaults: Mapping[str, Any] | None = None,
) -> Experiment:
    """Files win over `defaults`, later files over earlier ones, `overrides` over files, `settings`
    (`training.epochs=3`) over all.

    Raises:
        InputError: an unknown key or embedder (the nearest is named), a value of the wrong type, unreadable YAML.
    """
    return _read(_layers(files, overrides, settings, defaults))


def to_yaml(experiment: Experiment) -> str:
    """All keys with their values; `load_experiment` reads it back."""
    return yaml.safe_dump(to_dict(experiment), sort_keys=False, allow_unicode=True)


def resolve_experiment(
    task: str, config: Path | None = None, given: Mapping[str, Any] | None = None, settings: Sequence[str] = ()
) -> Experiment:
    """The whole experiment of a task: its own configuration, then `config`, then what is `given`, then `settings`.

    Raises:
        InputError: no such task or file, an unknown key or embedder, a value of the wrong type.
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
        raise InputError(f"--set task: the task is {task}, named on its own; give {experiment.task} there instead")
    others = [*dotted_keys(Experiment), *model]
    settings_of_model = from_mapping(recipe.settings, experiment.model, "model.", layers.places, others=others)
    return replace(experiment, model=to_dict(settings_of_model))


def settings_lines(settings: Mapping[str, Any] | None) -> list[str]:
    """A dictionary such as `{"training.epochs": 3}` as the lines of `--set`.

    Raises:
        InputError: not a dictionary, or a value that is no number, text or list.
    """
    if not isinstance(settings, (Mapping, type(None))):
        raise InputError(f"settings: expected a dictionary such as {{'training.epochs': 3}}, got {quoted(settings)}")
    # JSON is YAML: every value arrives as it is. Searches over arrays give numpy's numbers.
    return [f"{key}={json.dumps(value, default=_plain)}" for key, value in (settings or {}).items()]


def _plain(value: Any) -> Any:
    """A value of a setting for JSON: numpy's numbers and arrays as Python's. Raises InputError for anything else."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise InputError(f"settings: expected numbers, texts and lists, got {quoted(value)}")


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
