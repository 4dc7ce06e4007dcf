"""What an experiment is made of: frozen dataclasses, read strictly from YAML and `--set key=value`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.paths import config_path, recipe_root
from elmo_tasks.core.settings import bounded, from_mapping, merge, read_yaml
from elmo_tasks.data.reading import ReadingConfig
from elmo_tasks.task import load_task


@dataclass(frozen=True)
class ElmoConfig:
    """weights: a name, folder or file of a biLM; layers: `mix` or one layer's number; dropout on the mixed vectors;
    precision: `auto`, `exact` (float32), `fast` (bfloat16) or `int8`, in which the biLM's vectors are computed."""

    weights: str = "default"
    layers: str = "mix"
    layer_norm: bool = False
    dropout: float = bounded(0.0, least=0, below=1)
    precision: str = "auto"


@dataclass(frozen=True)
class GloveConfig:
    """path: a file of word vectors instead of GloVe 6B 50d; trainable: fine-tune the training data's words."""

    path: str | None = None
    trainable: bool = False


@dataclass(frozen=True)
class TransformerConfig:
    """A frozen Hugging Face encoder, `minilm` too. model: what `transformer` without a name is; pooling: a word is its
    `first` piece or the `mean` of them; layers, layer_norm, dropout: as for the biLM."""

    model: str = "minilm"
    pooling: str = "mean"
    layers: str = "mix"
    layer_norm: bool = False
    dropout: float = bounded(0.0, least=0, below=1)


@dataclass(frozen=True)
class CharsConfig:
    """The trainable char-CNN (AllenNLP's NER baseline: 16, 128, 3)."""

    dim: int = bounded(16, least=1)
    filters: int = bounded(128, least=1)
    width: int = bounded(3, least=1)


@dataclass(frozen=True)
class TrainingConfig:
    """Optimisation. Deviation: AllenNLP allows 75 epochs and waits 25; ours halves the rate after `rate_patience`
    epochs without a better dev score and stops after `patience`.

    optimizer: `adam`, or `adadelta` with a rate of 1 (AllenNLP's for semantic roles, rho 0.95); final_rate: the share
    of the rate that is left in the last of `epochs`, falling in equal steps from 1; fraction: per cent of the training
    sentences that are used, drawn with the seed; dev and test stay whole; clip_norm: of 0 clips nothing; min_updates: 0
    takes `batch_size` as it is."""

    optimizer: str = "adam"
    fraction: float = bounded(100.0, above=0, most=100)
    epochs: int = bounded(30, least=1)
    patience: int = bounded(6, least=1)
    rate_patience: int = bounded(2, least=1)
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


@dataclass(frozen=True)
class Experiment:
    """Everything that decides the outcome of a run. `model` has the keys of the task's own `Settings`."""

    task: str = "ner"
    data: str = "sample"
    reading: ReadingConfig = field(default_factory=ReadingConfig)
    embedders: tuple[str, ...] = ("glove", "chars")
    seed: int = bounded(1, least=0, most=2**32 - 1)  # as numpy's generators take it
    elmo: ElmoConfig = field(default_factory=ElmoConfig)
    glove: GloveConfig = field(default_factory=GloveConfig)
    transformer: TransformerConfig = field(default_factory=TransformerConfig)
    chars: CharsConfig = field(default_factory=CharsConfig)
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
        InputError: an unknown key (the nearest is named), a value of the wrong type, unreadable YAML.
    """
    values: dict[str, Any] = dict(defaults or {})
    for path in files:
        merge(values, read_yaml(path))
    merge(values, dict(overrides or {}))
    for setting in settings:
        key, sign, text = setting.partition("=")
        if not sign:
            raise InputError(f"--set: expected key=value such as training.epochs=3, got {setting!r}")
        try:
            nested: Any = yaml.safe_load(text)
        except yaml.YAMLError:
            raise InputError(f"--set {key}: expected a YAML value, got {text!r}") from None
        for part in reversed(key.split(".")):
            nested = {part: nested}
        merge(values, nested)
    experiment: Experiment = from_mapping(Experiment, values)
    return experiment


def to_yaml(experiment: Experiment) -> str:
    """All keys with their values; `load_experiment` reads it back."""
    plain = dataclasses.asdict(experiment) | {"embedders": list(experiment.embedders)}
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)


def resolve_experiment(
    task: str, config: Path | None = None, given: Mapping[str, Any] | None = None, settings: Sequence[str] = ()
) -> Experiment:
    """The whole experiment of a task: its own configuration, then `config`, then what is `given`, then `settings`.

    Raises:
        InputError: no such task or file, an unknown key, a value of the wrong type.
    """
    recipe = load_task(task)
    own = recipe_root("configs") / f"{recipe.name}.yaml"
    files = [own] if own.exists() else []
    if config is not None:
        files.append(config_path(config))
    experiment = load_experiment(
        files, {**(given or {}), "task": task}, settings, defaults={"data": recipe.default_data}
    )
    return replace(experiment, model=asdict(recipe.model_settings(experiment.model)))
