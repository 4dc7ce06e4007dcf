"""Configurations: strict keys and types, later sources win, YAML round trip."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.embedders.elmo import ElmoSettings
from elmo_tasks.runs.experiment import Experiment, TrainingConfig, load_experiment, resolve_experiment, to_yaml


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
        ("model: 3\n", "c.yaml:1: model must have nested keys, not 3"),
        ("modle: {}\n", "c.yaml:1: unknown key 'modle'; did you mean model"),
        ("glove: {trainable: 1}\n", "c.yaml:1: glove.trainable must be true or false, not 1"),
        ("embedders: glove\n", "embedders must be a list of names, not 'glove'"),
        ("seed: 1.5\n", "seed must be a whole number, not 1.5"),
        ("- a\n", "c.yaml: not a configuration; it must have keys and values"),
        ("a: [\n", r"c.yaml:2: not YAML"),
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
        ("training.epochs=0", "training.epochs must be a whole number of 1 or more, not 0"),
        ("training.epochs=.inf", "training.epochs must be a whole number, not inf"),
        ("training.patience=0", "training.patience must be a whole number of 1 or more, not 0"),
        ("training.rate_patience=0", "training.rate_patience must be a whole number of 1 or more, not 0"),
        ("training.batch_size=0", "training.batch_size must be a whole number of 1 or more, not 0"),
        ("training.min_updates=-1", "training.min_updates must be a whole number of 0 or more, not -1"),
        ("training.learning_rate=-1", "training.learning_rate must be a number above 0, not -1.0"),
        ("training.learning_rate=.nan", "training.learning_rate must be a number above 0, not nan"),
        ("training.learning_rate=.inf", "training.learning_rate must be a number above 0, not inf"),
        ("training.final_rate=2", "training.final_rate must be a number of 0 or more and up to 1, not 2.0"),
        ("training.clip_norm=-1", "training.clip_norm must be a number of 0 or more, not -1.0"),
        ("training.mix_l2=-0.1", "training.mix_l2 must be a number of 0 or more, not -0.1"),
        ("training.fraction=0", "training.fraction must be a number above 0 and up to 100, not 0.0"),
        ("elmo.dropout=1", "elmo.dropout must be a number of 0 or more and below 1, not 1.0"),
        ("transformer.dropout=-1", "transformer.dropout must be a number of 0 or more and below 1, not -1.0"),
        ("chars.dim=0", "chars.dim must be a whole number of 1 or more, not 0"),
        ("chars.filters=0", "chars.filters must be a whole number of 1 or more, not 0"),
        ("chars.width=0", "chars.width must be a whole number of 1 or more, not 0"),
        ("seed=-1", "seed must be a whole number of 0 or more and up to 4294967295, not -1"),
        (f"seed={10**400}", "seed must be a whole number of 0 or more and up to 4294967295, not 1000"),
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
    assert to_yaml(Experiment()).splitlines()[-14:] == [
        "  optimizer: adam",
        "  select: ''",
        "  fraction: 100.0",
        "  epochs: 30",
        "  patience: 6",
        "  rate_patience: 2",
        "  patience_updates: 500",
        "  batch_size: 64",
        "  min_updates: 40",
        "  learning_rate: 0.001",
        "  final_rate: 1.0",
        "  clip_norm: 5.0",
        "  mix_l2: 0.1",
        "  precision: auto",
    ]


VERSION_0_1 = """
task: ner
data: sample
embedders: [elmo, glove, chars]
seed: 3
elmo: {weights: small, layers: '1', layer_norm: true, dropout: 0.5, precision: exact}
glove: {path: null, trainable: true}
transformer: {model: minilm, pooling: first, layers: mix, layer_norm: false, dropout: 0.0}
chars: {dim: 8, filters: 64, width: 3}
model: {hidden: 200, layers: 2, dropout: 0.5}
training: {optimizer: adam, fraction: 100.0, epochs: 30, patience: 6, rate_patience: 2, batch_size: 64,
  min_updates: 40, learning_rate: 0.001, final_rate: 1.0, clip_norm: 5.0, mix_l2: 0.1}
"""


def test_the_configuration_of_a_run_of_version_0_1_is_read(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(VERSION_0_1)
    made = load_experiment([path])
    assert (made.seed, made.embedders, made.model["hidden"]) == (3, ("elmo", "glove", "chars"), 200)
    assert made.embedder_settings["elmo"] == ElmoSettings("small", "1", True, 0.5, "exact")
    assert made.embedder_settings["glove"].trainable and made.embedder_settings["chars"].filters == 64
    assert made.embedder_settings["transformer"].pooling == "first" and made.training == TrainingConfig()


def test_a_task_is_named_on_its_own() -> None:
    with pytest.raises(InputError, match="--set task: the task is already given as ner; write srl there instead"):
        resolve_experiment("ner", settings=["task=srl"])
