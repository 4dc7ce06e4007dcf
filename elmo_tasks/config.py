"""What an experiment is made of: frozen dataclasses, read strictly from YAML and `--set key=value`."""

from __future__ import annotations

import dataclasses
import difflib
import math
import operator
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from elmo_tasks.errors import InputError

_BOUNDS = {
    "least": (operator.ge, "of {} or more"),
    "above": (operator.gt, "above {}"),
    "most": (operator.le, "up to {}"),
    "below": (operator.lt, "below {}"),
}


def bounded(default: float, **bounds: float) -> Any:
    """A field of a configuration that is a finite number: `least`, `above`, `most` and `below` say which.

    The default is not checked, and a value only where it is read: by `from_mapping`, so from files and `--set`.
    """
    assert bounds.keys() <= _BOUNDS.keys()
    return field(default=default, metadata={"bounds": bounds})


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
        _merge(values, _read_yaml(path))
    _merge(values, dict(overrides or {}))
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
        _merge(values, nested)
    experiment: Experiment = from_mapping(Experiment, values)
    return experiment


def to_yaml(experiment: Experiment) -> str:
    """All keys with their values; `load_experiment` reads it back."""
    plain = dataclasses.asdict(experiment) | {"embedders": list(experiment.embedders)}
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)


def flat(values: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    """Nested values by the key that `--set` has for them, such as `training.epochs`."""
    made: dict[str, Any] = {}
    for key, value in values.items():
        made |= flat(value, f"{where}{key}.") if isinstance(value, Mapping) else {f"{where}{key}": value}
    return made


def from_mapping(kind: type[Any], values: Mapping[str, Any], where: str = "") -> Any:
    """Build a dataclass from nested mappings: every key known, every value of its type and within its bounds.

    Raises:
        InputError: one of them is not.
    """
    hints = typing.get_type_hints(kind)
    bounds = {entry.name: entry.metadata.get("bounds", {}) for entry in dataclasses.fields(kind)}
    made: dict[str, Any] = {}
    for key, value in values.items():
        full = f"{where}{key}"
        if key not in hints:
            close = difflib.get_close_matches(str(key), hints, n=1)
            guess = f"; did you mean {where}{close[0]}?" if close else ""
            raise InputError(f"unknown configuration key {full!r}: expected one of {', '.join(hints)}{guess}")
        hint = hints[key]
        if dataclasses.is_dataclass(hint):
            if not isinstance(value, Mapping):
                raise InputError(f"{full}: expected keys below it, got {value!r}")
            made[key] = from_mapping(typing.cast("type[Any]", hint), value, f"{full}.")
        elif hint == dict[str, Any]:
            if not isinstance(value, Mapping):
                raise InputError(f"{full}: expected keys below it, got {value!r}")
            made[key] = dict(value)
        else:
            made[key] = _coerce(full, value, hint)
            _check_bounds(full, made[key], bounds[key])
    return kind(**made)


def _coerce(name: str, value: Any, hint: Any) -> Any:
    if hint == tuple[str, ...]:
        if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
            return tuple(value)
        raise InputError(f"{name}: expected a list of names, got {value!r}")
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if value is None and type(None) in kinds:
        return None
    if bool in kinds and isinstance(value, bool):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if int in kinds and value % 1 == 0:  # of infinity it is not a number
            return int(value)
        if float in kinds:
            return float(value)
        if str in kinds:
            return str(value)
    if float in kinds and isinstance(value, str):  # YAML 1.1 reads 1e-3 as text
        try:
            return float(value)
        except ValueError:
            pass
    if str in kinds and isinstance(value, str):
        return value
    expected = " or ".join("null" if kind is type(None) else kind.__name__ for kind in kinds)
    raise InputError(f"{name}: expected {expected}, got {value!r}")


def _check_bounds(name: str, value: Any, bounds: Mapping[str, float]) -> None:
    if bounds and not (abs(value) < math.inf and all(_BOUNDS[key][0](value, limit) for key, limit in bounds.items())):
        kind = "a whole number" if isinstance(value, int) else "a number"
        range_ = " and ".join(_BOUNDS[key][1].format(limit) for key, limit in bounds.items())
        raise InputError(f"{name}: expected {kind} {range_}, got {value}")


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such configuration file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as a configuration ({error})") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise InputError(f"{path}{line}: expected YAML ({getattr(error, 'problem', error)})") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise InputError(f"{path}: expected keys and values, got {type(values).__name__}")
    return values


def _merge(into: dict[str, Any], values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = dict(value) if isinstance(value, Mapping) else value
