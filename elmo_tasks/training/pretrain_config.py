"""The options of a pre-training run: bilm-tf's `options.json` keys as its users write them, and a few of ours."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from elmo_tasks.elmo.options import BilmOptions
from elmo_tasks.errors import InputError
from elmo_tasks.paths import config_path

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
_ELSEWHERE = ("lstm", "char_cnn", "bidirectional", "n_train_tokens")


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
        if not self.n_epochs > 0:
            raise InputError(f"n_epochs: expected more than 0, got {self.n_epochs}")


def load_pretrain_config(path: Path, settings: Sequence[str] = ()) -> PretrainConfig:
    """Read YAML or JSON, then `--set key=value` on top.

    Raises:
        InputError: no such file, an unknown key (the nearest is named), a value of the wrong type, or
            `bidirectional: false`, which makes no ELMo.
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
        for part in parts[:-1]:
            target = target.setdefault(part, {})
        target[parts[-1]] = yaml.safe_load(text)
    return from_options(values, str(path))


def from_options(values: Mapping[str, Any], source: str) -> PretrainConfig:
    """The config that nested options mean."""
    known = {entry.name: entry for entry in dataclasses.fields(PretrainConfig) if entry.name != "bilm"}
    made: dict[str, Any] = {}
    for key, value in values.items():
        if key in _ELSEWHERE:
            continue
        if key not in known:
            close = difflib.get_close_matches(str(key), [*known, *_ELSEWHERE], n=1)
            guess = f"; did you mean {close[0]}?" if close else ""
            raise InputError(f"{source}: unknown key {key!r} of a pre-training run{guess}")
        made[key] = _coerce(f"{source}: {key}", value, str(known[key].type))
    if values.get("bidirectional", True) is not True:
        raise InputError(
            f"{source}: expected bidirectional: true, got {values['bidirectional']!r}; ELMo reads both ways"
        )
    architecture = {key: values[key] for key in ("lstm", "char_cnn") if key in values}
    return PretrainConfig(bilm=BilmOptions.from_dict(architecture, source), **made)


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
            return float(value)
        else:
            return str(value)
    except (TypeError, ValueError):
        pass
    raise InputError(f"{where}: expected {kind}, got {value!r}")
