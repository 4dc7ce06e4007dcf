"""Several data sets as one, renamed labels, and splits held out from train."""

from __future__ import annotations

from pathlib import Path

import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.data.catalog import load_data, parts_of, short_name
from elmo_tasks.data.conll import read_conll
from elmo_tasks.data.label_map import LabelMap
from elmo_tasks.data.labelled import read_labelled
from elmo_tasks.data.reading import ReadingConfig
from elmo_tasks.data.splits import Splits
from elmo_tasks.data.srl import read_srl
from elmo_tasks.text.examples import LabelledSentence
from elmo_tasks.text.labels import span_types

MAP = "person=PER,place=LOC,PER=PER,LOC=LOC,*=drop"


def folder_of(folder: Path, sentences: dict[str, list[str]]) -> Path:
    folder.mkdir(parents=True)
    for split, rows in sentences.items():
        (folder / f"{split}.txt").write_text("".join(row + "\n\n" for row in rows))
    return folder


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """Corpora with other types and other columns; `c` has no dev file, `b` no test file."""
    folder_of(tmp_path / "a", {"train": ["Ada B-PER"], "dev": ["Oslo B-LOC"], "test": ["Bern B-LOC\nis O"]})
    folder_of(
        tmp_path / "b", {"train": ["Kofi X B-person\nMensah X I-person", "war X B-event"], "dev": ["Rome X B-place"]}
    )
    folder_of(tmp_path / "c", {"train": ["Lima I-LOC"], "test": ["Lima I-LOC\nAda I-MISC"]})
    return tmp_path


def test_other_names_for_labels() -> None:
    rename = LabelMap("a=x, b=x,c=drop")
    assert [rename(name) for name in "abcd"] == ["x", "x", None, "d"]
    tags = ("B-a", "I-a", "B-b", "O", "B-c", "I-c", "B-d")
    assert rename.tags(tags) == ("B-x", "I-x", "B-x", "O", "O", "O", "B-d")
    assert LabelMap().tags(tags) == tags
    for text in ("a", "a=", "=x", "a=x,a=y"):
        with pytest.raises(InputError, match=r"--map-labels must be OLD=NEW pairs such as person=PER,\*=drop"):
            LabelMap(text)


def test_data_sets_with_other_types_are_joined(three: Path) -> None:
    name = "+".join(str(three / part) for part in "abc")
    found = load_data(name, read_conll, ReadingConfig(map_labels=MAP))
    assert [[x.tokens[0] for x in found.get(split)] for split in ("train", "dev", "test")] == [
        ["Ada", "Kofi", "war", "Lima"],
        ["Oslo", "Rome"],
        ["Bern", "Lima"],
    ]
    assert span_types(x.tags for split in (found.train, found.dev, found.test) for x in split) == {"PER", "LOC"}
    assert found.train[1].tags == ("B-PER", "I-PER") and found.train[2].tags == ("O",)
    assert f"{three / 'c'}: no dev file; it adds nothing to dev" in found.notes
    records = found.part_records()
    assert [(each["data"], each["train"], each["dev"], each["test"]) for each in records] == [
        (str(three / "a"), 1, 1, 1),
        (str(three / "b"), 2, 1, 0),
        (str(three / "c"), 1, 0, 1),
    ]
    assert records[0]["data_digest"] == load_data(str(three / "a"), read_conll).digest() != found.digest()
    assert short_name(name) == "a+b+c"


def test_what_is_missing_in_joined_data(three: Path) -> None:
    a, b, c = (str(three / part) for part in "abc")
    test = load_data(f"{a}+{b}+{c}", read_conll, only=("test",))
    assert len(test.test) == 2 and len(test.parts) == 2 and not test.train
    with pytest.raises(InputError, match="none of these has a dev file; --dev-fraction 0.1 holds out"):
        load_data(f"{c}+{folder_of(three / 'd', {'train': ['x B-X'], 'test': ['x O']})}", read_conll)
    with pytest.raises(InputError, match="all of these already have a dev file; leave out --dev-fraction"):
        load_data(f"{a}+{b}", read_conll, ReadingConfig(dev_fraction=0.1))
    (three / "c" / "train.txt").write_text("".join(f"w{n} B-X\n\n" for n in range(10)))
    held = load_data(f"{a}+{c}", read_conll, ReadingConfig(dev_fraction=0.2))
    assert (len(held.train), len(held.dev), len(held.test)) == (9, 3, 2)
    for wrong in (f"{a}+", f"{a}+{a}"):
        with pytest.raises(InputError, match="data sets joined with \\+ must all be named and all differ"):
            load_data(wrong, read_conll)
    with pytest.raises(InputError, match="--data: there is no data set 'nowhere'"):
        load_data(f"{a}+nowhere", read_conll)


def test_a_folder_may_have_a_plus_in_its_name(three: Path) -> None:
    (three / "a").rename(three / "a+b")
    assert parts_of(str(three / "a+b")) == [str(three / "a+b")]
    assert len(load_data(str(three / "a+b"), read_conll).train) == 1


def test_a_misspelt_label_is_told(three: Path) -> None:
    found = load_data(str(three / "b"), read_conll, ReadingConfig(map_labels="persn=PER,*=drop"))
    assert "--map-labels: the data has no label 'persn'; its labels are 'event', 'person', 'place'" in found.notes


def test_labels_of_texts_and_readers_without_the_choice(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("good a film\nvery-good b film\nmixed c film\n")
    examples = read_labelled(tmp_path / "train.txt", map_labels=LabelMap("very-good=good,mixed=drop"))
    assert [(x.label, x.tokens[0]) for x in examples] == [("good", "a"), ("good", "b")]
    with pytest.raises(InputError, match="--map-labels: the reader for this task's files does not support it"):
        load_data(str(tmp_path), read_srl, ReadingConfig(map_labels="A0=ARG0"))


def test_a_folder_with_train_alone_is_split(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("".join(f"{n % 2} text {n}\n" for n in range(50)))

    def texts(splits: Splits, split: str) -> list[str]:
        return [example.tokens[1] for example in splits.get(split)]

    found = load_data(str(tmp_path), read_labelled)
    assert (len(found.train), len(found.dev), len(found.test)) == (40, 5, 5)
    assert sorted(map(int, texts(found, "train") + texts(found, "dev") + texts(found, "test"))) == list(range(50))
    assert "held out 5 of 50 training sentences as dev (--dev-fraction 0.1)" in found.notes[0]
    assert "held out 5 of 50 training sentences as test (--test-fraction 0.1)" in found.notes[1]
    for split in ("dev", "test"):
        assert texts(load_data(str(tmp_path), read_labelled, only=(split,)), split) == texts(found, split)
    own = load_data(str(tmp_path), read_labelled, ReadingConfig(dev_fraction=0.2))
    assert (len(own.train), len(own.dev), len(own.test)) == (40, 10, 0)
    assert set(texts(found, "dev")) < set(texts(own, "dev"))


def test_a_lone_file_is_split_as_it_is_told(tmp_path: Path) -> None:
    path = tmp_path / "all.txt"
    path.write_text("".join(f"{n % 2} text {n}\n" for n in range(50)))
    reading = ReadingConfig(dev_fraction=0.1, test_fraction=0.2)
    found = load_data(str(path), read_labelled, reading)
    assert (len(found.train), len(found.dev), len(found.test)) == (35, 5, 10)
    assert load_data(str(path), read_labelled, reading, only=("test",)).test == found.test
    with pytest.raises(InputError, match="no test split; the file is training data, from which only dev is held out"):
        load_data(str(path), read_labelled, ReadingConfig(dev_fraction=0.1), only=("test",))
    assert isinstance(found.test[0], LabelledSentence)


def test_the_corpora_that_train_a_shipped_tagger(shared_data: Path) -> None:
    """Five corpora with three layouts, three sets of types and one without dev, as one of three types."""
    parts = ("uner_en_ewt", "wikigold", "btc", "fin_sec", "gum_entities/open")
    kept = "PER=PER,LOC=LOC,ORG=ORG,person=PER,place=LOC,organization=ORG,*=drop"
    found = load_data("+".join(str(shared_data / part) for part in parts), read_conll, ReadingConfig(map_labels=kept))
    assert [record["train"] for record in found.part_records()] == [12_543, 1_384, 6_338, 1_164, 5_931]
    assert span_types(x.tags for x in (*found.train, *found.dev, *found.test)) == {"PER", "LOC", "ORG"}
