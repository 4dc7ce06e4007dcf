from __future__ import annotations

import json
from pathlib import Path

import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.data.senses import read_occurrences, read_sense_corpus

ROW = {"tokens": ["The", "dog", "barks"], "index": 2, "lemma": "bark", "sense": "dog"}


def test_a_folder(tmp_path: Path) -> None:
    for split in ("train", "test"):
        (tmp_path / f"{split}.jsonl").write_text(json.dumps(ROW) + "\n\n")
    (tmp_path / "senses.json").write_text('{"bark": ["tree", "dog"]}')
    corpus = read_sense_corpus(tmp_path)
    (found,) = corpus.train
    assert (found.tokens, found.index, found.lemma, found.sense) == (("The", "dog", "barks"), 2, "bark", "dog")
    assert found.source == f"{tmp_path / 'train.jsonl'}:1"
    assert corpus.inventory == {"bark": ("tree", "dog")} and corpus.name == tmp_path.name


def test_a_folder_without_a_split(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text(json.dumps(ROW))
    with pytest.raises(InputError, match="(no|more than one) file for the test split"):
        read_sense_corpus(tmp_path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "no json",
            'file.jsonl:2: invalid JSON .*; expected a JSON object with "tokens", "index", "lemma" and "sense"',
        ),
        ("[1]", "file.jsonl:2: a key is missing in .*; expected a JSON object"),
        (json.dumps(ROW | {"index": 3}), 'file.jsonl:2: "index" must be from 0 to 2, not 3'),
        (json.dumps(ROW | {"index": -1}), '"index" must be from 0 to 2, not -1'),
        (json.dumps(ROW | {"tokens": []}), 'file.jsonl:2: "tokens" must be a list of words'),
        (json.dumps(ROW | {"sense": 3}), '"lemma" and "sense" must be text'),
    ],
)
def test_damaged_lines(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "file.jsonl"
    path.write_text(json.dumps(ROW) + "\n" + line + "\n")
    with pytest.raises(InputError, match=message):
        read_occurrences(path)


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "file.jsonl"
    path.write_text("\n")
    with pytest.raises(InputError, match="the file is empty; expected JSON Lines with tokens, index, lemma and sense"):
        read_occurrences(path)


@pytest.mark.parametrize("text", ["[]", '{"bark": []}', '{"bark": 3}', "{"])
def test_a_damaged_inventory(tmp_path: Path, text: str) -> None:
    for split in ("train", "test"):
        (tmp_path / f"{split}.jsonl").write_text(json.dumps(ROW))
    (tmp_path / "senses.json").write_text(text)
    with pytest.raises(InputError, match="senses.json: not a JSON object such as"):
        read_sense_corpus(tmp_path)
