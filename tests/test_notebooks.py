"""The notebooks in examples/ run unchanged and print their stored outputs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))


def printed(cell: Any) -> str:
    return "".join(output["text"] for output in cell.get("outputs", []) if output.get("name") == "stdout")


def pictures(cell: Any) -> int:
    return sum("image/png" in output.get("data", {}) for output in cell.get("outputs", []))


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs_and_prints_what_it_shows(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELMO_TASKS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(EXAMPLES.parent))
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")  # as notebooks have it
    shown = nbformat.read(path, as_version=4)
    run = nbformat.read(path, as_version=4)
    folder = shutil.copytree(EXAMPLES, tmp_path / "examples")
    NotebookClient(run, timeout=280, kernel_name="python3", resources={"metadata": {"path": str(folder)}}).execute()
    assert any(map(printed, shown.cells)) and any(map(pictures, shown.cells))
    for before, after in zip(shown.cells, run.cells, strict=True):
        assert (printed(before), pictures(before)) == (printed(after), pictures(after)), before["source"]


def test_there_is_a_notebook_of_the_tutorial() -> None:
    assert EXAMPLES / "tutorial.ipynb" in NOTEBOOKS
    for path in NOTEBOOKS:
        nbformat.validate(nbformat.read(path, as_version=4))
