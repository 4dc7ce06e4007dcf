"""The examples in docstrings print what they say, in every module that has any.

Run from here rather than by `--doctest-modules`, so that they have a cache and a folder of their own.
"""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in sorted((ROOT / "elmo_tasks").rglob("*.py"))
    if ">>>" in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELMO_TASKS_CACHE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    found = doctest.testmod(import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert found.attempted and not found.failed


def test_modules_are_found() -> None:
    assert {"elmo_tasks.elmo.tfhub", "elmo_tasks.elmo.allennlp", "elmo_tasks.integrations.spacy.vectors"} <= set(
        MODULES
    )
