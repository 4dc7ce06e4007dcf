"""The public API: every name is there, is documented, and is all that documents and examples need."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import elmo_tasks

ROOT = Path(__file__).resolve().parents[2]
PUBLIC_MODULES = {
    "elmo_tasks",
    "elmo_tasks.elmo",  # as AllenNLP's `allennlp.modules.elmo`
    "elmo_tasks.elmo.tfhub",  # as `tensorflow_hub`
    "elmo_tasks.lite",  # what elmo-tasks-lite has
    "elmo_tasks.metrics",
}


def imports(tree: ast.Module) -> Iterator[tuple[str, list[str]]]:
    """Modules of ours and the names that are imported from them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "elmo_tasks":
            yield node.module, [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names if alias.name.split(".")[0] == "elmo_tasks")


def python_of_users() -> Iterator[tuple[str, ast.Module]]:
    """The Python blocks of the documents, and the examples."""
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "tasks").rglob("*.md"))]:
        for block in re.findall(r"^```python\n(.*?)^```$", path.read_text("utf-8"), re.MULTILINE | re.DOTALL):
            yield str(path.relative_to(ROOT)), ast.parse(block)
    for path in sorted((ROOT / "examples").glob("*.py")):
        yield str(path.relative_to(ROOT)), ast.parse(path.read_text("utf-8"))


@pytest.mark.parametrize("name", elmo_tasks.__all__)
def test_is_there_and_documented(name: str) -> None:
    value = getattr(elmo_tasks, name)
    assert value.__doc__, f"{name} has no docstring"
    assert name in dir(elmo_tasks)


def test_every_name_has_one_home() -> None:
    assert len(set(elmo_tasks.__all__)) == len(elmo_tasks.__all__)
    assert set(elmo_tasks._HOMES) == set(elmo_tasks.__all__)
    with pytest.raises(AttributeError, match="no attribute 'embedder'"):
        _ = elmo_tasks.embedder


def test_the_reference_shows_every_name() -> None:
    text = "\n".join(path.read_text("utf-8") for path in (ROOT / "docs" / "api").glob("*.md"))
    shown = set(re.findall(r"^::: elmo_tasks\.(\w+)$", text, re.MULTILINE))
    assert set(elmo_tasks.__all__) <= shown, sorted(set(elmo_tasks.__all__) - shown)


def test_documents_and_examples_use_public_names() -> None:
    private = [
        f"{where}: {module} ({', '.join(names)})"
        for where, tree in python_of_users()
        for module, names in imports(tree)
        if module not in PUBLIC_MODULES
    ]
    assert not private, private
