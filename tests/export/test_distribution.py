"""elmo-tasks-lite: what its wheel has runs without elmo-tasks, under a name that does not clash with it."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from elmo_tasks import __version__
from elmo_tasks.runs.run import export_run
from elmo_tasks.runs.store import Trained

ROOT = Path(__file__).resolve().parents[2]
HOOK = ROOT / "distributions" / "lite" / "hatch_build.py"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package as the hook of the build writes it."""
    interface = types.ModuleType("hatchling.builders.hooks.plugin.interface")
    interface.BuildHookInterface = object  # type: ignore[attr-defined]  # hatchling is only there while it builds
    monkeypatch.setitem(sys.modules, interface.__name__, interface)
    spec = importlib.util.spec_from_file_location("lite_hatch_build", HOOK)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder = tmp_path / "site" / "elmo_tasks_lite"
    folder.mkdir(parents=True)
    module.write_package(folder, __version__)
    return folder


def test_the_wheel_has_all_that_it_imports(package: Path, make_run: Callable[..., Trained], tmp_path: Path) -> None:
    folder = export_run(make_run(), tmp_path / "out")
    (tmp_path / "text").write_text("Ada lived in London .\n", "utf-8")
    program = (
        "import runpy, sys; sys.modules.update(elmo_tasks=None, torch=None)\n"
        f"sys.path.insert(0, {str(package.parent)!r})\n"
        "sys.argv[0] = 'elmo_tasks_lite'; runpy.run_module('elmo_tasks_lite', run_name='__main__')"
    )
    command = [sys.executable, "-I", "-c", program, str(folder), str(tmp_path / "text")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["tokens"] == ["Ada", "lived", "in", "London", "."]


def test_the_sources_are_the_same_but_for_the_name(package: Path) -> None:
    rooms = {path.relative_to(package).parts[0] for path in package.rglob("*.py")}
    assert rooms == {"__init__.py", "__main__.py", "core", "lite", "text"}
    for path in package.rglob("*/*.py"):
        original = ROOT / "elmo_tasks" / path.relative_to(package)
        assert path.read_text("utf-8").replace("elmo_tasks_lite", "elmo_tasks") == original.read_text("utf-8")
