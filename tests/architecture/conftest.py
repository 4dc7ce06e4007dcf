"""The source tree as the guards see it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Source:
    """A Python file of ours: `package` is the room it is in (`elmo`, `cli`, `tasks`), `name` its path in the tree."""

    path: Path
    package: str
    name: str
    tree: ast.Module

    def imports(self) -> Iterator[tuple[int, str]]:
        """Line and module of every import, however deep in a function, and those for types alone."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{self.name}:{node.lineno}: imports are absolute"
                if node.module == "elmo_tasks":
                    yield from ((node.lineno, f"elmo_tasks.{alias.name}") for alias in node.names)
                elif node.module:
                    yield node.lineno, node.module


def _source(path: Path) -> Source:
    parts = path.relative_to(ROOT).parts
    package = "tasks" if parts[0] == "tasks" else parts[1].removesuffix(".py")
    return Source(path, package, "/".join(parts), ast.parse(path.read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def sources() -> list[Source]:
    """Every Python file of the package and of the recipes."""
    return [_source(path) for folder in ("elmo_tasks", "tasks") for path in sorted((ROOT / folder).rglob("*.py"))]
