"""The configuration of a pre-training run: bilm-tf's keys, ours, and what is wrong with others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.pretraining.settings import load_pretrain_config

CONFIGS = Path(__file__).resolve().parents[2] / "configs" / "pretrain"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bidirectional": False}, "test: bidirectional must be true, not False"),
        ({"droput": 0.1}, "unknown key 'droput'; did you mean dropout"),
        ({"optimizer": "sgd"}, "optimizer must be adagrad or adamw, not 'sgd'"),
        ({"precision": "fp8"}, "precision must be bf16 or 32"),
        ({"batch_size": "many"}, "batch_size must be a whole number, not 'many'"),
        ({"unroll_steps": 0}, "unroll_steps must be a whole number of 1 or more"),
        ({"char_cnn": {}}, "char_cnn.embedding is missing"),
        ({"char_cnn": 3}, "char_cnn must have nested keys, not 3"),
        ({"sample_softmax": False}, "sample_softmax must be true, not False; training samples words"),
        ({"share_embedding_softmax": True}, "share_embedding_softmax must be false, not True; the input is char"),
        ({"dropout": 1.0}, "dropout must be a number of 0 or more and below 1, not 1.0"),
        ({"dropout": True}, "dropout must be a number, not True"),
        ({"all_clip_norm_val": 0}, "all_clip_norm_val must be a number above 0, not 0.0"),
        ({"seed": -1}, "seed must be a whole number of 0 or more and up to 4294967295, not -1"),
        ({"learning_rate": float("inf")}, "learning_rate must be a number above 0, not inf"),
        ({"learning_rate": float("nan")}, "learning_rate must be a number above 0, not nan"),
        ({"n_epochs": float("inf")}, "n_epochs must be a number above 0, not inf"),
        ({"n_tokens_vocab": 3}, "n_tokens_vocab must be a whole number above 3, not 3"),
        ({"batch_size": float("inf")}, "batch_size must be a whole number, not inf"),
        ({"batch_size": 0}, "batch_size must be a whole number of 1 or more, not 0"),
        ({"warmup": -1}, "warmup must be a whole number of 0 or more, not -1"),
        ({"decay": 1.5}, "decay must be a number of 0 or more and up to 1, not 1.5"),
        ({"checkpoint_minutes": -1}, "checkpoint_minutes must be a number of 0 or more, not -1.0"),
    ],
)
def test_faults_of_options(pretraining_config: Any, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        pretraining_config(**changes)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("lstm.n_layer=3", r"unknown key 'lstm.n_layer'; did you mean lstm.n_layers\?"),
        ("lstm.use_skip_connection=false", "unknown key .* did you mean lstm.use_skip_connections"),
        ("char_cnn.embedding.dims=3", "unknown key .* did you mean char_cnn.embedding.dim"),
        ("char_cnn.n_characters=100", "char_cnn.n_characters must be 261 or 262, not 100"),
        ("lstm.n_layers=1.5", "lstm.n_layers must be a whole number, not 1.5"),
        ("lstm.dim=.inf", "lstm.dim must be a whole number, not inf"),
        ("lstm.use_skip_connections=no way", "use_skip_connections must be true or false, not 'no way'"),
        ("lstm.cell_clip=-3", "lstm.cell_clip must be a number of 0 or more, not -3"),
        ("char_cnn.filters=[[1, 2.5]]", "char_cnn.filters must be a whole number, not 2.5"),
        ("char_cnn.filters.0=[1, 2]", "char_cnn.filters must be a list of pairs of whole numbers, not"),
        ("dropout.x=1", "dropout must be a number, not {'x': 1}"),
        ("n_epochs=[", r"--set n_epochs: not YAML"),
        ("n_epochs", "--set 'n_epochs' has no value; write key=value"),
    ],
)
def test_faults_of_settings(pretraining_options: dict[str, Any], tmp_path: Path, setting: str, message: str) -> None:
    (tmp_path / "o.json").write_text(json.dumps(pretraining_options))
    with pytest.raises(InputError, match=message):
        load_pretrain_config(tmp_path / "o.json", [setting])


def test_keys_of_bilm_tf_that_say_what_is_done_anyway(pretraining_config: Any) -> None:
    assert pretraining_config(sample_softmax=True, share_embedding_softmax=False) == pretraining_config()
    clipless = pretraining_config().bilm.to_dict()["lstm"] | {"cell_clip": None, "proj_clip": 0}
    assert (pretraining_config(lstm=clipless).bilm.cell_clip, pretraining_config(lstm=clipless).bilm.proj_clip) == (
        None,
        None,
    )


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.name)
def test_shipped_configurations(path: Path) -> None:
    assert load_pretrain_config(path).bilm.n_filters == {"small.yaml": 2048, "shipped.yaml": 1024}[path.name]
    assert "elmo-tasks pretrain" in path.read_text()


@pytest.mark.parametrize("name", ["configs/pretrain/small.yaml", "pretrain/small.yaml"])
def test_a_shipped_configuration_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_pretrain_config(Path(name)).bilm.n_filters == 2048
