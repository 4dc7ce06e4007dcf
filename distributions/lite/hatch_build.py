"""Puts `elmo_tasks/lite` and every module of ours that it imports into the wheel, as the package `elmo_tasks_lite`."""

from __future__ import annotations

import ast
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parents[2]
OLD, NEW = "elmo_tasks", "elmo_tasks_lite"
INIT = '''"""Runs what `elmo-tasks export` wrote, with onnxruntime and numpy alone."""

from elmo_tasks_lite.core.errors import InputError
from elmo_tasks_lite.lite import LiteModel, load

__all__ = ["InputError", "LiteModel", "load"]
__version__ = "{version}"
'''
MAIN = '''"""`python -m elmo_tasks_lite`."""

import sys

from elmo_tasks_lite.lite.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
'''


class LiteWheel(BuildHookInterface):
    """The sources are renamed as they are copied: there is one copy of them in the repository."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the package into a folder, and name it to the builder."""
        self.folder = Path(tempfile.mkdtemp())
        write_package(self.folder, self.metadata.version)
        license_file = ROOT / "LICENSE"
        build_data["force_include"].update({str(self.folder): NEW, str(license_file): f"{NEW}/LICENSE"})

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


def write_package(folder: Path, version: str) -> None:
    """The package's files in `folder`, which takes the place of `elmo_tasks_lite`."""
    for path in modules():
        to = folder / path.relative_to(ROOT / OLD)
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(re.sub(rf"\b{OLD}\b", NEW, path.read_text("utf-8")), "utf-8")
    (folder / "__init__.py").write_text(INIT.format(version=version), "utf-8")
    (folder / "__main__.py").write_text(MAIN, "utf-8")
    (folder / "py.typed").touch()


def modules() -> list[Path]:
    """The files of `elmo_tasks/lite` and, in turn, those of ours that they import."""
    waiting, found = sorted((ROOT / OLD / "lite").glob("*.py")), set()
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        if (path.parent / "__init__.py").exists() and path.parent != ROOT / OLD:
            waiting.append(path.parent / "__init__.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(f"{OLD}."):
                waiting.append(ROOT.joinpath(*node.module.split(".")).with_suffix(".py"))
    return sorted(path for path in found if path.exists())
