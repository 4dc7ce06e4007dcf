"""Propositions in three layouts, folders of OntoNotes, the shipped sample, and one clear line for each fault."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.data.catalog import SAMPLE, load_data
from elmo_tasks.data.srl import read_srl
from elmo_tasks.text.examples import TaggedSentence

TOKENS = ("Ada", "wants", "#", "to", "leave")
WANTS = ("B-A0", "B-V", "B-A1", "I-A1", "I-A1")
LEAVE = ("B-A0", "O", "O", "O", "B-V")

EWT = """# doc a sent 0
0 Ada NNP - - (A0*) (A0*)
1 wants VBZ want want.01 (V*) *
2 # # - - (A1* *
3 to TO - - * *
4 leave VB leave leave.01 *) (V*)

# doc a sent 1
0 Rain NN - -
"""
CONLL2005 = """Ada NNP (S* * - - (A0*) (A0*)
wants VBZ * * 01 want (V*) *
# # * * - - (A1* *
to TO * * - - * *
leave VB *) * 01 leave *) (V*)

Rain NN * * - -
"""
CONLL2012 = """#begin document (bc/a/00); part 000
bc/a/00 0 0 Ada NNP (TOP* - - - S (PERSON) (A0*) (A0*) (1)
bc/a/00 0 1 wants VBZ * want 01 1 S * (V*) * -
bc/a/00 0 2 # # * - - - S * (A1* * -
bc/a/00 0 3 to TO * - - - S * * * -
bc/a/00 0 4 leave VB *) leave 01 1 S * *) (V*) -

bc/a/00 0 0 Rain NN (TOP*) rain - 1 S * -

#end document
"""


def write(tmp_path: Path, text: str, name: str = "train.txt") -> Path:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def numbered_from_1(text: str) -> str:
    return re.sub(r"(?m)^\d", lambda number: str(int(number[0]) + 1), text)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (EWT, 2),
        (CONLL2005, 1),
        (CONLL2012, 2),
        (EWT[EWT.index("\n") + 1 :], 1),
        (EWT.replace("# doc", "#doc"), 2),
        ("# a comment alone\n\n" + EWT, 4),
        (numbered_from_1(EWT), 2),
        ("".join(line for line in CONLL2012.splitlines(keepends=True) if line[0] != "#"), 1),
    ],
)
def test_three_layouts(tmp_path: Path, text: str, line: int) -> None:
    path = write(tmp_path, text)
    found = read_srl(path)
    assert [(e.tokens, e.tags, e.predicate) for e in found] == [
        (TOKENS, ("O", "B-V", "O", "O", "B-V"), None),
        (TOKENS, WANTS, 1),
        (TOKENS, LEAVE, 4),
        (("Rain",), ("O",), None),
    ]
    assert found[0].source == f"{path}:{line}"


def test_a_word_alone_does_not_tell_the_layout(tmp_path: Path) -> None:
    """`1` and `#` may be words of CoNLL-2005, and it has no comments."""
    found = read_srl(write(tmp_path, "1 -\n\n#1 - (A0*)\nfell fall (V*)\nhard - *\n"))
    assert [e.tokens for e in found] == [("1",), ("#1", "fell", "hard"), ("#1", "fell", "hard")]


def test_other_blanks_belong_to_a_token(tmp_path: Path) -> None:
    found = read_srl(write(tmp_path, "10\u00a0000 -\t*\nfell fall\t(V*)\n"))
    assert found[1].tokens == ("10\u00a0000", "fell")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"train.txt: the file is empty; expected sentences in the columns of CoNLL-2005"),
        ("\n# doc a\n\n", r"train.txt: the file has only comments; expected sentences"),
        ("Ada -\nleft leave\n", r"train.txt:1: the sentence has 0 span columns for 1 marked predicates"),
        ("Ada - *\nleft - (V*)\n", r"train.txt:1: the sentence has 1 span columns for 0 marked predicates"),
        (
            "a - *\nb b (V*)\n\nc - * (A0*)\nd d (V*) *\n",
            r"train.txt:4: the sentence has 2 span columns for 1 marked predicates",
        ),
        ("Ada - *\nleft leave (V*) *\n", r"train.txt:2: the row has 4 columns, but the sentence has 3"),
        ("Ada - *\nleft leave\n", r"train.txt:2: the row has 2 columns, but the sentence has 3"),
        ("Ada - (A0*\nleft leave (V*)\n", r"train.txt:2: '\(V\*\)' opens a span inside A0"),
        ("Ada - *)\nleft leave (V*)\n", r"train.txt:1: unbalanced brackets: '\*\)' closes"),
        ("Ada leave (V*)\nleft - (A1*\n", r"train.txt:2: unbalanced brackets.*not closed at the end"),
        (
            "Ada - (V*)\nleft leave (V*)\n",
            r"train.txt:2: the column of predicate 1, 'left', has 2 spans V",
        ),
        (
            "Ada - *\nleft leave (A0*)\n",
            r"train.txt:2: the column of predicate 1, 'left', has 0 spans V",
        ),
        (
            "Ada - (V*)\nleft leave *\n",
            r"train.txt:1: the V of predicate 1 is on 'Ada', but the marked row is 'left' on line 2",
        ),
        (
            "just some words *\n*\n",
            r"train.txt:1: no column marks the predicates: .*; expected sentences in the columns",
        ),
        (EWT.replace("4 leave VB leave", "4 leave VB"), r"train.txt:6: the row has 6 columns, but the sentence has 7"),
        (
            CONLL2012.replace("want 01", "want -"),
            r"train.txt:2: the sentence has 2 span columns for 1 marked predicates",
        ),
        ("#begin document\n", r"train.txt: the file has only comments; expected sentences"),
        (
            "2 Ada NNP - -\n3 left VBD leave leave.01 (V*)\n",
            r"train.txt:1: .*neither words nor numbers from 0 or 1: '2 3'; expected sentences in the columns",
        ),
        (
            "bc/a/00 0 Ada NNP - (A0*)\nbc/a/00 1 left VBD leave (V*)\n",
            r"train.txt:1: .*neither words nor numbers.*: 'bc/a/00 bc/a/00'",
        ),
        (EWT.replace("3 to", "5 to"), r"train.txt:2: the first column contains neither .*: '0 1 2 5 4'"),
        (EWT.replace("0 Rain", "5 Rain"), r"train.txt:9: the first column must be 0.*from 0, not '5'"),
        (numbered_from_1(EWT).replace("1 Rain", "0 Rain"), r"train.txt:9: the first column must be 1.*from 1, not '0'"),
        (
            "1\tAda\tAda\tPROPN\tNNP\t_\t2\n2\tleft\tleave\tVERB\tVBD\t_\t0\n",
            r"train.txt:1: column 6 must have spans such as \(ARG0\* or \*, not '_'",
        ),
        ("Ada -\nleft -\n\nRain -\n", r"train.txt: none of the 2 sentences has a predicate"),
    ],
)
def test_damaged_files(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_srl(write(tmp_path, text))


def test_folders_of_ontonotes(tmp_path: Path) -> None:
    for split in ("train", "development", "test"):
        for language in ("english", "chinese"):
            for genre in ("bc/00", "nw/01"):
                place = f"data/{split}/data/{language}/annotations/{genre}/a.v4_gold_conll"
                text = CONLL2012 if language == "english" else CONLL2012.replace("Ada", "Wu")
                write(tmp_path, text, place)
                write(tmp_path, "nothing", place.replace("gold_conll", "auto_conll"))
    (tmp_path / "data" / "conll-2012-test").mkdir()
    found = load_data(str(tmp_path / "data"), read_srl)
    for split in ("train", "dev", "test"):
        assert [example.tokens[0] for example in found.get(split)] == ["Ada", "Ada", "Ada", "Rain"] * 2
    with pytest.raises(InputError, match=r"conll-2012-test: there are no \*_gold_conll files below this folder"):
        read_srl(tmp_path / "data" / "conll-2012-test")


def spans(examples: list[TaggedSentence]) -> Counter[str]:
    return Counter(tag[2:] for e in examples if e.predicate is not None for tag in e.tags if tag[0] == "B")


# Sentences, those without a predicate, tokens, predicates, argument spans, C-V: as the data's README counts them.
@pytest.mark.parametrize(
    ("split", "counts"),
    [
        ("dev", (1968, 437, 24892, 4963, 9583, 20)),
        ("test", (2058, 523, 24944, 4795, 9337, 16)),
    ],
)
def test_counts_of_the_web_treebank(shared_data: Path, split: str, counts: tuple[int, ...]) -> None:
    found = read_srl(shared_data / "ewt_srl" / f"{split}.conll")
    plain = [example for example in found if example.predicate is None]
    by_label = spans(found)
    empty = sum("B-V" not in example.tags for example in plain)
    arguments = sum(by_label.values()) - by_label["V"]
    tokens = sum(len(example.tokens) for example in plain)
    assert (len(plain), empty, tokens, len(found) - len(plain), arguments, by_label["C-V"]) == counts


def test_the_catalog_knows_its_folder(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELMO_TASKS_DATA", str(shared_data))
    assert load_data("ewt-srl", lambda path: [TaggedSentence((path.name,), ("O",))]).dev[0].tokens == ("dev.conll",)


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_the_sample_is_what_its_readme_says(split: str) -> None:
    found = read_srl(SAMPLE / "srl" / f"{split}.txt")
    plain = [example for example in found if example.predicate is None]
    by_label = spans(found)
    tokens = sum(len(example.tokens) for example in plain)
    cells = (split, len(plain), tokens, by_label["V"], sum(by_label.values()) - by_label["V"])
    readme = (SAMPLE / "srl" / "README.md").read_text(encoding="utf-8")
    assert f"| {' | '.join(map(str, cells))} |" in readme


def test_no_sentence_of_the_sample_comes_twice() -> None:
    data = load_data("sample-srl", read_srl)
    texts = [e.tokens for split in ("train", "dev", "test") for e in data.get(split) if e.predicate is None]
    assert len(set(texts)) == len(texts)
