"""A workshop of small valid inputs, made once; the tests damage copies of them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from faulty import run
from kills import Place, make_place
from workshop import Workshop, make_workshop


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """Valid data sets, runs, biLMs, vectors and texts, all tiny."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("workshop")
        patch.setenv("ELMO_TASKS_CACHE", str(folder / "cache"))
        patch.delenv("ELMO_TASKS_DATA", raising=False)
        return make_workshop(folder, run)


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The outputs of undisturbed commands."""
    return make_place(tmp_path_factory.mktemp("undisturbed") / "place")


@pytest.fixture(autouse=True)
def _elsewhere(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No data sets, no hub, a separate cache, and the original working folder afterwards."""
    before = Path.cwd()
    if "workshop" in request.fixturenames:  # its runs are sealed with the key in its cache
        key = request.getfixturevalue("workshop").folder / "cache" / "seal.key"
        (tmp_path / "cache").mkdir()
        shutil.copy2(key, tmp_path / "cache" / "seal.key")
    monkeypatch.setenv("ELMO_TASKS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("ELMO_TASKS_DATA", raising=False)
    yield
    os.chdir(before)
