"""The treebank's own trees: the root's label and the leaves, and one clear line for each broken one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elmo_tasks.core.errors import InputError
from elmo_tasks.data.catalog import load_data
from elmo_tasks.data.conll import read_conll
from elmo_tasks.data.label_map import LabelMap
from elmo_tasks.data.labelled import read_labelled
from elmo_tasks.data.reading import ReadingConfig


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


def test_every_phrase(tmp_path: Path) -> None:
    """Each node in preorder, also those with equal text, as AllenNLP does; a dropped label drops its phrases."""
    path = write(tmp_path, "(3 (2 It) (4 (4 's) (2 (2 so) (2 so))))\n(2 Hm)\n")
    found = read_labelled(path, phrases=True)
    assert [(e.label, " ".join(e.tokens), e.source.rpartition(":")[2]) for e in found] == [
        ("3", "It 's so so", "1"),
        ("2", "It", "1"),
        ("4", "'s so so", "1"),
        ("4", "'s", "1"),
        ("2", "so so", "1"),
        ("2", "so", "1"),
        ("2", "so", "1"),
        ("2", "Hm", "2"),
    ]
    binary = read_labelled(path, phrases=True, map_labels=LabelMap("2=drop,3=1,4=1"))
    assert [(e.label, len(e.tokens)) for e in binary] == [("1", 4), ("1", 3), ("1", 1)]


def test_phrases_are_for_training(tmp_path: Path) -> None:
    for split in ("train", "dev", "test"):
        (tmp_path / f"{split}.txt").write_text("(3 (2 It) (4 works))\n(1 (2 No) (1 way))\n", encoding="utf-8")
    reading = ReadingConfig(phrases=True)
    splits = load_data(str(tmp_path), read_labelled, reading)
    assert [len(splits.get(split)) for split in ("train", "dev", "test")] == [6, 2, 2]
    mapped = load_data(str(tmp_path), read_labelled, replace(reading, map_labels="2=drop,3=1,4=1"))
    assert [(e.label, *e.tokens) for e in mapped.train] == [
        ("1", "It", "works"),
        ("1", "works"),
        ("1", "No", "way"),
        ("1", "way"),
    ]
    with pytest.raises(InputError, match=r"reading.phrases: the reader for this task's files does not support it"):
        load_data(str(tmp_path), read_conll, reading)
    (tmp_path / "dev.txt").unlink()
    with pytest.raises(InputError, match="reading.phrases needs dev and test files of trees"):
        load_data(str(tmp_path), read_labelled, replace(reading, dev_fraction=0.5))
    (tmp_path / "train.txt").write_text("1 It works\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"train.txt: reading.phrases needs trees such as \(3 \(2 It\) \(4 works\)\)"):
        load_data(str(tmp_path), read_labelled, reading, only=("train",))


def test_the_treebank(shared_data: Path) -> None:
    """The sizes that its authors publish."""
    folder = shared_data / "sst_trees"
    splits = load_data(str(folder), read_labelled, ReadingConfig(phrases=True))
    assert [len(splits.get(split)) for split in ("train", "dev", "test")] == [318_582, 1_101, 2_210]
    binary = ReadingConfig(phrases=True, map_labels="0=0,1=0,2=drop,3=1,4=1")
    two = load_data(str(folder), read_labelled, binary)
    assert [len(two.get(split)) for split in ("dev", "test")] == [872, 1_821]
    assert {e.label for e in two.train} == {"0", "1"} and 90_000 < len(two.train) < 110_000


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
