"""Reading and writing coreference: CoNLL-2012 and GAP."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.data.catalog import load_data
from elmo_tasks.data.coreference import read_coreference, to_conll2012
from elmo_tasks.text.examples import Document

ONTONOTES = """#begin document (bn/cnn/00/cnn_0001); part 001
bn/cnn/00/cnn_0001   1   0   Ada       NNP   (TOP(S(NP*)   -   -   -   Larry_King   *   (ARG0*)   (0)
bn/cnn/00/cnn_0001   1   1   saw       VBD   (VP*          see 01  1   Larry_King   *   (V*)      -
bn/cnn/00/cnn_0001   1   2   her       PRP   (NP*          -   -   -   Larry_King   *   (ARG1*    (1|(0)
bn/cnn/00/cnn_0001   1   3   mother    NN    *)))          -   -   -   Larry_King   *   *)        1)

bn/cnn/00/cnn_0001   1   0   She       PRP   (TOP(S(NP*)   -   -   -   Guest        *   (ARG0*)   (1)
bn/cnn/00/cnn_0001   1   1   left      VBD   (VP*)))       leave 01 1  Guest        *   (V*)      -

#end document
"""
BEGIN = "#begin document (a); part 000\n"


def read(folder: Path, text: str, name: str = "train.conll") -> list[Document]:
    (folder / name).write_text(text, encoding="utf-8")
    return read_coreference(folder / name)


def test_ontonotes(tmp_path: Path) -> None:
    (found,) = read(tmp_path, ONTONOTES)
    assert found == Document(
        (("Ada", "saw", "her", "mother"), ("She", "left")),
        (((0, 1), (2, 3)), ((2, 4), (4, 5))),
        ("Larry_King",) * 4 + ("Guest",) * 2,
        "bn",
        "bn/cnn/00/cnn_0001",
        1,
        source=f"{tmp_path / 'train.conll'}:1",
    )
    assert found.tokens == ("Ada", "saw", "her", "mother", "She", "left")


def test_a_folder_of_ontonotes(tmp_path: Path) -> None:
    for place in ("english/a", "chinese/b"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "x.v4_gold_conll").write_text(ONTONOTES)
    assert len(read_coreference(tmp_path)) == 1


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    (found,) = read(tmp_path, ONTONOTES)
    nested = Document(
        (("a", "b", "c", "d", "e"),),
        (((0, 1), (0, 3), (0, 5)), ((1, 3), (2, 3), (4, 5)), ((1, 4),)),
        name="no name",
    )
    (tmp_path / "again.conll").write_text(to_conll2012([found, nested], [found.clusters, nested.clusters]))
    again = read_coreference(tmp_path / "again.conll")
    assert again[0].clusters == found.clusters and again[0].speakers == found.speakers and again[0].part == 1
    assert again[0].sentences == found.sentences
    assert again[1].clusters == nested.clusters and again[1].name == "no_name" and again[1].speakers == ()
    assert "no_name\t0\t0\ta\t-\t-\t-\t-\t-\t-\t-\t(0|(0|(0)\n" in (tmp_path / "again.conll").read_text()


def test_columns_of_litbank_and_documents_without_an_end(tmp_path: Path) -> None:
    row = "x_brat\t0\t{}\t{}\t" + "\t".join("_" * 8) + "\t{}\n"
    text = "#begin document (x_brat); part 0\n" + row.format(0, "Emma", "(3)") + row.format(1, "a b", "-")
    first, second = read(tmp_path, text + text)
    assert first.sentences == (("Emma", "a\N{NO-BREAK SPACE}b"),) == second.sentences
    assert first.clusters == (((0, 1),),) and first.speakers == () and first.genre == ""


def test_genre_of_gum(tmp_path: Path) -> None:
    text = BEGIN.replace("(a)", "(GUM_fiction_moon)") + "x\t0\t0\tEmma\t(1)\n#end document\n"
    assert read(tmp_path, text)[0].genre == "fiction"


def test_a_mention_of_two_clusters_stays_in_the_first(tmp_path: Path) -> None:
    (tmp_path / "x").write_text(BEGIN + "a 0 0 Ada (2)|(1)\na 0 1 she (1)\na 0 2 her (2)\n")
    notes: list[str] = []
    (found,) = read_coreference(tmp_path / "x", note=notes.append)
    assert found.clusters == (((0, 1), (1, 2)), ((2, 3),))
    assert notes == [f"{tmp_path / 'x'}:2: a mention is annotated twice; it stays only in the first of its clusters"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a 0 0 Ada (0)\n", "x:1: a token outside of a document; expected CoNLL-2012"),
        ("", "x: the file has no documents; expected CoNLL-2012"),
        (BEGIN + "#end document\n", "x: the file has no documents"),
        (BEGIN + "a 0 0 Ada\n", "x:2: the row has 4 columns, but needs at least 5"),
        (BEGIN + "a\t0\t0\t\t-\n", "x:2: the row has no word in column 4"),
        (BEGIN + "a 0 0 Ada (0\n\na 0 0 left 0)\n", "x:2: the mention .0 is not closed in its sentence"),
        (BEGIN + "a 0 0 Ada (0\n", "x:2: the mention .0 is not closed in its sentence; close it with 0"),
        (BEGIN + "a 0 0 Ada 7)\n", "x:2: 7. closes a mention that is not open; open it with .7"),
        (BEGIN + "a 0 0 Ada 7\n", "x:2: '7' is not a coreference cell such as"),
        (BEGIN + "a 0 0 Ada (x)\n", "x:2: '.x.' is not a coreference cell"),
        (BEGIN + f"a 0 0 Ada ({'9' * 5000})\n", "x:2: '.9+.* is not a coreference cell"),
        (BEGIN + "a 0 0 Ada (1)|\n", "x:2: '.1.|' is not a coreference cell"),
    ],
)
def test_faults(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message.replace("|", r"\|")) as raised:
        read(tmp_path, text, "x")
    assert "\n" not in str(raised.value)


HEADER = "ID\tText\tPronoun\tPronoun-offset\tA\tA-offset\tA-coref\tB\tB-offset\tB-coref\tURL\n"
ROW = "t-1\tAda Low met Bo. She left.\tShe\t16\tAda Low\t0\tTRUE\tBo\t12\tFALSE\thttp://x\n"


def test_gap(tmp_path: Path) -> None:
    (found,) = read(tmp_path, HEADER + ROW, "gap-test.tsv")
    assert found.sentences == (("Ada", "Low", "met", "Bo", "."), ("She", "left", "."))
    assert found.clusters == (((0, 2), (5, 6)),) and found.name == "t-1"
    assert found.case == ((5, 6), ((0, 2), (3, 4)), (True, False), True)
    assert found.source == f"{tmp_path / 'gap-test.tsv'}:2"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (ROW.replace("16", "17"), "x:2: Pronoun-offset '17' does not point at 'She' in the text"),
        (ROW.replace("\t12\t", "\t-3\t"), "x:2: B-offset '-3' does not point at 'Bo'"),
        (ROW.replace("TRUE", "yes"), "x:2: A-coref and B-coref must be TRUE or FALSE"),
        (ROW.replace("She", "Sie"), "x:2: 'Sie' is not a pronoun of GAP"),
        ("t-1\tShe left.\n", "x:2: the row has 2 columns, but needs 10"),
        ("", "x: the file has no rows below its header"),
    ],
)
def test_faults_of_gap(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(tmp_path, HEADER + row, "x")


def test_the_sample() -> None:
    """The numbers of its README."""
    splits = load_data("sample-coreference", read_coreference)
    sizes = [
        (len(own), sum(len(d.sentences) for d in own), sum(len(d.tokens) for d in own), *_mentions(own))
        for own in (splits.train, splits.dev, splits.test)
    ]
    assert sizes == [(14, 64, 743, 158, 49), (3, 12, 148, 35, 13), (4, 18, 217, 48, 15)]
    assert not splits.notes


def _mentions(documents: Sequence[Any]) -> tuple[int, int]:
    clusters = [cluster for document in documents for cluster in document.clusters]
    return sum(map(len, clusters)), len(clusters)


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("ontogum-open", {"train": (117, 115936, 14556), "dev": (18, 16241, 1961), "test": (18, 16441, 1974)}),
        ("litbank", {"train": (80, 169456, 23218), "dev": (10, 20438, 3053), "test": (10, 20638, 2832)}),
    ],
)
def test_real_data(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch, name: str, sizes: dict[str, tuple[int, int, int]]
) -> None:
    monkeypatch.setenv("ELMO_TASKS_DATA", str(shared_data))
    splits = load_data(name, read_coreference)
    found = {
        split: (len(own), sum(len(d.tokens) for d in own), _mentions(own)[0])
        for split in sizes
        if (own := splits.get(split))
    }
    assert found == sizes


def test_real_gap(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELMO_TASKS_DATA", str(shared_data))
    found = load_data("gap", read_coreference, only=("test",)).test
    cases = [document.case for document in found if isinstance(document, Document) and document.case is not None]
    assert len(cases) == len(found) == 2000
    assert sum(case.feminine for case in cases) == 1000
    assert [sum(case.refers[which] for case in cases) for which in (0, 1)] == [918, 855]


def test_long_documents_are_no_long_sentences(tmp_path: Path) -> None:
    """The note about missing blank lines is about sentences."""
    row = "x 0 0 word -\n"
    for split, text in (("train", (row * 10 + "\n") * 200), ("dev", row * 1001), ("test", row)):
        (tmp_path / f"{split}.conll").write_text(BEGIN + text)
    notes = load_data(str(tmp_path), read_coreference).notes
    assert [note.partition(";")[0] for note in notes] == [f"{tmp_path / 'dev.conll'}:1: a sentence of 1001 tokens"]
