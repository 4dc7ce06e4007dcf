"""The treebank's own trees: the root's label and the leaves, and one clear line for each broken one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elmo_tasks.core.errors import InputError
from elmo_tasks.data.labelled import read_labelled


def write(folder: Path, text: str) -> Path:
    path = folder / "train.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_of_trees(tmp_path: Path) -> None:
    """Brackets, slashes and other white space within a token are kept as written."""
    path = write(
        tmp_path,
        "(3 (2 It) (4 (4 's) (2 good)))\r\n\n"
        "(1 (2 -LRB-) (0 (2 2\u00a01\\/2) (2 -RRB-)))\n"
        "(2 Hm)\n"
        "(4 (2(2 a)\t(2 b))(3 c))\n",
    )
    assert [(e.label, e.tokens, e.source) for e in read_labelled(path)] == [
        ("3", ("It", "'s", "good"), f"{path}:1"),
        ("1", ("-LRB-", "2\u00a01\\/2", "-RRB-"), f"{path}:3"),
        ("2", ("Hm",), f"{path}:4"),
        ("4", ("a", "b", "c"), f"{path}:5"),
    ]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("(3 (2 It) (4 works)", "1 brackets are not closed"),
        ("(3 (2 It", "2 brackets are not closed"),
        ("(3 (2 It) (4 works)))", r"'\)' in column 21"),
        ("(3 (2 It) (4 works)) (2 Hm)", r"'\(2' in column 22"),
        ("(3 (2 It) (4 works)) .", r"'.' in column 22"),
        ("(3 (2 It) works)", "'works' in column 11"),
        ("(3 It (2 works))", r"'\(2' in column 7"),
        ("(3 It works)", "'works' in column 7"),
        ("(3 (2 It) (4))", r"'\(' in column 11"),
        ("(3 (2 It) (4 ))", r"'\)' in column 14"),
        ("(3 (2 It) (good works))", r"'\(' in column 11"),
        ("(3 (2 It) ((4 works)))", r"'\(' in column 11"),
        ("3 It works", "'3' in column 1"),
        (")", r"'\)' in column 1"),
    ],
)
def test_broken_trees(tmp_path: Path, line: str, found: str) -> None:
    message = rf"train.txt:2: .*{found}.*; expected one complete tree such as \(3 \(2 It\) \(4 works\)\)"
    with pytest.raises(InputError, match=message):
        read_labelled(write(tmp_path, f"(2 Hm)\n{line}\n"))


def test_a_bracket_alone_is_no_tree(tmp_path: Path) -> None:
    (found,) = read_labelled(write(tmp_path, "(1) a film\n"))
    assert (found.label, found.tokens) == ("(1)", ("a", "film"))


WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="() "), min_size=1, max_size=5)
TREES = st.recursive(WORDS, lambda inner: st.lists(st.tuples(st.integers(0, 4), inner), min_size=1, max_size=3))


def written(tree: Any, label: int) -> str:
    inner = tree if isinstance(tree, str) else " ".join(written(below, number) for number, below in tree)
    return f"({label} {inner})"


def leaves(tree: Any) -> list[str]:
    return [tree] if isinstance(tree, str) else [word for _, below in tree for word in leaves(below)]


@given(label=st.integers(0, 4), tree=TREES)
def test_any_tree_comes_back(tmp_path_factory: pytest.TempPathFactory, label: int, tree: Any) -> None:
    path = write(tmp_path_factory.mktemp("trees"), written(tree, label))
    (found,) = read_labelled(path)
    assert (found.label, list(found.tokens)) == (str(label), leaves(tree))
