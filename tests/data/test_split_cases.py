"""Folders of splits, propositions and lines for `predict`, as people bring them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.data.catalog import load_data
from elmo_tasks.data.conll import read_conll
from elmo_tasks.data.reading import ReadingConfig
from elmo_tasks.data.splits import Splits, find_split, read_folder
from elmo_tasks.data.srl import read_srl
from elmo_tasks.task import load_task

SENTENCE = "Nadia B-PER\nHaddad I-PER\nlives O\nin O\nOslo B-LOC\n"


def write(folder: Path, data: str | bytes, name: str = "file.txt") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def test_a_very_long_sentence_is_told(tmp_path: Path) -> None:
    for split in ("train", "dev", "test"):
        write(tmp_path, SENTENCE * 300, f"{split}.txt")
    assert "train.txt:1: a sentence of 1500 tokens" in read_folder(tmp_path, read_conll).notes[0]


V05 = "Ada - (A0*)\nleft leave (V*)\n\n"
V12 = "x 0 0 Ada NN * - - - - * (ARG0*) -\nx 0 1 left VB * leave 01 - - * (V*) -\n\n"


def test_a_stray_column_of_roles_is_ignored_and_told(tmp_path: Path) -> None:
    """As one sentence of CoNLL-2012 has it: a column of spans, and no predicate."""
    notes: list[str] = []
    text = "#begin document (x); part 000\n" + V12 + "x 0 0 Yes UH * - - - - * * -\n\n#end document\n"
    found = read_srl(write(tmp_path, text), note=notes.append)
    assert [example.predicate for example in found] == [None, 1, None] and found[2].tags == ("O",)
    assert notes == [f"{tmp_path}/file.txt:5: ignored an empty span column without a predicate"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (V05 + "Ada - (A1(A2*)\nleft leave (V*)\nnow - *)\n", r"file.txt:4: .* opens a span inside"),
        (V05 + "Ada - (A0*)\nleft leave *\n", r"file.txt:5: .* has 0 spans V"),
        (
            "1 Ada left . ||| B-A0 B-V O\n3 Kofi wants to go . ||| O O O B-V O\n",
            r"file.txt:1: .*expected sentences in the c",
        ),
    ],
)
def test_propositions_that_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_srl(write(tmp_path, text))


def folder_of(tmp_path: Path, names: Sequence[str]) -> Path:
    """A folder of files of one sentence each, whose token is the file's name."""
    for name in names:
        write(tmp_path, f"{name} B-X\n", name)
    return tmp_path


def firsts(splits: Splits) -> list[str]:
    return [examples[0].tokens[0] if examples else "" for examples in (splits.train, splits.dev, splits.test)]


@pytest.mark.parametrize(
    ("names", "variant", "expected"),
    [
        (["train.txt", "val.txt", "test.txt"], "", ["train.txt", "val.txt", "test.txt"]),
        (["train.tsv", "train_dev.tsv", "devel.tsv", "test.tsv"], "", ["train.tsv", "devel.tsv", "test.tsv"]),
        (["train-set", "dev-set", "test-wsj", "test-brown"], "brown", ["train-set", "dev-set", "test-brown"]),
        (["train-set", "dev-set", "test-wsj", "test-brown"], "WSJ", ["train-set", "dev-set", "test-wsj"]),
        (["train.txt", "dev.txt"], "", ["train.txt", "dev.txt", ""]),
    ],
)
def test_names_of_files(tmp_path: Path, names: list[str], variant: str, expected: list[str]) -> None:
    assert firsts(read_folder(folder_of(tmp_path, names), read_conll, variant=variant)) == expected


def test_a_variant_does_not_mix_data_sets(tmp_path: Path) -> None:
    folder_of(tmp_path, ["a.train", "a.dev", "a.test", "b.test"])
    with pytest.raises(InputError, match="no file for the train split"):
        find_split(tmp_path, "train", "b")
    with pytest.raises(InputError, match=r"more than one .*: test-brown, test-wsj; .*for example .*:brown"):
        read_folder(folder_of(tmp_path / "srl", ["train-set", "dev-set", "test-wsj", "test-brown"]), read_conll)


def test_a_lone_test_file_is_enough_to_evaluate(tmp_path: Path) -> None:
    folder_of(tmp_path, ["test.txt"])
    for name in (tmp_path, tmp_path / "test.txt"):
        assert load_data(str(name), read_conll, only=("test",)).test[0].tokens == ("test.txt",)
    with pytest.raises(InputError, match="(no|more than one) file for the test split"):
        load_data(str(folder_of(tmp_path / "other", ["train.txt", "dev.txt"])), read_conll, only=("test",))


def test_dev_is_held_out_of_train(tmp_path: Path) -> None:
    write(tmp_path, "".join(f"w{n} B-X\n\n" for n in range(50)), "train.txt")
    write(tmp_path, "w O\n", "test.txt")
    with pytest.raises(InputError, match=r"no file for the dev split.*--dev-fraction 0.1 holds out part of train"):
        read_folder(tmp_path, read_conll)
    reading = ReadingConfig(dev_fraction=0.2)
    found = read_folder(tmp_path, read_conll, reading=reading)
    assert (len(found.train), len(found.dev), len(found.test)) == (40, 10, 1)
    assert len({example.tokens for example in (*found.train, *found.dev)}) == 50
    assert "held out 10 of 50 training sentences as dev" in found.notes[-1]
    assert found.dev == read_folder(tmp_path, read_conll, reading=reading, only=("dev",)).dev
    with pytest.raises(InputError, match="leaves no sentences for dev"):
        read_folder(tmp_path, read_conll, reading=ReadingConfig(dev_fraction=0.001))
    write(tmp_path, "w O\n", "dev.txt")
    with pytest.raises(InputError, match="the folder already has a dev file, .*; leave out --dev-fraction"):
        read_folder(tmp_path, read_conll, reading=reading)


def test_a_file_alone_is_train_and_dev(tmp_path: Path) -> None:
    path = write(tmp_path, "".join(f"w{n} B-X\n\n" for n in range(50)), "all.txt")
    found = load_data(str(path), read_conll, ReadingConfig(dev_fraction=0.1))
    assert (len(found.train), len(found.dev), len(found.test)) == (45, 5, 0) and "no test file" in found.notes[0]
    with pytest.raises(
        InputError, match=r"is a file, not a folder .*; hold out part of it as dev with --dev-fraction 0.1"
    ):
        load_data(str(path), read_conll)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("token", "name=column pairs"),
        ("token=0", "token must be a column number from 1, not '0'"),
        ("a=1", "token and tag"),
        ("tag=²", "tag must be a column number"),
    ],
)
def test_damaged_columns(tmp_path: Path, columns: str, message: str) -> None:
    folder_of(tmp_path, ["train", "dev", "test"])
    with pytest.raises(InputError, match=f"--columns.*{message}"):
        read_folder(tmp_path, read_conll, reading=ReadingConfig(columns=columns))


def test_choices_that_a_reader_does_not_have(tmp_path: Path) -> None:
    folder_of(tmp_path, ["train", "dev", "test"])
    with pytest.raises(InputError, match="--columns: the reader for this task's files does not support it"):
        read_folder(tmp_path, lambda path: read_conll(path), reading=ReadingConfig(columns="token=1"))
    with pytest.raises(InputError, match="--encoding: unknown encoding 'utf-99'"):
        read_folder(tmp_path, read_conll, reading=ReadingConfig(encoding="utf-99"))


@pytest.mark.parametrize("task", ["ner", "sentiment", "srl"])
def test_json_lines_for_predict(task: str) -> None:
    """A line of JSON is one sentence, never tokens such as `{"text":`."""
    parse = load_task(task).parse
    for line in ('{"tokens": ["a\u00a0b", "c"]}', '{"text": "a\u00a0b\\nc"}', "a\u00a0b c"):
        assert [example.tokens for example in parse(line, "f:1")] == [("a\u00a0b", "c")]
    for line in ('{"label": 1}', '{"tokens": ["a b"]}', '{"text"', '{"tokens": [1]}', '{"text": "\\ud83d"}'):
        with pytest.raises(InputError, match="f:1: ") as fault:
            parse(line, "f:1")
        assert "\n" not in str(fault.value)


def test_data_without_a_train_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three quarters of dev are the training data of germeval2014, unless there is a train file."""
    monkeypatch.setenv("ELMO_TASKS_DATA", str(tmp_path))
    folder = tmp_path / "germeval2014"
    for split, size in (("dev", 20), ("test", 5)):
        write(
            folder,
            "\n".join(f"#\tsource\n1\tName{n}\tB-PER\tO\n2\tging\tO\tO\n" for n in range(size)),
            f"NER-de-{split}.tsv",
        )
    found = load_data("germeval2014", load_task("ner").read)
    assert [len(found.get(split)) for split in ("train", "dev", "test")] == [15, 5, 5]
    assert not {e.tokens for e in found.train} & {e.tokens for e in found.dev}
    assert any("held out 5 of 20 training sentences as dev" in note for note in found.notes)
    assert load_data("germeval2014", load_task("ner").read, only=("dev",)).dev == found.dev
    assert load_data("germeval2014", load_task("ner").read, only=("test",)).test == found.test
    half = load_data("germeval2014", load_task("ner").read, ReadingConfig(dev_fraction=0.5))
    assert [len(half.get(split)) for split in ("train", "dev", "test")] == [10, 10, 5]
    write(tmp_path / "more", SENTENCE, "train.txt")
    joined = load_data("germeval2014+more", load_task("ner").read)
    assert [len(joined.get(split)) for split in ("train", "dev", "test")] == [16, 5, 5]
    write(folder, "1\tAda\tB-PER\tO\n", "NER-de-train.tsv")
    whole = load_data("germeval2014", load_task("ner").read)
    assert [len(whole.get(split)) for split in ("train", "dev", "test")] == [1, 20, 5]


def test_germeval(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The outer entities of its README, and two corpora of biomedical text that need nothing special."""
    monkeypatch.setenv("ELMO_TASKS_DATA", str(shared_data))
    sizes = {"germeval2014": (1650, 550, 5100), "bc5cdr": (4560, 4581, 4797), "ncbi_disease": (5424, 923, 940)}
    for name, expected in sizes.items():
        found = load_data(name, load_task("ner").read)
        assert tuple(len(found.get(split)) for split in ("train", "dev", "test")) == expected
    german = load_data("germeval2014", load_task("ner").read)
    tags = [tag for example in (*german.train, *german.dev) for tag in example.tags]
    assert sum(tag.startswith("B-") for tag in tags) == 2674 and len(tags) == 41_653
