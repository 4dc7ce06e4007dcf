"""The options of a pre-training run: bilm-tf's `options.json` keys as its users write them, and a few of ours."""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.paths import config_path
from elmo_tasks.elmo.options import BilmOptions
from elmo_tasks.pretraining.corpus import SPECIALS

# Keys of bilm-tf that need no field: the architecture is read by BilmOptions, tokens are counted here (bilm-tf plans
# 1.5 million batches for 1,200 sentences when n_train_tokens is left at its default, its issue 234).
_COUNTS = (
    "batch_size",
    "unroll_steps",
    "n_negative_samples_batch",
    "n_tokens_vocab",
    "min_count",
    "accumulate",
    "checkpoint_windows",
    "heldout_windows",
)
_ONLY = {
    "bidirectional": (True, "ELMo reads both ways"),
    "sample_softmax": (True, "training samples words; `pretrain eval` computes the full softmax"),
    "share_embedding_softmax": (False, "the input is characters, which share nothing with the softmax's words"),
}
"""Keys of bilm-tf that have one value here, and why."""
_ELSEWHERE = ("lstm", "char_cnn", "n_train_tokens", *_ONLY)
_RANGES: dict[str, tuple[Callable[[float], bool], str]] = {
    "dropout": (lambda value: 0 <= value < 1, "at least 0 and less than 1"),
    "all_clip_norm_val": (lambda value: value > 0, "more than 0"),
    "n_epochs": (lambda value: 0 < value < math.inf, "more than 0"),
    "n_tokens_vocab": (lambda value: value > len(SPECIALS), f"more than {len(SPECIALS)}, which the specials are"),
    "learning_rate": (lambda value: 0 < value < math.inf, "a finite number above 0"),
    "warmup": (lambda value: value >= 0, "0 or more"),
    "decay": (lambda value: 0 <= value <= 1, "0 to 1"),
    "checkpoint_minutes": (lambda value: value >= 0, "0 or more"),
    "seed": (lambda value: 0 <= value < 1 << 32, "0 to 4294967295"),
}


@dataclass(frozen=True)
class PretrainConfig:
    """Fields named as in bilm-tf, with its defaults: dropout, batch_size (streams of all processes together; bilm-tf
    counts those of one GPU), unroll_steps, n_negative_samples_batch, all_clip_norm_val, n_epochs (also 0.5),
    n_tokens_vocab (most words of the softmax; none: all).

    Ours: min_count (a word of the softmax occurs at least so often), optimizer (adagrad as bilm-tf, or adamw),
    fresh_sentences (the state is zero where a sentence begins, as it is in use; bilm-tf carries it on), learning_rate,
    warmup (windows), decay (last share of the run, in which the rate falls to 0), accumulate (windows an update),
    precision (bf16 or 32), compile (fuse element-wise parts by torch.compile), checkpoint_minutes and
    checkpoint_windows (none: by time alone), heldout_windows (between two held-out perplexities), seed.
    """

    bilm: BilmOptions = field(default_factory=BilmOptions)
    dropout: float = 0.1
    fresh_sentences: bool = False
    batch_size: int = 128
    unroll_steps: int = 20
    n_negative_samples_batch: int = 8192
    all_clip_norm_val: float = 10.0
    n_epochs: float = 10
    n_tokens_vocab: int | None = None
    min_count: int = 1
    optimizer: str = "adagrad"
    learning_rate: float = 0.2
    warmup: int = 0
    decay: float = 0.0
    accumulate: int = 1
    precision: str = "bf16"
    compile: bool = False
    checkpoint_minutes: float = 10.0
    checkpoint_windows: int | None = None
    heldout_windows: int = 2000
    seed: int = 1

    def __post_init__(self) -> None:
        if self.precision not in ("bf16", "32"):
            raise InputError(f"precision: expected bf16 or 32, got {self.precision!r}")
        if self.optimizer not in ("adagrad", "adamw"):
            raise InputError(f"optimizer: expected adagrad or adamw, got {self.optimizer!r}")
        for name in _COUNTS:
            if (value := getattr(self, name)) is not None and value < 1:
                raise InputError(f"{name}: expected at least 1, got {value}")
        for name, (fits, expected) in _RANGES.items():
            if (value := getattr(self, name)) is not None and not fits(value):
                raise InputError(f"{name}: expected {expected}, got {value}")


def load_pretrain_config(path: Path, settings: Sequence[str] = ()) -> PretrainConfig:
    """Read YAML or JSON, then `--set key=value` on top.

    Raises:
        InputError: no such file, an unknown key (the nearest is named), a value of the wrong type or out of its range,
            or one that bilm-tf knows and this does not, such as `bidirectional: false`, which makes no ELMo.
    """
    path = config_path(path)
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path}: expected YAML or JSON ({str(error).splitlines()[0]})") from None
    if not isinstance(values, dict):
        raise InputError(f"{path}: expected the keys of bilm-tf's options, got {type(values).__name__}")
    for setting in settings:
        key, sign, text = setting.partition("=")
        if not sign:
            raise InputError(f"--set: expected key=value, got {setting!r}")
        target, *parts = values, *key.split(".")
        for depth, part in enumerate(parts[:-1], 1):
            target = target.setdefault(part, {})
            if not isinstance(target, dict):
                raise InputError(f"--set {key}: expected keys below {'.'.join(parts[:depth])}, got {target!r} there")
        try:
            target[parts[-1]] = yaml.safe_load(text)
        except yaml.YAMLError:
            raise InputError(f"--set {key}: expected a YAML value, got {text!r}") from None
    return from_options(values, str(path))


def from_options(values: Mapping[str, Any], source: str) -> PretrainConfig:
    """The config that nested options mean."""
    known = {entry.name: entry for entry in dataclasses.fields(PretrainConfig) if entry.name != "bilm"}
    made: dict[str, Any] = {}
    for key, value in values.items():
        if key in _ELSEWHERE:
            continue
        if key not in known:
            raise InputError(_unknown(source, str(key), [*known, *_ELSEWHERE]))
        made[key] = _coerce(f"{source}: {key}", value, str(known[key].type))
    for key, (only, why) in _ONLY.items():
        if values.get(key, only) is not only:
            raise InputError(f"{source}: expected {key}: {str(only).lower()}, got {values[key]!r}; {why}")
    architecture = {key: values[key] for key in ("lstm", "char_cnn") if key in values}
    return PretrainConfig(bilm=_architecture(architecture, source), **made)


def _architecture(given: Mapping[str, Any], source: str) -> BilmOptions:
    """The biLM's options. Strict, unlike the reading of a biLM that is there: what is misspelt here is trained."""
    template = BilmOptions().to_dict()
    _check_keys(given, template, source)
    options = BilmOptions.from_dict(given, source)
    read = options.to_dict()
    if given["char_cnn"].get("n_characters", 261) not in (261, 262):
        raise InputError(
            f"{source}: char_cnn.n_characters: expected 261, or 262 with the padding, got "
            f"{given['char_cnn']['n_characters']!r}"
        )
    read["char_cnn"].pop("n_characters")
    _check_values(given, read, source)
    return options


def _check_keys(given: Mapping[str, Any], known: Mapping[str, Any], source: str, where: str = "") -> None:
    """Raise InputError for a key that the architecture does not have."""
    for key, value in given.items():
        if key not in known:
            raise InputError(_unknown(source, f"{where}{key}", [where + name for name in known]))
        if isinstance(value, Mapping) and isinstance(known[key], dict):
            _check_keys(value, known[key], source, f"{where}{key}.")


def _check_values(given: Mapping[str, Any], read: Mapping[str, Any], source: str, where: str = "") -> None:
    """Raise InputError for a value that was not read as it stands, such as half a layer, and for a clip below 0."""
    for key, value in read.items():
        said = given.get(key)
        if isinstance(value, dict):
            _check_values(said or {}, value, source, f"{where}{key}.")
        elif key.endswith("_clip"):
            if value is not None and not 0 < value < math.inf:
                raise InputError(f"{source}: {where}{key}: expected a finite number above 0, or null, got {said!r}")
        elif said is not None and (said != value or isinstance(said, bool) is not isinstance(value, bool)):
            raise InputError(f"{source}: {where}{key}: expected {_kind(value)}, got {said!r}")


def _kind(value: Any) -> str:
    """What a value like this one is called."""
    kinds = {bool: "true or false", int: "a whole number", list: "pairs of whole numbers"}
    return kinds.get(type(value), type(value).__name__)


def _unknown(source: str, key: str, known: Sequence[str]) -> str:
    """What is said of an unknown key; the nearest is named."""
    close = difflib.get_close_matches(key, known, n=1)
    guess = f"; did you mean {close[0]}?" if close else ""
    return f"{source}: unknown key {key!r} of a pre-training run{guess}"


def _coerce(where: str, value: Any, kind: str) -> Any:
    try:
        if kind.startswith("bool"):
            if isinstance(value, bool):
                return value
        elif kind.startswith("int"):
            if value is None and "None" in kind:
                return None
            if not isinstance(value, bool) and int(value) == float(value):
                return int(value)
        elif kind.startswith("float"):
            if not isinstance(value, bool):
                return float(value)
        else:
            return str(value)
    except (TypeError, ValueError, OverflowError):
        pass
    raise InputError(f"{where}: expected {kind}, got {value!r}")
