"""A tiny random biLM in a file, and estimators that are fitted once for all tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from small_estimators import LABELS, SENTENCES, TAGS, TEXTS, classifier, tagger

from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.options import BilmOptions
from elmo_tasks.elmo.weights.safetensors import write_safetensors
from elmo_tasks.integrations.sklearn import ElmoClassifier, ElmoTagger

TINY = BilmOptions(char_dim=3, filters=((1, 4), (2, 5)), n_highway=1, cell_dim=12, projection_dim=6, n_layers=2)


@pytest.fixture(scope="session")
def _session_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ELMO_TASKS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def _own_cache(_session_cache: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELMO_TASKS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def weights(tmp_path: Path) -> str:
    torch.manual_seed(0)
    path = tmp_path / "tiny.safetensors"
    write_safetensors(BiLM(TINY), path)
    return str(path)


@pytest.fixture(scope="session")
def fitted_classifier(_session_cache: None) -> ElmoClassifier:
    return classifier().fit(TEXTS, LABELS)


@pytest.fixture(scope="session")
def fitted_tagger(_session_cache: None) -> ElmoTagger:
    return tagger().fit(SENTENCES, TAGS)
