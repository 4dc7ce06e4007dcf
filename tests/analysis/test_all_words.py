"""Senses of all words by nearest neighbour, worked by hand, and the verb on small files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from elmo_tasks.analysis.all_words import (
    counted_order,
    disambiguate,
    f1,
    run_all_words_probe,
    sense_means,
    target_vectors,
)
from elmo_tasks.cli import main
from elmo_tasks.core.errors import InputError
from elmo_tasks.data.all_words import AllWords, SenseSentence, SenseTarget, read_all_words
from elmo_tasks.views.probe import probe_markdown

TREE, DOG, RIVER = "bark%1:20:00::", "bark%1:11:02::", "bank%1:17:01::"
SEMCOR = f"""# newdoc brown1/a
The\tthe\tDT\t_
bark\tbark\tNN\t{DOG}
of\tof\tIN\t_
the\tthe\tDT\t_
bark\tbark\tNN\t{TREE}

No\tno\tDT\t_

A\ta\tDT\t_
loud\tloud\tJJ\tloud%5:00:00:shouting:00;3:00:00::
bark\tbark\tNN\t{DOG}
took_place\ttake_place\tVB\ttake_place%2:30:00::
"""
XML = """<?xml version="1.0" encoding="UTF-8" ?>
<corpus lang="en" source="small"><text id="d0"><sentence id="d0.s0">
<wf lemma="the" pos="DET">The</wf>
<instance id="d0.s0.t0" lemma="bark" pos="NOUN">bark</instance>
<instance id="d0.s0.t1" lemma="take_place" pos="VERB">takes place</instance>
<instance id="d0.s0.t2" lemma="seal" pos="NOUN">seals</instance>
</sentence></text></corpus>
"""
KEYS = f"d0.s0.t0 {TREE} {DOG}\nd0.s0.t1 take_place%2:30:00::\nd0.s0.t2 seal%1:05:00::\n"
INDEX = f"""{TREE} 13162297 1 4
{DOG} 07376731 2 1
seal%1:05:01:: 02077923 2 0
seal%1:05:00:: 02076196 1 2
"""


def target(lemma: str, *senses: str) -> SenseTarget:
    return SenseTarget(0, 1, lemma, senses)


@pytest.fixture
def folder(alone: Path) -> Path:
    """SemCor, a test set and WordNet's index, as small as they can be."""
    for name, text in {
        "semcor/brown1.tsv": SEMCOR,
        "wsd_eval/small.data.xml": XML,
        "wsd_eval/small.gold.key.txt": KEYS,
        "index.sense": INDEX,
    }.items():
        (alone / name).parent.mkdir(exist_ok=True)
        (alone / name).write_text(text, encoding="utf-8")
    return alone


def test_the_files(folder: Path) -> None:
    """Untagged sentences are left out, expressions become tokens, and a satellite is an adjective."""
    found = read_all_words(folder, folder / "index.sense")
    first, second = found.train
    assert first.tokens == ("The", "bark", "of", "the", "bark") and first.source == f"{folder}/semcor/brown1.tsv:2"
    assert first.targets == (SenseTarget(1, 2, "bark%1", (DOG,)), SenseTarget(4, 5, "bark%1", (TREE,)))
    assert second.tokens == ("A", "loud", "bark", "took", "place")
    loud, bark, took = second.targets
    assert loud == SenseTarget(1, 2, "loud%3", ("loud%5:00:00:shouting:00", "loud%3:00:00::"))
    assert bark == SenseTarget(2, 3, "bark%1", (DOG,))
    assert took == SenseTarget(3, 5, "take_place%2", ("take_place%2:30:00::",))
    (test,) = found.tests["small"]
    assert test.tokens == ("The", "bark", "takes", "place", "seals")
    assert [(t.start, t.end, t.lemma) for t in test.targets] == [
        (1, 2, "bark%1"),
        (2, 4, "take_place%2"),
        (4, 5, "seal%1"),
    ]
    assert test.targets[0].senses == (TREE, DOG)
    assert found.wordnet == {"bark%1": (TREE, DOG), "seal%1": ("seal%1:05:00::", "seal%1:05:01::")}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("semcor/brown1.tsv", "The\tthe\tDT\n", r"brown1.tsv:1: expected word, lemma, tag and sense key"),
        ("semcor/brown1.tsv", "a\tb\tNN\tbark\n", r"brown1.tsv:1: not a sense key of WordNet: 'bark%bark'"),
        ("semcor/brown1.tsv", "The\tthe\tDT\t_\n", r"semcor: no word has a sense key"),
        ("wsd_eval/small.data.xml", "<corpus>\n<wf>", r"small.data.xml:2: damaged XML"),
        ("wsd_eval/small.data.xml", "<corpus/>", r"small.data.xml: there is no <instance> in it"),
        ("wsd_eval/small.data.xml", XML.replace("t2", "t9"), r"'d0.s0.t9' has no key"),
        ("wsd_eval/small.data.xml", XML.replace(">seals<", "><"), r"there is a word without text"),
        ("wsd_eval/small.gold.key.txt", KEYS + f"d0.s0.t7 {DOG}\n", r"has no instance 'd0.s0.t7', which has a key"),
        ("wsd_eval/small.gold.key.txt", KEYS + KEYS, r"key.txt:4: expected a new instance and its sense keys"),
        ("index.sense", "bark 1 2\n", r"index.sense:1: expected sense key, offset, sense number and count"),
        ("index.sense", "", r"index.sense: the file is empty; expected WordNet's index.sense"),
    ],
)
def test_damaged_files(folder: Path, name: str, text: str, message: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_all_words(folder, folder / "index.sense")


def test_missing_files(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "empty").mkdir()
    for arguments, message in (
        (["wsd", "empty"], "empty/semcor: there is no column file (*.tsv, *.tsv.xz) of SemCor"),
        (["wsd"], "set ELMO_TASKS_DATA to a folder with semcor and wsd_eval, or name it: probe wsd DIR"),
        (["senses", "--wordnet", "index.sense"], "--wordnet is only for wsd, not for 'senses'; leave it out"),
    ):
        assert main(["probe", *arguments]) == 2
        assert message in capsys.readouterr().err
    (folder / "wsd_eval/small.data.xml").unlink()
    with pytest.raises(InputError, match="wsd_eval: there is no test set"):
        read_all_words(folder)


def test_means_are_those_of_all_occurrences(by_hand: type) -> None:
    """A word with two senses counts for both; a word of two tokens has their mean vector."""
    embedder = by_hand(
        {("", "a"): [[4.0, 0.0]], ("a", "a"): [[0.0, 2.0]], ("", "b"): [[0.0, 1.0]], ("b", "b"): [[6.0, 1.0]]}
    )
    sentences = [
        SenseSentence(("b", "b"), (SenseTarget(0, 2, "x", ("two",)),)),
        SenseSentence(("a", "a"), (SenseTarget(0, 1, "x", ("one",)), SenseTarget(1, 2, "x", ("one", "two")))),
    ]
    means = sense_means(embedder, sentences, {"one": 0, "two": 1})
    assert means.tolist() == [[[2.0, 1.0]], [[1.5, 1.5]]]
    assert target_vectors(embedder, sentences).tolist() == [[[3.0, 1.0]], [[4.0, 0.0]], [[0.0, 2.0]]]


def test_the_nearest_sense_of_the_lemma() -> None:
    """dog is (2, 1), tree (0, 1): the cosines of (1, 1) are .949 and .707, those of (1, 2) are .8 and .894."""
    rows = {"dog": 0, "tree": 1, "river": 2}
    means = torch.tensor([[2.0, 1.0], [0.0, 1.0], [1.0, 1.0]])
    orders = {"bark": ("rare", "tree", "dog"), "bank": ("river",), "seal": ("animal", "stamp")}
    test = [target("bark"), target("bark"), target("bank"), target("seal"), target("crane")]
    vectors = torch.tensor([[1.0, 1.0], [1.0, 2.0], [-1.0, 0.0], [1.0, 1.0], [1.0, 1.0]])
    assert disambiguate(test, vectors, means, rows, orders) == ["dog", "tree", "river", "animal", None]
    # equal cosines: the first sense that has occurrences
    assert disambiguate([target("bark")], torch.ones(1, 2), torch.ones(3, 2), rows, orders) == ["tree"]


def test_f1_by_hand() -> None:
    """Any of the gold senses is right. Of 4 words 3 have an answer and 2 are right: P = 2/3, R = 1/2, F1 = 4/7."""
    gold = [target("x", "a", "b"), target("x", "a"), target("x", "c"), target("y", "d")]
    assert f1(gold, ["b", "a", "a", None]) == pytest.approx(2 * (2 / 3) * (1 / 2) / (2 / 3 + 1 / 2))
    assert f1(gold, ["b", "a", "c", "d"]) == 1.0
    assert f1(gold, [None] * 4) == f1(gold, ["x"] * 4) == 0.0


def test_the_most_frequent_sense_comes_first() -> None:
    train = [target("x", "b"), target("x", "a"), target("x", "a", "c"), target("y", "d")]
    assert counted_order(train) == {"x": ("a", "b", "c"), "y": ("d",)}


def test_the_record(tiny_bilm: str) -> None:
    """Of two test sets with three words, the lemma of one is not in the training text."""
    train = (
        SenseSentence(("one", "bark"), (SenseTarget(1, 2, "bark%1", ("tree",)),)),
        SenseSentence(("a", "bark", "bark"), tuple(SenseTarget(n, n + 1, "bark%1", ("dog",)) for n in (1, 2))),
    )
    tests = {
        "first": (SenseSentence(("one", "bark"), (SenseTarget(1, 2, "bark%1", ("tree",)),)),),
        "second": (
            SenseSentence(("a", "seal"), (SenseTarget(1, 2, "seal%1", ("stamp", "animal")),)),
            SenseSentence(("crane",), (SenseTarget(0, 1, "crane%1", ("bird",)),)),
        ),
    }
    data = AllWords(train, tests, {"seal%1": ("animal", "stamp")})
    record = run_all_words_probe(data, bilm=tiny_bilm, beside=["random"], seeds=(1, 2))
    assert record["words"] == {"first": 1, "second": 2, "all": 3}
    assert record["unseen"] == {"first": 0, "second": 2, "all": 2}
    assert record["unanswered"] == {"first": 0, "second": 1, "all": 1}
    assert record["train"] == {"sentences": 2, "words": 3, "senses": 2, "lemmas": 1}
    half = 2 * 1 * 0.5 / 1.5  # one of two words has an answer, and it is right
    assert record["first_sense"]["first sense, WordNet"] == {"first": 0.0, "second": half, "all": 0.4}
    found = {(row["embedder"], row["layer"]): row for row in record["probes"]}
    layers = ("0", "1", "2", "average")
    assert [layer for name, layer in found if name == "random biLM"] == list(layers)
    for layer in layers[1:]:  # the sentence is one of the training text, so its own sense is the nearest
        assert found[f"elmo:{tiny_bilm}", layer]["sets"] == {"first": [1.0], "second": [half], "all": [0.8]}
        assert found[f"elmo:{tiny_bilm}", layer]["test"] == [0.8]
    # static vectors do not tell the occurrences of a word apart: the most frequent sense
    assert found["random", "0"]["sets"]["first"] == [0.0]
    assert found["random biLM", "1"]["sets"]["first"] == [1.0, 1.0]


def test_the_verb(folder: Path, tiny_bilm: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["probe", "wsd", ".", "--wordnet", "index.sense", "--bilm", tiny_bilm, "--output", "out"]
    assert main(arguments) == 0
    assert "The lemmas of 1 of 3 test words (33.3 %) are not in SemCor" in capsys.readouterr().out.replace("\n", " ")
    record = json.loads(Path("out/probe-wsd.json").read_text())
    assert record["wordnet"] is True and record["unseen"] == {"small": 1, "all": 1}
    assert {row["test"][0] for row in record["probes"]} == {1.0}  # both senses of bark are right
    markdown = Path("out/probe-wsd.md").read_text()
    assert markdown == probe_markdown(record) and "| vectors | layer | small | all |" in markdown
    assert "| Peters et al. 2018, Table 5 | 2 |  | 69.0 |" in markdown
    assert Path("out/probe-wsd.png").read_bytes().startswith(b"\x89PNG")
    assert "already exists" in (main(arguments), capsys.readouterr().err)[1]
