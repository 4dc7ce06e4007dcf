"""Configurations: strict keys and types, later sources win, YAML round trip."""

from __future__ import annotations

from pathlib import Path

import pytest

from elmo_tasks.config import Experiment, load_experiment, to_yaml
from elmo_tasks.errors import InputError


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
