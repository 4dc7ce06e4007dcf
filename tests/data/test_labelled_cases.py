"""Labelled texts as users have them: each is read, or rejected with one line that has a working remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from elmo_tasks.cli import build_parser
from elmo_tasks.cli.verb import reading_options
from elmo_tasks.core.errors import InputError
from elmo_tasks.data.catalog import load_data
from elmo_tasks.data.labelled import read_labelled
from elmo_tasks.data.reading import ReadingConfig
from elmo_tasks.data.splits import read_folder


def write(folder: Path, data: str | bytes, name: str = "file.txt") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


TEXTS = [("pos", "a fine film"), ("pos", "great fun"), ("neg", "a dull film"), ("neg", "bad jokes ,")]


def table(form: str, head: str = "") -> str:
    return head + "".join(form.format(label=label, text=text) + "\n" for label, text in TEXTS)


ONE = '{{"label": "{label}", "text": "{text}"}}'
SENT_READ = {
    "a blank": ("file.txt", table("{label} {text}")),
    "a tab": ("file.txt", table("{label}\t{text}")),
    "one tab among blanks": ("file.txt", table("{label} {text}").replace("fine film", "fine\tfilm")),
    "TSV with a header": ("train.tsv", table("{label}\t{text}", "label\ttext\n")),
    "TSV of GLUE": ("train.tsv", table("{text}\t{label}", "sentence\tlabel\n")),
    "CSV with a header": ("train.csv", table('"{text}",{label}', "text,label\n")),
    "CSV of IMDB": ("train.csv", table('"{text}",{label}', "review,sentiment\n")),
    "CSV of Excel": ("train.csv", "\ufeff" + table("{text};{label}", "text;label\n").replace("\n", "\r\n")),
    "CSV with a line break in a cell": (
        "train.csv",
        table('"{text}",{label}', "text,label\n").replace("a fine", "a\nfine"),
    ),
    "JSON Lines": ("train.jsonl", table(ONE)),
    "a line break in JSON": ("train.jsonl", table(ONE).replace("a fine", "a\\n\\nfine\\r\\n")),
    "other usual keys": ("train.jsonl", table(ONE).replace("label", "stars").replace("text", "review")),
    "CSV of tweets": ("a.csv", table('1,{label},0.5,"{text}"', "id,user_sentiment,sentiment_confidence,tweet_text\n")),
    "CSV with two usual names": ("a.csv", table('9,{label},"{text}",x', "rating,label,text,comment\n")),
    "a JSON array": ("train.json", "[\n" + ",\n".join(table(ONE).splitlines()) + "\n]\n"),
    "a JSON array on one line": ("train.json", "[" + ",".join(table(ONE).splitlines()) + "]"),
    "CR": ("file.txt", table("{label} {text}").replace("\n", "\r")),
    "CR CR LF": ("file.txt", table("{label} {text}").replace("\n", "\r\r\n")),
}


@pytest.mark.parametrize(("name", "text"), SENT_READ.values(), ids=SENT_READ)
def test_labelled_texts_that_are_read(tmp_path: Path, name: str, text: str) -> None:
    found = read_labelled(write(tmp_path, text, name))
    assert [(example.label, " ".join(example.tokens)) for example in found] == TEXTS


SENT_REFUSED: dict[str, tuple[str, str, str, dict[str, str] | None]] = {
    "a headless CSV": (
        "train.csv",
        table('"{label}","title","{text}"'),
        r"train.csv:1: the header does not name label and text.*--columns label=1,text=3",
        {"label": "1", "text": "3"},
    ),
    "other names in a CSV": (
        "train.csv",
        table('"{text}",{label}', "Opinion,Verdict\n"),
        r"train.csv:1: .*--columns label=Verdict,text=Opinion",
        {"label": "Verdict", "text": "Opinion"},
    ),
    "text before label": (
        "train.tsv",
        table("{text}\t{label}"),
        r"train.tsv:1: the text .* comes before the label.*--columns text=1,label=2",
        {"label": "2", "text": "1"},
    ),
    "other keys": (
        "train.jsonl",
        table(ONE).replace("label", "mood").replace("text", "opinion"),
        r"train.jsonl:1: there is no key 'label' among \[.*--columns label=mood,text=opinion",
        {"label": "mood", "text": "opinion"},
    ),
    "a label with blanks before a tab, elsewhere none": (
        "file.txt",
        table("{label} {text}") + "so so\tan even film\n",
        r"file.txt:5: the label 'so so' ends at a tab, but other lines have no tab",
        None,
    ),
    "a carriage return in a text": (
        "file.txt",
        table("{label}\t{text}").replace("a fine", "a\rfine"),
        r"file.txt:1",
        None,
    ),
    "half a surrogate pair": (
        "a.jsonl",
        table(ONE).replace("fine", "\\ud83d"),
        r"a.jsonl:1: the text contains half of a surrogate",
        None,
    ),
    "a NUL in JSON": (
        "a.jsonl",
        table(ONE).replace("fine", "\\u0000"),
        r"a.jsonl:1: the text contains a NUL character",
        None,
    ),
    "deep JSON": ("a.jsonl", "[" * 100_000 + "\n", r"a.jsonl:1: .*nested too deeply", None),
    "a number of 5,000 digits": ("a.jsonl", f'{{"label": {"9" * 5000}, "text": "a"}}\n', r"a.jsonl:1: .*digits", None),
    "an infinite label": (
        "a.jsonl",
        '{"label": 1e999, "text": "a"}\n',
        r"a.jsonl:1: the label must be text or an integer",
        None,
    ),
    "a token with a line break": (
        "a.jsonl",
        '{"label": 1, "tokens": ["a\\nb"]}\n',
        r"a.jsonl:1: a token must not contain spaces or line breaks",
        None,
    ),
    "a cut array": ("a.json", '[\n{"label": 1, "text": "a"},\n{"label": 2', r"a.json:3: invalid JSON", None),
    "an open quote": ("a.csv", 'text,label\n"a,1\nb,2\n', r"a.csv:2: not valid CSV", None),
    "a short row": (
        "a.csv",
        "text,label\na,1\nb\n",
        r"a.csv:3: at least 2 columns are needed, but the row has 1",
        None,
    ),
    "an empty text": ("a.csv", "text,label\na,1\n ,2\n", r"a.csv:3: the text \(column 1\) is empty: ' , 2'", None),
    "an empty label": ("a.tsv", "text\tlabel\na\t1\nb\t\n", r"a.tsv:3: the label \(column 2\) is empty", None),
    "a label without text": ("file.txt", "pos\ta\nneg\t\n", r"file.txt:2: not a label", None),
}


@pytest.mark.parametrize(("name", "text", "message", "columns"), SENT_REFUSED.values(), ids=SENT_REFUSED)
def test_labelled_texts_that_are_refused(
    tmp_path: Path, name: str, text: str, message: str, columns: dict[str, str] | None
) -> None:
    path = write(tmp_path, text, name)
    with pytest.raises(InputError, match=message) as fault:
        read_labelled(path)
    assert "\n" not in str(fault.value)
    if columns:
        found = read_labelled(path, columns=columns)
        assert [(example.label, " ".join(example.tokens)) for example in found] == TEXTS


def test_folders_of_texts(tmp_path: Path) -> None:
    for split in ("train", "dev", "test"):
        for number, (label, text) in enumerate([*TEXTS, ("unsup", "never read")]):
            write(tmp_path, text + "\n", f"{split}/{label}/{number}_7.txt")
    found = read_folder(tmp_path, read_labelled)
    assert [(e.label, " ".join(e.tokens)) for e in found.dev] == [*TEXTS[2:], *TEXTS[:2]]
    with pytest.raises(InputError, match="one folder per label with .txt files"):
        read_labelled(tmp_path)


def test_texts_that_are_not_tokenised_are_told(tmp_path: Path) -> None:
    for split in ("train", "dev", "test"):
        write(tmp_path, "pos\tA warm film.\nneg\tA dull film.\n", f"{split}.txt")
    (note,) = read_folder(tmp_path, read_labelled).notes
    assert "train.txt:1: the texts do not look tokenised: 'film.' is one token" in note


def test_columns_by_name(tmp_path: Path) -> None:
    """One of them may be left out if the other has a usual name; a message lists the names that there are."""
    path = write(tmp_path, table('"{text}",{label},7', "review,verdict,votes\n"), "train.csv")
    found = read_labelled(path, columns={"label": "verdict"})
    assert [(example.label, " ".join(example.tokens)) for example in found] == TEXTS
    for columns, message in (
        ({"label": "mood"}, r"train.csv:1: there is no column 'mood'; the header is 'review, verdict, votes'"),
        (
            {"text": "review"},
            r"train.csv:1: no column has a common name for the label.*--columns label=NAME with one of 'rev",
        ),
    ):
        with pytest.raises(InputError, match=message):
            read_labelled(path, columns=columns)


def test_options_of_the_command_line(tmp_path: Path) -> None:
    def given(*words: str) -> dict[str, object]:
        return reading_options(build_parser().parse_args(["train", "sentiment", *words]))

    assert given("--text-column", "a b", "--label-column", "c") == {"columns": "text=a b,label=c"}
    assert given("--columns", "text=1", "--label-column", "2") == {"columns": "text=1,label=2"}
    assert given() == {}


def test_tweets_as_they_are_distributed(shared_data: Path) -> None:
    path = shared_data / "airline_tweets" / "Tweets.csv.xz"
    found = load_data(str(path), read_labelled, ReadingConfig(dev_fraction=0.1, test_fraction=0.1))
    assert len(found.train) + len(found.dev) + len(found.test) == 14_640
    assert {example.label for example in found.dev} == {"negative", "neutral", "positive"}
