"""Files are small, named by a noun, and only one of them reads the environment."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Source

LONGEST, LONGEST_RECIPE = 400, 125
NAMELESS = {"utils.py", "util.py", "helpers.py", "helper.py", "common.py", "misc.py", "base.py"}


@pytest.fixture(scope="module")
def files(root: Path) -> list[Path]:
    return [path for folder in ("elmo_tasks", "tasks", "tests") for path in sorted((root / folder).rglob("*.py"))]


def test_files_are_short(files: list[Path], root: Path) -> None:
    lengths = {path.relative_to(root): len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    long = {str(path): length for path, length in lengths.items() if length > LONGEST}
    assert not long, f"split these by concept: {long}"
    recipes = {str(path): n for path, n in lengths.items() if path.parts[0] == "tasks" and n > LONGEST_RECIPE}
    assert not recipes, f"a recipe says what an experiment is; move how into elmo_tasks: {recipes}"


def test_files_are_named_by_their_noun(files: list[Path]) -> None:
    nameless = [str(path) for path in files if path.name in NAMELESS]
    assert not nameless, f"name these by what they hold: {nameless}"


def test_only_paths_looks_at_the_environment(sources: list[Source]) -> None:
    looks = [
        f"{source.name}:{node.lineno}"
        for source in sources
        if source.name != "elmo_tasks/core/paths.py"
        for node in ast.walk(source.tree)
        if (isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "environb"))
        or (isinstance(node, ast.ImportFrom) and {a.name for a in node.names} & {"environ", "getenv"})
    ]
    assert not looks, f"ask elmo_tasks/core/paths.py instead: {looks}"


def test_every_package_says_what_it_is(sources: list[Source]) -> None:
    silent = [source.name for source in sources if ast.get_docstring(source.tree) is None]
    assert not silent, f"these modules have no docstring: {silent}"


def test_only_the_terminal_prints(sources: list[Source]) -> None:
    """What `print` shows may have escapes and line breaks of other people's files."""
    prints = [
        f"{source.name}:{node.lineno}"
        for source in sources
        if source.name != "elmo_tasks/core/terminal.py"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Name) and node.id == "print"
    ]
    assert not prints, f"use say and say_json of elmo_tasks/core/terminal.py, or views/tables.py: {prints}"


def test_markdown_tables_and_html_have_one_writer_each(sources: list[Source]) -> None:
    written = [
        f"{source.name}:{node.lineno}"
        for source in sources
        if source.name != "elmo_tasks/core/markdown.py"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.search(r"\| ---|</t[dhr]>", node.value)
    ]
    assert not written, f"use markdown_table of elmo_tasks/core/markdown.py, or a template: {written}"
