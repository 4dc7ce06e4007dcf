"""CoNLL-U for entities, labels of tokens and roles, and the other files with one label per token."""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.data.conll import read_conll
from elmo_tasks.data.conllu import read_conllu
from elmo_tasks.data.label_map import LabelMap
from elmo_tasks.data.srl import read_srl
from elmo_tasks.data.tagged import read_tagged

# "Zum Auto, 2 x": a contraction, an empty node, a form with a blank, attributes in MISC.
TREEBANK = """# sent_id = 1
# text = zum Auto 10 000 O
1-2\tzum\t_\t_\t_\t_\t_\t_\t_\tSpaceAfter=No
1\tzu\tzu\tADP\tAPPR\t_\t3\tcase\t_\tNER=O
2\tdem\tder\tDET\tART\tCase=Dat\t3\tdet\t_\tNER=O
3\tAuto\tAuto\tNOUN\tNN\tCase=Dat\t0\troot\t0:root\tNER=B-X|Lang=de
3.1\tgeht\tgehen\tVERB\tVV\t_\t_\t_\t0:root\t_
4\t10 000\t10000\tNUM\tCARD\t_\t3\tnummod\t_\tNER=I-X|Note=a=b

1\t#\t#\tSYM\t$.\t_\t0\troot\t_\t_

"""
TOKENS = [("zu", "dem", "Auto", "10\u00a0000"), ("#",)]


def write(folder: Path, text: str, name: str = "train.conllu") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("", ["ADP", "DET", "NOUN", "NUM", "SYM"]),
        ("XPOS", ["APPR", "ART", "NN", "CARD", "$."]),
        ("deprel", ["case", "det", "root", "nummod", "root"]),
        ("4", ["ADP", "DET", "NOUN", "NUM", "SYM"]),
        ("Lang", ["_", "_", "de", "_", "_"]),
        ("Note", ["_", "_", "_", "a=b", "_"]),
    ],
)
def test_any_column_or_attribute_is_a_label(tmp_path: Path, column: str, expected: list[str]) -> None:
    notes: list[str] = []
    found = read_tagged(write(tmp_path, TREEBANK), columns={"tag": column} if column else {}, note=notes.append)
    assert [example.tokens for example in found] == TOKENS
    assert [tag for example in found for tag in example.tags] == expected
    assert [example.source for example in found] == [f"{tmp_path}/train.conllu:{line}" for line in (4, 10)]
    assert not notes


def test_entities_in_misc(tmp_path: Path) -> None:
    path = write(tmp_path, TREEBANK)
    found = read_conll(path)
    assert [example.tokens for example in found] == TOKENS
    assert [example.tags for example in found] == [("O", "O", "B-X", "I-X"), ("O",)]
    assert read_conll(path, columns={"tag": "NER"}) == found
    two = write(tmp_path, TREEBANK.replace("NER=I-X", "NER=I-X|Inner=B-Y"), "two.conllu")
    with pytest.raises(InputError, match="several MISC keys have span tags; name one, for example --columns tag=NER"):
        read_conll(two)
    assert read_conll(two, columns={"tag": "Inner"})[0].tags == ("O", "O", "O", "B-Y")
    bare = write(tmp_path, TREEBANK.replace("NER=", "").replace("|Lang=de", "").replace("|Note=a=b", ""), "bare.conllu")
    assert [example.tags for example in read_conll(bare)] == [example.tags for example in found]


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        (TREEBANK.replace("NER=", "E="), {"tag": "NER"},
         r"train.conllu:4: there is no column or MISC key 'NER'; "
         r"the file is CoNLL-U with the columns ID, FORM, .*, MISC and the keys E, Lang, Note in MISC"),
        (TREEBANK.replace("NER=B-X", "X=1"), {"tag": "99"}, r"train.conllu:4: there is no column '99'"),
        (TREEBANK.replace("\t0\troot\t0:root", "\t0"), {},
         r"train.conllu:6: not a row of CoNLL-U, which has 10 tab-separated columns"),
        ("# global.columns = ID UP:PRED\n1\tgo.01\n", {},
         r"train.conllu:2: there is no column FORM with the words; merge"),
        ("# global.columns = ID FORM\n", {}, r"the file has no sentences; expected CoNLL-U"),
        (TREEBANK.replace("NER=B-X|", "").replace("NER=I-X|", "").replace("NER=O", "_"), {},
         r"train.conllu:4: no column has span tags; name one, for example --columns tag=NER"),
    ],
)  # fmt: skip
def test_entities_that_are_refused(tmp_path: Path, text: str, columns: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message) as fault:
        read_conll(write(tmp_path, text), columns=columns)
    assert "\n" not in str(fault.value)


def test_other_numbered_columns_are_no_conllu(tmp_path: Path) -> None:
    """CoNLL-2009 has lemmas where CoNLL-U has UPOS; NeuroNLP2 and GermEval have fewer columns."""
    row = "1\tAda\tada\tada\tNNP\tNNP\t_\t_\t2\t2\tSBJ\tSBJ\t_\t_\n"
    assert read_conllu(write(tmp_path, row)) is None
    assert read_conllu(write(tmp_path, "1\tAda\tB-PER\tO\n")) is None
    assert read_conllu(write(tmp_path, "Ada B-PER\n")) is None


def test_no_labels_in_the_usual_column(tmp_path: Path) -> None:
    text = "1\tAda\t_\t_\tNNP\t_\t0\troot\t_\t_\n"
    with pytest.raises(InputError, match="the column 'UPOS' is empty; name the column with the labels"):
        read_tagged(write(tmp_path, text))
    assert read_tagged(write(tmp_path, text), columns={"tag": "XPOS"})[0].tags == ("NNP",)


PROPBANK = """# global.columns = ID FORM LEMMA UPOS XPOS FEATS HEAD DEPREL DEPS MISC UP:PRED UP:ARGHEADS UP:ARGSPANS
# text = Ich hatte Gelegenheit eines Seminars
1\tIch\tich\tPRON\tX\t_\t2\tnsubj\t_\t_\t_\t_\t_
2\thatte\thaben\tVERB\tX\t_\t0\troot\t_\t_\thave.03\tA0:1|A1:3\tA0:1-1|A1:3-4
3\tGelegenheit\tG\tNOUN\tX\t_\t2\tobj\t_\t_\t_\t_\t_
4\tda\tda\tADV\tX\t_\t2\tadv\t_\t_\tthere.01\t_\t_

"""


def test_spans_of_universal_propbank(tmp_path: Path) -> None:
    found = read_srl(write(tmp_path, PROPBANK, "train.conllup"))
    assert [example.predicate for example in found] == [None, 1, 3]
    assert [example.tags for example in found] == [
        ("O", "B-V", "O", "B-V"),
        ("B-A0", "B-V", "B-A1", "I-A1"),
        ("O", "O", "O", "B-V"),
    ]
    notes: list[str] = []
    overlapping = PROPBANK.replace("A1:3-4", "A1:3-4|AM:4-4|A2:1-3")
    assert read_srl(write(tmp_path, overlapping), note=notes.append)[1].tags == found[1].tags
    assert notes == [f"{tmp_path}/train.conllu:4 and in 1 other places: ignored a span that overlaps another one or "
                     "its predicate"]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (PROPBANK.replace("A1:3-4", "A1:4-3"), r"train.conllu:4: .* is not a list of spans such as A0:1-1\|A1:4-6"),
        (PROPBANK.replace("A1:3-4", "A1:3-9"), r"train.conllu:4: .* is not a list of spans"),
        (PROPBANK.replace("A1:3-4", "A1"), r"train.conllu:4: .* is not a list of spans"),
        (PROPBANK.replace("3\tGelegenheit", "3\t"), r"train.conllu:5: the word is empty"),
        (
            PROPBANK.replace(" UP:ARGSPANS", ""),
            r"the file is Universal PropBank with the columns MISC, UP:PRED, UP:ARGHEADS; this",
        ),
        (
            PROPBANK.split("\n", 1)[1],
            r"the file is CoNLL-U with more columns, like Universal PropBank 1",
        ),
        (TREEBANK, r"train.conllu:4: the file is CoNLL-U without semantic roles; this task needs argument spans"),
    ],
)
def test_roles_that_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as fault:
        read_srl(write(tmp_path, text))
    assert "\n" not in str(fault.value)


SENTENCES = [(("Rain/snow", "falls", "."), ("NN", "VBZ", ".")), (("#", "3/4"), ("SYM", "CD"))]
LAYOUTS = {
    "words_TAG": "Rain/snow_NN falls_VBZ ._.\n\n#_SYM 3/4_CD\n",
    "words/TAG": "\tRain/snow/NN falls/VBZ ./.\n#/SYM 3/4/CD\n",
    "one word_TAG per line": "Rain/snow_NN\nfalls_VBZ\n._.\n\n#_SYM\n3/4_CD\n",
    "columns": "# id = 3\nRain/snow NN\nfalls VBZ\n. .\n\n# SYM\n3/4 CD\n",
    "columns between tabs": "-DOCSTART-\tX\n\nRain/snow\tNN\nfalls\tVBZ\n.\t.\n\n#\tSYM\n3/4\tCD\n",
    "numbered rows": "1 Rain/snow NN\n2 falls VBZ\n3 . .\n\n1 # SYM\n2 3/4 CD\n",
}


@pytest.mark.parametrize("text", LAYOUTS.values(), ids=LAYOUTS)
def test_one_label_per_token(tmp_path: Path, text: str) -> None:
    (tmp_path / "train.txt.xz").write_bytes(lzma.compress(text.encode()))
    assert [(example.tokens, example.tags) for example in read_tagged(tmp_path / "train.txt.xz")] == SENTENCES


def test_columns_are_chosen_or_told(tmp_path: Path) -> None:
    path, notes = write(tmp_path, "Rain NOUN NN\nfalls VERB VBZ\n", "train.txt"), list[str]()
    assert read_tagged(path, note=notes.append)[0].tags == ("NN", "VBZ")
    assert (
        "the labels are read from the last of 3 columns; choose another one with --columns, for example token=1,tag=2"
        in notes[0]
    )
    notes.clear()
    chosen = read_tagged(path, columns={"token": "1", "tag": "2"}, note=notes.append, map_labels=LabelMap("VERB=V"))
    assert chosen[0].tags == ("NOUN", "V") and not notes
    with pytest.raises(InputError, match=r"train.txt:1: --map-labels drops 'NN', but each token needs a label"):
        read_tagged(path, map_labels=LabelMap("*=drop"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a_X b_Y\nc_X d\ne_X f_X\n",
            r"train.txt:2: 'd' is not a word, _ and its label.*--columns token=1,tag=2",
        ),
        ("a X\nb\n", r"train.txt:2: at least 2 columns are needed"),
        ("a\tX\nb\t\n", r"train.txt:2: at least 2 columns are needed|train.txt:2: the tag is empty"),
        ("", r"the file has no sentences; expected columns `token ... label`"),
    ],
)
def test_labels_that_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_tagged(write(tmp_path, text, "train.txt"))


def test_the_web_treebank(shared_data: Path) -> None:
    found = read_tagged(shared_data / "ud_ewt_pos" / "test.txt", columns={"token": "1", "tag": "2"})
    assert (len(found), sum(len(example.tokens) for example in found)) == (2077, 25094)
    assert len({tag for example in found for tag in example.tags}) == 17


def test_a_file_of_ranges_only_has_no_numbers(tmp_path: Path) -> None:
    """`0-0` is a token then: nothing would be left without it."""
    (tmp_path / "a.txt").write_text("0-0\tof\tX\n\n1-2\tin\tY\n", encoding="utf-8")
    assert [example.tokens for example in read_tagged(tmp_path / "a.txt")] == [("0-0",), ("1-2",)]
