"""Configurations: strict keys and types, later sources win, YAML round trip."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.runs.experiment import Experiment, load_experiment, to_yaml


def test_defaults_survive_a_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(to_yaml(Experiment()))
    assert load_experiment([path]) == Experiment()


def test_later_sources_win(tmp_path: Path) -> None:
    first, second = tmp_path / "1.yaml", tmp_path / "2.yaml"
    first.write_text("seed: 2\nmodel: {hidden: 10, layers: 1}\n")
    second.write_text("model: {hidden: 20}\n")
    made = load_experiment([first, second], {"seed": 3}, ["model.dropout=0.1", "training.learning_rate=1e-3"])
    assert (made.seed, made.model) == (3, {"hidden": 20, "layers": 1, "dropout": 0.1})
    assert made.training.learning_rate == 0.001


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model: 3\n", "model: expected keys below it, got 3"),
        ("modle: {}\n", "unknown configuration key 'modle'.*did you mean model"),
        ("glove: {trainable: 1}\n", "glove.trainable: expected bool, got 1"),
        ("embedders: glove\n", "embedders: expected a list of names"),
        ("seed: 1.5\n", "seed: expected int, got 1.5"),
        ("- a\n", "expected keys and values, got list"),
        ("a: [\n", r"c.yaml:2: expected YAML"),
    ],
)
def test_faults(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        load_experiment([path])


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("training.epochs=0", "training.epochs: expected a whole number of 1 or more, got 0"),
        ("training.epochs=.inf", "training.epochs: expected int, got inf"),
        ("training.patience=0", "training.patience: expected a whole number of 1 or more, got 0"),
        ("training.rate_patience=0", "training.rate_patience: expected a whole number of 1 or more, got 0"),
        ("training.batch_size=0", "training.batch_size: expected a whole number of 1 or more, got 0"),
        ("training.min_updates=-1", "training.min_updates: expected a whole number of 0 or more, got -1"),
        ("training.learning_rate=-1", "training.learning_rate: expected a number above 0, got -1.0"),
        ("training.learning_rate=.nan", "training.learning_rate: expected a number above 0, got nan"),
        ("training.learning_rate=.inf", "training.learning_rate: expected a number above 0, got inf"),
        ("training.final_rate=2", "training.final_rate: expected a number of 0 or more and up to 1, got 2.0"),
        ("training.clip_norm=-1", "training.clip_norm: expected a number of 0 or more, got -1.0"),
        ("training.mix_l2=-0.1", "training.mix_l2: expected a number of 0 or more, got -0.1"),
        ("training.fraction=0", "training.fraction: expected a number above 0 and up to 100, got 0.0"),
        ("elmo.dropout=1", "elmo.dropout: expected a number of 0 or more and below 1, got 1.0"),
        ("transformer.dropout=-1", "transformer.dropout: expected a number of 0 or more and below 1, got -1.0"),
        ("chars.dim=0", "chars.dim: expected a whole number of 1 or more, got 0"),
        ("chars.filters=0", "chars.filters: expected a whole number of 1 or more, got 0"),
        ("chars.width=0", "chars.width: expected a whole number of 1 or more, got 0"),
        ("seed=-1", "seed: expected a whole number of 0 or more and up to 4294967295, got -1"),
        (f"seed={10**400}", "seed: expected a whole number of 0 or more and up to 4294967295, got 1000"),
    ],
)
def test_numbers_out_of_bounds(setting: str, message: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(message)}"):
        load_experiment([], None, [setting])


def test_the_ends_of_the_bounds_are_within() -> None:
    made = load_experiment([], {"seed": 0}, ["training.clip_norm=0", "training.final_rate=1", "elmo.dropout=0"])
    assert (made.seed, made.training.clip_norm) == (0, 0.0)


def test_what_is_written_is_what_the_values_are() -> None:
    """Byte for byte: runs that are there already are known by it."""
    assert to_yaml(Experiment()).splitlines()[-11:] == [
        "  optimizer: adam",
        "  fraction: 100.0",
        "  epochs: 30",
        "  patience: 6",
        "  rate_patience: 2",
        "  batch_size: 64",
        "  min_updates: 40",
        "  learning_rate: 0.001",
        "  final_rate: 1.0",
        "  clip_norm: 5.0",
        "  mix_l2: 0.1",
    ]
