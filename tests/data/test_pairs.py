"""Labelled pairs of sentences: formats, what is left out, input lines, Python objects, and one line per fault."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pandas
import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.data.catalog import CATALOG, SAMPLE, load_data
from elmo_tasks.data.label_map import LabelMap
from elmo_tasks.data.pairs import read_pair, read_pair_objects, read_pairs
from elmo_tasks.data.splits import SPLIT_NAMES
from elmo_tasks.text.examples import SentencePair, sentences_of

DOG, CAT = ("A", "dog", "runs", "."), ("It", "is", "n't", "a", "cat", ".")
SNLI = {
    "annotator_labels": ["neutral"],
    "captionID": "1.jpg#0",
    "gold_label": "neutral",
    "pairID": "1.jpg#0r1n",
    "sentence1": "A dog runs.",
    "sentence1_binary_parse": "( ( A dog ) ( runs . ) )",
    "sentence1_parse": "(ROOT (S (NP (DT A) (NN dog)) (VP (VBZ runs)) (. .)))",
    "sentence2": "It isn't a cat.",
    "sentence2_binary_parse": "( It ( ( is n't ) ( ( a cat ) . ) ) )",
    "sentence2_parse": "(ROOT ...)",
}


def write(folder: Path, text: str, name: str = "file.tsv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("snli_1.0_dev.jsonl", json.dumps(SNLI) + "\n\n"),
        ("dev.json", f"[{json.dumps(SNLI)}]"),
        ("dev.jsonl", json.dumps({"premise": "A dog runs.", "hypothesis": CAT, "label": "neutral"})),
        ("SICK.txt", "pair_ID\tsentence_A\tsentence_B\trelatedness_score\tentailment_judgment\n"
         "1\tA dog runs.\tIt isn't a cat.\t4.5\tNEUTRAL\n"),
        ("dev.tsv", "label\tsentence1\tsentence2\nneutral\tA dog runs .\tIt is n't a cat .\n"),
        ("dev.csv", 'Hypothesis,Premise,Label\n"It isn\'t a cat.",A dog runs.,neutral\n'),
        ("snli_1.0_dev.txt", "gold_label\tsentence1_parse\tsentence2_parse\tsentence1\tsentence2\tlabel1\n"
         "neutral\t( A dog )\t( a cat )\tA dog runs.\tIt isn't a cat.\tentailment\n"),
    ],
)  # fmt: skip
def test_formats(tmp_path: Path, name: str, text: str) -> None:
    path = write(tmp_path, text, name)
    line = 1 if name.endswith(("jsonl", "json")) else 2
    assert read_pairs(path) == [SentencePair(DOG, CAT, "neutral", f"{path}:{line}")]


def test_an_example_is_two_sentences() -> None:
    pair = SentencePair(DOG, CAT, "neutral", "x:1")
    assert pair.tokens == DOG + CAT and sentences_of(pair) == (DOG, CAT)


def test_columns_are_chosen(tmp_path: Path) -> None:
    path = write(tmp_path, "yes\tis it wet\tit rains\nno\tis it dry\tit rains\n")
    first, second = read_pairs(path, columns={"premise": "3", "hypothesis": "2", "label": "1"})
    assert (first.premise, first.hypothesis, first.label) == (("it", "rains"), ("is", "it", "wet"), "yes")
    assert second.source == f"{path}:2"
    path = write(tmp_path, "q,a,ok\nwhy,because,1\n", "file.csv")
    (pair,) = read_pairs(path, columns={"premise": "q", "hypothesis": "a", "label": "ok"})
    assert pair.label == "1"
    path = write(tmp_path, '{"q": "why", "a": "because", "label": 1}\n', "file.jsonl")
    (pair,) = read_pairs(path, columns={"premise": "q", "hypothesis": "a"})
    assert pair.hypothesis == ("because",)


def test_pairs_without_gold_are_counted(tmp_path: Path) -> None:
    rows = [SNLI, SNLI | {"gold_label": "-"}, SNLI | {"gold_label": -1}]  # which may be a label like any other
    path = write(tmp_path, "".join(json.dumps(row) + "\n" for row in rows), "train.jsonl")
    notes: list[str] = []
    assert [pair.label for pair in read_pairs(path, note=notes.append)] == ["neutral", "-1"]
    assert notes == [f"{path}: left out 1 of 3 pairs, which have no gold label"]
    path = write(tmp_path, json.dumps(SNLI | {"gold_label": "-"}), "test.jsonl")
    with pytest.raises(InputError, match="none of the 1 pairs has a gold label"):
        read_pairs(path)


def test_labels_are_renamed_or_dropped(tmp_path: Path) -> None:
    path = write(tmp_path, "premise\thypothesis\tlabel\na\tb\tENTAILMENT\na\tc\tneutral\na\td\tOther\n")
    assert [pair.label for pair in read_pairs(path)] == ["entailment", "neutral", "Other"]
    found = read_pairs(path, map_labels=LabelMap("entailment=yes,neutral=drop"))
    assert [pair.label for pair in found] == ["yes", "Other"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.tsv", "", "a.tsv: the file is empty; expected lines with a premise, a hypothesis and a label"),
        ("a.tsv", "x\ty\tz\n", "a.tsv:1: the header does not name hypothesis, label and premise: 'x, y, z'; name their "
         "columns, for example --columns premise=1,hypothesis=2,label=3"),
        ("a.tsv", "premise\thypothesis\tlabel\n\na\tb\n", "a.tsv:3: at least 3 columns are needed, but the row has 2"),
        ("a.tsv", "premise\thypothesis\tlabel\na\t \tx\n", "a.tsv:2: the hypothesis (column 2) is empty: 'a,  , x'"),
        ("a.csv", 'premise,hypothesis,label\n"a,b,c\n', "a.csv:2: not valid CSV"),
        ("a.jsonl", '{"premise": "a"}', "a.jsonl:1: there is no key for the hypothesis among"),
        ("a.jsonl", '{"premise": "a", "hypothesis": 3, "label": "x"}', "a.jsonl:1: the hypothesis must be a text"),
        ("a.jsonl", '{"premise": "a", "hypothesis": " ", "label": "x"}', "a.jsonl:1: the hypothesis is empty; exp"),
        ("a.jsonl", '{"premise": "a", "hypothesis": "b", "label": null}', "a.jsonl:1: the label must be text or an"),
        ("a.jsonl", '{"premise": ["a b"], "hypothesis": "b", "label": 1}', "a.jsonl:1: a token must not contain"),
        ("a.jsonl", '{"premise"', "a.jsonl:1: invalid JSON"),
        ("a.jsonl", "[1]", "a.jsonl:1: [1] is not an object"),
    ],
)  # fmt: skip
def test_faults_are_one_line_with_their_place(tmp_path: Path, name: str, text: str, message: str) -> None:
    path = write(tmp_path, text, name)
    with pytest.raises(InputError) as caught:
        read_pairs(path)
    assert str(caught.value).startswith(f"{tmp_path}/{message}") and "\n" not in str(caught.value)


def test_lines_of_predict() -> None:
    assert read_pair("A dog runs.\tIt isn't a cat.", "in:1") == SentencePair(DOG, CAT, "", "in:1")
    assert read_pair('{"premise": "A dog runs.", "hypothesis": "It isn\'t a cat.", "id": 3}') == SentencePair(DOG, CAT)
    assert read_pair('{"sentence1": ["A", "dog"], "sentence2": "runs"}') == SentencePair(("A", "dog"), ("runs",))
    assert read_pair("  ") == SentencePair((), ())


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("A dog runs.", "in:1: the number of tabs is 0, not 1; expected a premise, a tab and a hypothesis"),
        ("a\tb\tc", "in:1: the number of tabs is 2, not 1"),
        ("a\t ", "in:1: the hypothesis is empty"),
        ('{"premise": "a"}', "in:1: there is no hypothesis among ['premise']"),
        ('{"premise": "a", "hypothesis": 1}', "in:1: the hypothesis must be a text or a list of words, not 1"),
        ('{"premise', "in:1: invalid JSON"),
    ],
)
def test_faults_of_lines(line: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_pair(line, "in:1")
    assert str(caught.value).startswith(message)


COLUMNS = {"premise": ["A dog runs.", "x"], "hypothesis": [list(CAT), "y"], "label": ["NEUTRAL", "other"]}
ROWS = list(zip(*COLUMNS.values(), strict=True))


@pytest.mark.parametrize(
    "given",
    [
        ROWS,
        iter(ROWS),
        [((premise, hypothesis), label) for premise, hypothesis, label in ROWS],
        [dict(zip(COLUMNS, row, strict=True)) for row in ROWS],
        tuple(COLUMNS.values()),
        COLUMNS,
        pandas.DataFrame(COLUMNS).rename(columns={"premise": "sentence1", "hypothesis": "sentence2"}),
    ],
    ids=["triples", "stream", "pairs", "dictionaries", "lists", "columns", "frame"],
)
def test_python_objects(given: Any) -> None:
    first, second = read_pair_objects(given, "train")
    assert (first.premise, first.hypothesis, first.label) == (DOG, CAT, "neutral")
    assert (second.premise, second.hypothesis, second.label) == (("x",), ("y",), "other")


def test_a_data_set_of_the_hub() -> None:
    datasets = pytest.importorskip("datasets")
    names = ["entailment", "neutral", "contradiction"]
    features = datasets.Features(
        {what: datasets.Value("string") for what in ("premise", "hypothesis")}
        | {"label": datasets.ClassLabel(names=names)}
    )
    rows = {"premise": ["a", "b"], "hypothesis": ["c", "d"], "label": [2, -1]}
    notes: list[str] = []
    (pair,) = read_pair_objects(datasets.Dataset.from_dict(rows, features=features), "train", note=notes.append)
    assert pair.label == "contradiction" and notes == ["train: left out 1 of 2 pairs, which have no gold label"]


@pytest.mark.parametrize(
    ("given", "columns", "message"),
    [
        ([], None, "train: there are no pairs"),
        ([("a", "b")], None, r"train\[0\]: not a premise, a hypothesis and a label"),
        ([("a", "", "x")], None, r"train\[0\]: the hypothesis is empty; leave out this row"),
        ([("a", None, "x")], None, r"train\[0\]: the words are missing"),
        ([("a", "b", None)], None, r"train\[0\]: the label is missing"),
        ({"premise": ["a"], "label": ["x"]}, None, "no column, or more than one, has a common name for the hypothesis"),
        ([("a", "b", "x")], {"text": "a"}, "the keys must be premise, hypothesis and label, not 'text'"),
    ],
)
def test_faults_of_python_objects(given: Any, columns: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_pair_objects(given, "train", columns)


@pytest.mark.parametrize("split", SPLIT_NAMES)
def test_the_sample_is_what_its_readme_says(split: str) -> None:
    pairs = read_pairs(SAMPLE / "nli" / f"{split}.tsv")
    labels = Counter(pair.label for pair in pairs)
    cells = [split, len(pairs), sum(len(pair.tokens) for pair in pairs)]
    cells += [labels[name] for name in ("entailment", "neutral", "contradiction")]
    assert f"| {' | '.join(map(str, cells))} |" in (SAMPLE / "nli" / "README.md").read_text(encoding="utf-8")


def test_no_sentence_of_the_sample_is_in_two_splits() -> None:
    splits = load_data("sample-nli", read_pairs)
    texts = [{sentence for pair in splits.get(name) for sentence in pair.sentences} for name in SPLIT_NAMES]
    assert sum(map(len, texts)) == len(set().union(*texts)) == 280


def test_real_data(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The numbers of pairs and labels that the papers report."""
    monkeypatch.setenv("ELMO_TASKS_DATA", str(shared_data))
    sick = load_data("sick", read_pairs)
    assert [len(sick.get(split)) for split in SPLIT_NAMES] == [4500, 500, 4927]
    assert Counter(pair.label for pair in sick.test) == {"neutral": 2793, "entailment": 1414, "contradiction": 720}
    assert [len(load_data("snli-cf", read_pairs).get(split)) for split in SPLIT_NAMES] == [8330, 1000, 2000]
    snli = load_data("snli", read_pairs, only=("test",))
    assert Counter(pair.label for pair in snli.test) == {"entailment": 3368, "contradiction": 3237, "neutral": 3219}
    lines = (shared_data / "snli" / "test.tsv").read_text(encoding="utf-8").splitlines()[1:]
    tokenised = [tuple(tuple(text.split()) for text in line.split("\t")[1:]) for line in lines]
    assert sum(pair.sentences == own for pair, own in zip(snli.test, tokenised, strict=True)) == 9812
    breaking = load_data("breaking-nli", read_pairs, only=("test",))
    assert Counter(pair.label for pair in breaking.test) == {"contradiction": 7164, "entailment": 982, "neutral": 47}
    assert {"sick", "snli", "snli-cf", "breaking-nli"} <= CATALOG.keys()
