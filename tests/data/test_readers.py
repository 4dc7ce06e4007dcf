"""Column files, folders of splits, the catalog and the hub."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.folders import MARKER, make_folder, mark
from elmo_tasks.data.catalog import load_data, locate
from elmo_tasks.data.conll import read_conll, read_tokens
from elmo_tasks.data.hub import load_conll2003
from elmo_tasks.data.labelled import read_labelled
from elmo_tasks.data.splits import find_split, read_folder
from elmo_tasks.text.spans import to_spans


@pytest.mark.parametrize(
    ("name", "sentences", "spans"), [("train", 14041, 23499), ("testa", 3250, 5942), ("testb", 3453, 5648)]
)
def test_conll_2003_counts(shared_data: Path, name: str, sentences: int, spans: int) -> None:
    """Sentences and entities as Tjong Kim Sang and De Meulder (2003) count them, document marks left out."""
    found = read_conll(shared_data / "conll2003" / f"eng.{name}")
    assert len(found) == sentences
    assert sum(len(to_spans(example.tags, "BIO")) for example in found) == spans


def write(tmp_path: Path, data: str | bytes) -> Path:
    path = tmp_path / "file.txt"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


@pytest.mark.parametrize(
    "text",
    [
        "a B-X\nb O\n",
        "a\tB-X\nb\tO\n\n\n",
        "\ufeffa NN I-X\r\nb NN O\r\n",
        "-DOCSTART- -X- O O\n\na x y S-X\nb x y O",
    ],
)
def test_formats(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, text)
    (found,) = read_conll(path)
    assert found.tokens == ("a", "b") and found.tags == ("B-X", "O")
    assert found.source == f"{path}:{3 if 'DOCSTART' in text else 1}"


def test_other_blanks_belong_to_a_token(tmp_path: Path) -> None:
    (found,) = read_conll(write(tmp_path, "10\u00a0000 O\na\u3000b\tB-X\n"))
    assert found.tokens == ("10\u00a0000", "a\u3000b")


def test_columns_can_be_chosen(tmp_path: Path) -> None:
    (found,) = read_conll(write(tmp_path, "1 a B-X z\n"), token_column=1, tag_column=2)
    assert (found.tokens, found.tags) == (("a",), ("B-X",))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("a O\nb\n", r"file.txt:2: at least 2 columns are needed \(token ... tag\), but the row has 1: 'b'"),
        ("a O\n\nb B-\n", r"file.txt:3: 'B-' is not a tag such as"),
        ("\n\n", r"file.txt: the file has no sentences"),
        (b"a O\n\xff O\n", r"file.txt:2: the byte 0xff is not valid UTF-8"),
        ("a O\n\nb B-X\nc E-X\nd I-X\n", r"file.txt:5: 'I-X' after 'E-X' at token 3 is not legal in the scheme BIOES"),
    ],
)
def test_damaged_files(tmp_path: Path, data: str | bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_conll(write(tmp_path, data))


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_conll(tmp_path / "none")


def test_names_of_splits(tmp_path: Path) -> None:
    for name in ("eng.train", "eng.testa", "eng.testb", "README.md"):
        (tmp_path / name).write_text("")
    assert [find_split(tmp_path, split).name for split in ("train", "dev", "test")] == [
        "eng.train",
        "eng.testa",
        "eng.testb",
    ]
    (tmp_path / "other_dev.conll").write_text("")
    with pytest.raises(
        InputError, match=r"more than one file for the dev split .*: eng.testa, other_dev.conll; the folder"
    ):
        find_split(tmp_path, "dev")


def test_variants_share_a_folder(shared_data: Path) -> None:
    assert find_split(shared_data / "sst", "dev", "fine").name == "stsa.fine.dev"


def test_a_missing_split_says_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("a O\n")
    with pytest.raises(InputError, match=r"no file for the dev split .*; the folder contains train.txt"):
        read_folder(tmp_path, read_conll)


def test_names_of_data(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELMO_TASKS_DATA", str(shared_data))
    assert len(load_data("conll2003", read_conll).dev) == 3250
    with pytest.raises(InputError, match=r"no data set 'conll2030'; did you mean conll2003\?"):
        load_data("conll2030", read_conll)


def stand_in(repository: str, revision: str | None) -> dict[str, Any]:
    """What `datasets.load_dataset` returns for the hub's CoNLL-2003, with two rows a split."""
    import datasets

    names = ["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC", "B-MISC", "I-MISC"]
    features = datasets.Features(
        {
            "tokens": datasets.Sequence(datasets.Value("string")),
            "ner_tags": datasets.Sequence(datasets.ClassLabel(names=names)),
        }
    )
    rows = {"tokens": [["-DOCSTART-"], ["Ada", "Love", "left"]], "ner_tags": [[0], [1, 2, 0]]}
    made = datasets.Dataset.from_dict(rows, features=features)
    return {"train": made, "validation": made, "test": made}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_hub() -> None:
    found = load_conll2003(stand_in)
    assert found.origin == "hub:eriktks/conll2003"
    assert [(s.tokens, s.tags) for s in found.train] == [(("Ada", "Love", "left"), ("B-PER", "I-PER", "O"))]


def test_a_mirror_and_no_source_at_all() -> None:
    def second(repository: str, revision: str | None) -> dict[str, Any]:
        if revision is not None:
            raise RuntimeError("Dataset scripts are no longer supported")
        return stand_in(repository, revision)

    assert load_conll2003(second).origin == "hub:tomaarsen/conll2003"

    def without_test(repository: str, revision: str | None) -> dict[str, Any]:
        found = stand_in(repository, revision)
        return found if revision is None else {name: found[name] for name in ("train", "validation")}

    assert load_conll2003(without_test).origin == "hub:tomaarsen/conll2003"

    def offline(repository: str, revision: str | None) -> dict[str, Any]:
        raise ConnectionError

    with pytest.raises(InputError, match=r"not available from the hub \(no connection\); put eng.train"):
        load_conll2003(offline)


def test_labels_of_tokens_stay_as_they_are(tmp_path: Path) -> None:
    """A part of speech is no span: nothing is read into `X-PER` or an `I-` without its `B-`."""
    (found,) = read_tokens(write(tmp_path, "# SYM X-PER\nb ADP I-A\n"), tag_column=2)
    assert (found.tokens, found.tags) == (("#", "b"), ("X-PER", "I-A"))
    (found,) = read_tokens(write(tmp_path, "# comment\n1 # SYM\n"), token_column=1, mark="#")
    assert (found.tokens, found.tags) == (("#",), ("SYM",))
    with pytest.raises(InputError, match="file.txt: the file has no sentences; expected columns"):
        read_tokens(write(tmp_path, "\n"))


def test_ud_ewt_counts(shared_data: Path) -> None:
    """Sentences, words and tags as the data set's own README counts them."""
    found = read_tokens(shared_data / "ud_ewt_pos" / "train.txt", tag_column=1)
    assert len(found) == 12544 and sum(len(sentence.tokens) for sentence in found) == 204577
    assert len({tag for sentence in found for tag in sentence.tags}) == 17


def test_a_folder_may_have_underscores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELMO_TASKS_DATA", str(tmp_path))
    (tmp_path / "ud_ewt_pos").mkdir()
    assert locate("ud-ewt-pos") == (tmp_path / "ud_ewt_pos", "", "train")


def test_an_output_called_like_a_data_set_does_not_hide_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`benchmark nli --data sick -o sick`, then the same again; a run has files such as `predictions.test.txt`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ELMO_TASKS_DATA", str(tmp_path / "data"))
    (tmp_path / "data" / "sick").mkdir(parents=True)
    (tmp_path / "data" / "sick" / "SICK_train.txt").write_text("x")
    (tmp_path / "sick" / "cells").mkdir(parents=True)
    assert locate("sick") == (tmp_path / "data" / "sick", "", "train")
    assert locate("./sick") == (Path("sick"), "", "train")
    (tmp_path / "sick" / "predictions.test.txt").write_text("x")
    mark(tmp_path / "sick", "run")
    assert locate("sick") == (tmp_path / "data" / "sick", "", "train")
    (tmp_path / "sick" / MARKER).unlink()
    assert locate("sick") == (Path("sick"), "", "train")  # a folder with data comes first


def test_an_output_called_like_a_data_set_that_is_not_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ELMO_TASKS_DATA", raising=False)
    for name in ("sick", "conll2003", "snli-cf", "mine"):
        make_folder(tmp_path / name, "run")
    with pytest.raises(InputError, match=r"sick is not on this disk; put its files into \$ELMO_TASKS_DATA/sick \(ELMO"):
        load_data("sick", read_labelled)
    with pytest.raises(InputError, match=r"into \$ELMO_TASKS_DATA/snli/cad_all .*, or give their folder, as ./snli"):
        load_data("snli-cf", read_labelled)
    with pytest.raises(InputError, match="there is no data set 'mine'"):
        load_data("mine", read_labelled)
    assert locate("conll2003") is None  # it comes from the hub
    (tmp_path / "breaking-nli").mkdir()
    with pytest.raises(InputError, match="breaking-nli: no file for the train split .* contains nothing"):
        load_data("breaking-nli", read_labelled)
