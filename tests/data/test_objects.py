"""Examples from lists, pandas frames and Hugging Face data sets: what is read, and how faults are told."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import datasets
import numpy as np
import pandas as pd
import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.data.object_rows import is_splits, split_of
from elmo_tasks.data.objects import read_labelled_objects, read_tagged_objects
from elmo_tasks.task import load_task
from elmo_tasks.text.examples import LabelledSentence, TaggedSentence

TOKENS = [["Ada", "lives", "in", "Rome"], ["Bo", "sings"]]
TAGS = [["B-PER", "O", "O", "B-LOC"], ["B-PER", "O"]]
NAMES = ["O", "B-PER", "B-LOC"]
NUMBERS = [[NAMES.index(tag) for tag in tags] for tags in TAGS]
TEXTS, LABELS = ["A warm film.", "It isn't dull."], ["1", "0"]


def data_set(**columns: Any) -> datasets.Dataset:
    """A data set with `ner_tags` by number and two further columns of tags, as CoNLL-2003's has them."""
    numbers = datasets.List(datasets.ClassLabel(names=NAMES))
    words = datasets.List(datasets.Value("string"))
    features = {"tokens": words, "pos_tags": words, "chunk_tags": words, "ner_tags": numbers}
    values = {"tokens": TOKENS, "pos_tags": TAGS, "chunk_tags": TAGS, "ner_tags": NUMBERS, **columns}
    return datasets.Dataset.from_dict(values, features=datasets.Features(features))


FRAME = pd.DataFrame({"sentence_id": [7, 8], "tokens": TOKENS, "tags": TAGS}, index=[7, 8])
TAGGED: dict[str, Callable[[], Any]] = {
    "pairs": lambda: list(zip(TOKENS, TAGS, strict=True)),
    "a generator of pairs": lambda: zip(TOKENS, TAGS, strict=True),
    "dictionaries": lambda: [{"words": w, "tags": t} for w, t in zip(TOKENS, TAGS, strict=True)],
    "two lists": lambda: (TOKENS, TAGS),
    "two columns of a frame": lambda: (FRAME["tokens"], FRAME["tags"]),
    "a dictionary of columns": lambda: {"tokens": TOKENS, "tags": TAGS},
    "a frame": lambda: FRAME,
    "a frame of arrays": lambda: pd.DataFrame({"tokens": map(np.array, TOKENS), "tags": map(np.array, TAGS)}),
    "a frame of texts": lambda: pd.DataFrame({"tokens": map(" ".join, TOKENS), "tags": map(" ".join, TAGS)}),
    "BIOES": lambda: (TOKENS, [[tag.replace("B-", "S-") for tag in tags] for tags in TAGS]),
    "IOB1": lambda: (TOKENS, [[tag.replace("B-", "I-") for tag in tags] for tags in TAGS]),
    "IO": lambda: (TOKENS, [[tag.replace("B-", "") for tag in tags] for tags in TAGS]),
    "a data set": data_set,
    "a data set of arrays": lambda: data_set().with_format("numpy"),
    "two columns of a data set": lambda: (data_set()["tokens"], data_set()["ner_tags"]),
    "a streamed data set": lambda: data_set().to_iterable_dataset(),
}


@pytest.mark.parametrize("given", TAGGED.values(), ids=TAGGED.keys())
def test_tagged_sentences(given: Callable[[], Any]) -> None:
    found = read_tagged_objects(given(), "train", spans=True)
    assert [(example.tokens, example.tags) for example in found] == [
        (tuple(tokens), tuple(tags)) for tokens, tags in zip(TOKENS, TAGS, strict=True)
    ]
    assert [example.source[:5] for example in found] == ["train"] * 2 and found[1].source.endswith("[1]")


LABELLED: dict[str, Callable[[], Any]] = {
    "pairs": lambda: list(zip(TEXTS, LABELS, strict=True)),
    "numbers": lambda: (TEXTS, np.array([1, 0])),
    "a frame": lambda: pd.DataFrame({"review": TEXTS, "stars": [1.0, 0.0], "id": [1, 2]}),
    "a data set": lambda: datasets.Dataset.from_dict(
        {"text": TEXTS, "label": [0, 1]},
        features=datasets.Features(text=datasets.Value("string"), label=datasets.ClassLabel(names=["1", "0"])),
    ),
}


@pytest.mark.parametrize("given", LABELLED.values(), ids=LABELLED.keys())
def test_labelled_texts_are_split_as_raw_text(given: Callable[[], Any]) -> None:
    found = read_labelled_objects(given(), "train")
    assert [(" ".join(example.tokens), example.label) for example in found] == [
        ("A warm film .", "1"),
        ("It is n't dull .", "0"),
    ]


def test_lists_of_tokens_stay_as_they_are() -> None:
    (found,) = read_labelled_objects([(["isn't", "it?"], "yes")], "train")
    assert found.tokens == ("isn't", "it?")


def test_labels_of_tokens_stay_as_they_are() -> None:
    (found,) = read_tagged_objects([(["Rain", "fell"], ["NOUN", "VERB"])], "train")
    assert found.tags == ("NOUN", "VERB")
    assert read_tagged_objects(data_set(), "train", {"tags": "chunk_tags"})[0].tags == tuple(TAGS[0])


def test_what_is_left_out_or_changed_is_told() -> None:
    notes: list[str] = []
    given = [([], []), (["-DOCSTART-"], ["O"]), (["New York", "won"], ["B-LOC", "O"])]
    (found,) = read_tagged_objects(given, "train", note=notes.append, spans=True)
    assert found.tokens == ("New\u00a0York", "won") and found.source == "train[2]"
    assert notes == [
        "train: left out 2 of 3 sentences, which have no words",
        "train[2]: the token 'New York' contains a space; it stays one token, with a no-break space",
    ]


MISSING = "are missing"
FAULTS: list[tuple[Any, dict[str, str], str]] = [
    ([], {}, "train: there are no sentences; give at least one"),
    (FRAME.iloc[:0], {}, "train: there are no sentences; give at least one"),
    ([(["a", "b"], ["O"])], {}, r"train\[0\]: 2 tokens but 1 tags; give one tag per token"),
    ((TOKENS, TAGS[1:]), {}, "train: there are 2 tokens but 1 tags"),
    (FRAME.assign(tags=[TAGS[0], None]), {}, rf"train.iloc\[1\]: the tags {MISSING} \(None\); leave out such rows"),
    (FRAME.assign(tokens=[TOKENS[0], np.nan]), {}, rf"train.iloc\[1\]: the words {MISSING} \(nan\)"),
    (FRAME.assign(tokens=[TOKENS[0], pd.NA]), {}, rf"train.iloc\[1\]: the words {MISSING} \(<NA>\)"),
    ([(["a", "b"], ["O", float("nan")])], {}, r"train\[0\]: a tag is missing \(nan\)"),
    ((TOKENS, NUMBERS), {}, r"train\[0\]: the tags are numbers without names \(the first is 1\); give names"),
    (
        FRAME.drop(columns="tags"),
        {},
        "train: no column, or more than one, has a common name for the tags.*'sentence_id, tokens'",
    ),
    (FRAME, {"tags": "pos"}, "train: there is no column 'pos'; the columns are 'sentence_id, tokens, tags'"),
    (FRAME, {"label": "tags"}, "columns: the keys must be tokens and tags, not 'label'"),
    (data_set().remove_columns("ner_tags"), {}, "train: no column, or more than one, has a common name for the tags"),
    (
        pd.DataFrame({"word": ["Ada", "sings"], "tag": ["B-PER", "O"], "tags": ["B-PER", "O"]}),
        {},
        "one token; give one",
    ),
    (
        [(["a"], ["NOUN"])],
        {},
        r"train\[0\]: 'NOUN' is not a tag such as O.*; for one label per token use the task tagging",
    ),
    ([(["a", "b"], ["O", "E-X"])], {}, r"train\[0\]: 'E-X' after 'O' at token 2 is not legal in the scheme BIOES"),
    (TOKENS, {}, r"train\[0\]: not a pair of tokens and tags: \['Ada', .*; pass two parallel lists"),
    (np.zeros((2, 3)), {}, r"train\[0\]: not a pair of tokens and tags: \[0.0, 0.0, 0.0\]"),
    ("conll2003", {}, "train must be a list of .*, not 'conll2003'"),
    (([["a"]], "O"), {}, "train: the tags must be a list with one item per row, not 'O'"),
    ([(["a", ""], ["O", "O"])], {}, r"train\[0\]: tokens must be words, not ''"),
    ([(["a\nb"], ["O"])], {}, r"train\[0\]: the token 'a\\nb' contains a line break"),
    ([(["\ud83d"], ["O"])], {}, r"train\[0\]: the token '\\ud83d' contains half of a surrogate pair"),
]


@pytest.mark.parametrize(("given", "columns", "message"), FAULTS)
def test_faults_of_tagged_sentences(given: Any, columns: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message) as fault:
        read_tagged_objects(given, "train", columns, spans=True)
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "train: there are no texts; give at least one"),
        (pd.DataFrame({"text": ["a", None], "label": [1, 2]}), r"train.iloc\[1\]: the words are missing"),
        (pd.DataFrame({"text": ["a", "b"], "label": [1, None]}), r"train.iloc\[1\]: the label is missing \(nan\)"),
        (
            pd.DataFrame({"text": ["a", "b"]}),
            "train: no column, or more than one, has a common name for the label; the columns are 'text'",
        ),
        ([("a", "x"), (" ", "y")], r"train\[1\]: the text is empty; leave out this row"),
        ([("a", "")], r"train\[0\]: the label must be text or a whole number, not ''"),
        ([("a", 0.5)], r"train\[0\]: the label must be text or a whole number, not 0.5"),
        (
            datasets.Dataset.from_dict(
                {"text": ["a"], "label": [-1]},
                features=datasets.Features(text=datasets.Value("string"), label=datasets.ClassLabel(names=["x"])),
            ),
            r"train\[0\]: the label -1 has no name; there are 1 names, numbered from 0",
        ),
    ],
)
def test_faults_of_labelled_texts(given: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_labelled_objects(given, "train")


def test_splits() -> None:
    together = datasets.DatasetDict(train=data_set(), validation=data_set().select([1]))
    assert is_splits(together) and len(split_of(together, "dev")) == 1 and split_of(together, "test") is None
    assert not is_splits({"tokens": TOKENS, "tags": TAGS}) and not is_splits(FRAME)
    with pytest.raises(InputError, match="dev: dev and val both name this split"):
        split_of({"dev": 1, "val": 2}, "dev")


def test_each_task_takes_examples_and_says_what_it_takes() -> None:
    own = [TaggedSentence(("Ada", "sings"), ("B-ARG0", "B-V"), 1)]
    assert load_task("srl").examples(own, "train") == own
    with pytest.raises(InputError, match=r"^train must be a list of examples of the task srl, not a DataFrame; make"):
        load_task("srl").examples(FRAME, "train")
    for given, found in (["a"], "a list of str"), ([], "an empty list"), ("a", "a str"):
        with pytest.raises(InputError, match=f"^dev must be a list of examples of the task coreference, not {found};"):
            load_task("coreference").examples(given, "dev")
    assert load_task("sentiment").examples([("a", "b")], "x") == [LabelledSentence(("a",), "b", "x[0]")]
    assert load_task("tagging").examples([(["a"], ["NOUN"])], "x")[0].tags == ("NOUN",)


def test_neither_library_is_imported() -> None:
    program = (
        "import sys; from elmo_tasks.data.objects import read_tagged_objects\n"
        "read_tagged_objects([(['a'], ['O'])], 'train')\n"
        "print([name for name in ('pandas', 'datasets', 'torch') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"
