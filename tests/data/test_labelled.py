"""Files with one label per text, folders of them, data sets of the hub, and the bundled sample."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.data.catalog import CATALOG, SAMPLE, load_data, locate
from elmo_tasks.data.hub import load_sst2, load_sst5
from elmo_tasks.data.labelled import read_labelled
from elmo_tasks.data.splits import find_split

SPLITS = ("train", "dev", "test")
SST = {
    "sst2": {"train": [3310, 3610], "dev": [428, 444], "test": [912, 909]},
    "sst5": {
        "train": [1092, 2218, 1624, 2322, 1288],
        "dev": [139, 289, 229, 279, 165],
        "test": [279, 633, 389, 510, 399],
    },
}


def write(folder: Path, text: str, name: str = "file.txt") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("good a fine film\nbad a\u00a0b c\n", "file.txt"),
        ("\ufeffgood\ta fine  film\r\n\r\nbad\ta\u00a0b c\r\n", "stsa.fine.train"),
        ('{"label": "good", "text": "a fine film"}\n{"label": "bad", "tokens": ["a\u00a0b", "c"]}\n', "train"),
        ('\n{"text": "a fine film", "label": "good", "id": 3}\n\n{"label": "bad", "text": "a\u00a0b c"}', "a.jsonl"),
    ],
)
def test_formats(tmp_path: Path, text: str, name: str) -> None:
    path = write(tmp_path, text, name)
    good, bad = read_labelled(path)
    assert (good.label, good.tokens) == ("good", ("a", "fine", "film"))
    assert (bad.label, bad.tokens) == ("bad", ("a\u00a0b", "c"))
    lines = [number for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    assert [good.source, bad.source] == [f"{path}:{number}" for number in lines]


def test_a_label_of_json_may_be_a_number_or_have_blanks(tmp_path: Path) -> None:
    path = write(tmp_path, '{"label": 3, "text": "a"}\n{"label": "very good", "text": "b"}\n')
    assert [example.label for example in read_labelled(path)] == ["3", "very good"]


def test_a_label_ends_at_the_first_tab(tmp_path: Path) -> None:
    path = write(tmp_path, "very positive\ta great film\n 1 \t two\twords\npositive\ta film\n  1  \ta film\n")
    assert [(example.label, " ".join(example.tokens)) for example in read_labelled(path)] == [
        ("very positive", "a great film"),
        ("1", "two words"),
        ("positive", "a film"),
        ("1", "a film"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\ta film\n", r"file.txt:1: not a label, a space or tab, and a text: '\\ta film'"),
        ("1 a\n\n0\n", r"file.txt:3: not a label, a space or tab, and a text: '0'"),
        ("1\t\n", r"file.txt:1: not a label, a space or tab, and a text"),
        ("\n \n", r"file.txt: the file is empty; expected lines with a label and a text"),
        ("", r"file.txt: the file is empty; expected lines with a label and a text"),
        ('{"label": 1, "text": "a"}\n{"label": 1\n', r"file.txt:2: invalid JSON \(Expecting.*; expected a JSON object"),
        ('{"label": 1, "text": "a"}\n[1]\n', r"file.txt:2: \[1\] is not an object; expected a JSON object"),
        ('{"label": 1, "text": "  "}\n', r"file.txt:1: the row has no text; expected a JSON object"),
        ('{"label": 1, "tokens": []}\n', r"file.txt:1: the row has no text; expected a JSON object"),
        ('{"label": 1}\n', r"file.txt:1: there is no key 'text' among \['label'\]; pass --columns"),
        ('{"label": 1, "tokens": ["a", 2]}\n', r"file.txt:1: neither a text nor a list of words: \['a', 2\]"),
        ('{"text": "a"}\n', r"file.txt:1: there is no key 'label' among \['text'\]; pass --columns"),
        ('{"label": true, "text": "a"}\n', r"file.txt:1: the label must be text or an integer, not True"),
        ('{"label": 0.5, "text": "a"}\n', r"file.txt:1: the label must be text or an integer, not 0.5"),
    ],
)
def test_damaged_files(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_labelled(write(tmp_path, text))


def test_json_by_extension_alone(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"train.jsonl:1: .*expected a JSON object"):
        read_labelled(write(tmp_path, "1 a\n", "train.jsonl"))


@pytest.mark.parametrize("name", ["sst2", "sst5"])
def test_the_treebank_by_its_two_names(shared_data: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Sentences of each class as Socher et al. (2013) count them in all: 8544/1101/2210 and 6920/872/1821."""
    monkeypatch.setenv("ELMO_TASKS_DATA", str(shared_data))
    data = load_data(name, read_labelled)
    for split in SPLITS:
        found = Counter(example.label for example in data.get(split))
        assert [found[label] for label in sorted(found)] == SST[name][split]


def several(root: Path) -> Path:
    """A folder `sst` with two data sets of one sentence a split, whose label is the data set's name."""
    folder = root / "sst"
    folder.mkdir(parents=True)
    for variant in ("binary", "fine"):
        for split in SPLITS:
            write(folder, f"{variant} text\n", f"stsa.{variant}.{split}")
    return folder


def test_several_data_sets_in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = several(tmp_path)
    monkeypatch.setenv("ELMO_TASKS_DATA", str(tmp_path))
    for name, label in [
        ("sst2", "binary"),
        ("sst5", "fine"),
        ("sst:fine", "fine"),
        (f"{folder}:Binary", "binary"),
    ]:
        assert {example.label for example in load_data(name, read_labelled).test} == {label}
    with pytest.raises(
        InputError,
        match=r"more than one .*: stsa.binary.train, stsa.fine.train; .*choose one by part of its name, .*sst:binary",
    ):
        load_data("sst", read_labelled)
    with pytest.raises(
        InputError, match=r"no file for the train split \(with one of train, training, and ternary in its name"
    ):
        load_data("sst:ternary", read_labelled)
    own = tmp_path / "sst2"
    own.mkdir()
    for split in SPLITS:
        write(own, "own text\n", f"{split}.txt")
    assert load_data("sst2", read_labelled).train[0].label == "own"


def test_a_folder_of_one_data_set_needs_no_choice(tmp_path: Path) -> None:
    for split in SPLITS:
        write(tmp_path, "1 a\n", f"x.{split}.jsonl")
    assert find_split(tmp_path, "dev").name == "x.dev.jsonl"
    assert locate(str(tmp_path)) == (tmp_path, "", "train")
    assert locate("nowhere:fine") is None


def stand_in(repository: str, revision: str | None) -> dict[str, Any]:
    """What `datasets.load_dataset` returns for the hub's copies of SST, with six rows a split."""
    import datasets

    grades = [0.0, 0.2, 0.33333, 0.5, 0.8, 1.0]
    if repository == "stanfordnlp/sst" and revision == "refs/convert/parquet":
        rows: dict[str, Any] = {"sentence": ["A , b"] * 6, "tokens": ["A|,|b"] * 6, "label": grades}
        features = datasets.Features({name: datasets.Value("string") for name in ("sentence", "tokens")})
        made = datasets.Dataset.from_dict(
            rows, features=datasets.Features(features | {"label": datasets.Value("float32")})
        )
    elif repository in ("SetFit/sst2", "SetFit/sst5"):
        made = datasets.Dataset.from_dict({"text": ["a , b"] * 2, "label": [0, 1], "label_text": ["x", "y"]})
    else:
        raise FileNotFoundError(repository)
    return {"train": made, "validation": made, "test": made}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_hub() -> None:
    for load, name in ((load_sst2, "sst2"), (load_sst5, "sst5")):
        found = load(stand_in)
        assert (found.name, found.origin) == (name, f"hub:SetFit/{name}")
        assert [(e.tokens, e.label) for e in found.dev] == [(("a", ",", "b"), "0"), (("a", ",", "b"), "1")]
        assert found.test[1].source == f"SetFit/{name}/test:1"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_treebanks_grades_become_classes() -> None:
    """The parts are [0, 0.2], (0.2, 0.4], (0.4, 0.6], (0.6, 0.8], (0.8, 1.0]."""

    def without_copies(repository: str, revision: str | None) -> dict[str, Any]:
        if repository.startswith("SetFit"):
            raise RuntimeError("gone")
        return stand_in(repository, revision)

    fine, binary = load_sst5(without_copies), load_sst2(without_copies)
    assert fine.origin == binary.origin == "hub:stanfordnlp/sst"
    assert [example.label for example in fine.train] == ["0", "0", "1", "2", "3", "4"]
    assert [example.label for example in binary.train] == ["0", "0", "0", "1", "1"]
    assert fine.train[0].tokens == ("A", ",", "b")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_rows_of_the_hub_without_text() -> None:
    """A source with such a row is skipped for the next one; if there is no next one, the message names the row."""

    def damaged(repository: str, revision: str | None) -> dict[str, Any]:
        found = stand_in(repository, revision)
        column = "text" if repository.startswith("SetFit") else "tokens"
        texts = [text if number == 0 else " " for number, text in enumerate(found["test"][column])]
        return found | {"test": found["test"].remove_columns(column).add_column(column, texts)}

    def damaged_copy(repository: str, revision: str | None) -> dict[str, Any]:
        return damaged(repository, revision) if repository.startswith("SetFit") else stand_in(repository, revision)

    assert load_sst2(damaged_copy).origin == "hub:stanfordnlp/sst"
    with pytest.raises(
        InputError,
        match=r"SetFit/sst2/test:1: the text of this row is empty; stanfordnlp/sst/test:1: the text",
    ):
        load_sst2(damaged)


def test_no_hub() -> None:
    def offline(repository: str, revision: str | None) -> dict[str, Any]:
        raise ConnectionError

    with pytest.raises(
        InputError, match=r"sst2: .*\(no connection\); put stsa.binary.train, .dev and .test into a folder sst"
    ):
        load_sst2(offline)


def test_the_sample_is_what_its_readme_says() -> None:
    folder = SAMPLE / "sentiment"
    assert CATALOG["sample-sentiment"].shipped == folder
    readme, texts = (folder / "README.md").read_text(encoding="utf-8"), []
    for split in SPLITS:
        rows = [line.split("\t") for line in (folder / f"{split}.txt").read_text(encoding="utf-8").splitlines()]
        counts = Counter(label for label, _ in rows)
        cells = [
            split,
            len(rows),
            sum(len(text.split(" ")) for _, text in rows),
            counts["negative"],
            counts["positive"],
        ]
        assert f"| {' | '.join(map(str, cells))} |" in readme
        found = load_data("sample-sentiment", read_labelled).get(split)
        assert [(e.label, " ".join(e.tokens)) for e in found] == [tuple(row) for row in rows]
        texts += [text for _, text in rows]
    assert len(set(texts)) == len(texts) == 210


def test_json_lines_say_the_same_as_text(tmp_path: Path) -> None:
    text = SAMPLE / "sentiment" / "dev.txt"
    rows = [json.dumps({"label": e.label, "tokens": e.tokens}) for e in read_labelled(text)]
    again = read_labelled(write(tmp_path, "\n".join(rows)))
    assert [(e.label, e.tokens) for e in again] == [(e.label, e.tokens) for e in read_labelled(text)]
