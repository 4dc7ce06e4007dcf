"""The scripts in examples/ run unchanged, each in a separate folder, and their assertions hold."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).resolve().parents[1] / "examples").glob("*.py"))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_runs(path: Path, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ELMO_TASKS_CACHE", str(cache))
    runpy.run_path(str(path), run_name="__main__")


def test_examples_have_cells() -> None:
    assert len(EXAMPLES) >= 4
    assert all(path.read_text(encoding="utf-8").count("\n# %%") >= 3 for path in EXAMPLES)
