"""A tiny random biLM in a file, and a tiny trained run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from small_estimators import SENTENCES, TAGS, tagger

from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.options import BilmOptions
from elmo_tasks.elmo.weights.safetensors import write_safetensors

TINY = BilmOptions(char_dim=3, filters=((1, 4), (2, 5)), n_highway=1, cell_dim=12, projection_dim=6, n_layers=2)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELMO_TASKS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def bilm_name(tmp_path: Path) -> str:
    torch.manual_seed(0)
    path = tmp_path / "tiny.safetensors"
    write_safetensors(BiLM(TINY), path)
    return str(path)


@pytest.fixture(scope="session")
def trained_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that knows a few names and places."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    tagger().fit(SENTENCES, TAGS).save(folder)
    return folder


@pytest.fixture
def run_folder(trained_run: Path, tmp_path: Path) -> Path:
    """A copy of it, to be moved about."""
    return Path(shutil.copytree(trained_run, tmp_path / "run"))
