"""Spaces, and what is wrong with others."""

from __future__ import annotations

from pathlib import Path

import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.tuning.space import Choices, Range, read_space


def read(tmp_path: Path, text: str) -> object:
    path = tmp_path / "space.yaml"
    path.write_text(text, encoding="utf-8")
    return read_space(path)


def test_lists_and_ranges_by_dotted_and_nested_keys(tmp_path: Path) -> None:
    text = "training.optimizer: [adam, adadelta]\nmodel:\n  hidden: {low: 10, high: 50, step: 20}\n  layers: [1, 2]\n"
    assert read(tmp_path, text) == {
        "training.optimizer": Choices(("adam", "adadelta")),
        "model.hidden": Range(10, 50, step=20),
        "model.layers": Choices((1, 2)),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the space has no settings; write a list of values, or a range such as {low: 0.0001"),
        ("model.hidden: 3\n", "space.yaml:1: model.hidden is 3; write a list of values, or a range"),
        ("seed: 1\nmodel.hidden: []\n", "space.yaml:1: seed is 1; write a list of values"),
        ("model.hidden: []\n", "space.yaml:1: model.hidden has no values; write a list"),
        ("model.hidden: [1, 1]\n", "space.yaml:1: model.hidden has a value twice; give each once"),
        (
            "a: [1]\nmodel:\n  hidden: {low: 3, high: 3}\n",
            "space.yaml:3: model.hidden: low must be below high, not 3 and",
        ),
        ("model.hidden: {low: 3}\n", "space.yaml:1: model.hidden.high is missing; it has no default"),
        (
            "model.hidden: {low: 3, hihg: 4}\n",
            "space.yaml:1: unknown key 'model.hidden.hihg'; did you mean model.hidden.high?",
        ),
        (
            "model.hidden: {low: 0, high: 4, log: true}\n",
            "space.yaml:1: model.hidden: low must be above 0 with log: true",
        ),
        ("model.hidden: {low: 1, high: 4, log: true, step: 1}\n", "step cannot be used with log: true; leave out one"),
        (
            "embedders: [elmo]\n",
            "space.yaml:1: embedders is not searched; use --embedders, each combination with as many",
        ),
        ("seed: [1, 2]\n", "space.yaml:1: seed is not searched; leave it out"),
    ],
)
def test_faults(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as fault:
        read(tmp_path, text)
    assert message in str(fault.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("training.epoch: [1]\n", "did you mean training.epochs?"),
        ("training.epochs: [1, 0]\n", "training.epochs must be a whole number of 1 or more, not 0"),
        ("training.learning_rate: {low: -1, high: 1}\n", "training.learning_rate must be a number above 0, not -1"),
        (
            "training.epochs: {low: 1, high: 4, step: 0.5}\n",
            "training.epochs is a whole number, so its step must be one",
        ),
        ("training.optimizer: {low: 1, high: 4}\n", "training.optimizer must be adam or adadelta, not 1"),
        ("model.hiden: [3]\n", "did you mean model.hidden?"),
    ],
)
def test_settings_are_tried_before_anything_runs(text: str, message: str, tmp_path: Path) -> None:
    pytest.importorskip("optuna", reason="the extra `tune` is not installed")
    from elmo_tasks.tuning.tune import Subject, check_space

    path = tmp_path / "space.yaml"
    path.write_text(text, encoding="utf-8")
    subject = Subject("ner", {})
    with pytest.raises(InputError) as fault:
        check_space(subject, read_space(path), [subject.experiment(("random",))])
    assert message in str(fault.value)
