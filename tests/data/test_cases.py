"""Files as people bring them: each is read as its right outcome says, or refused with a way out that works."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.data.catalog import load_data
from elmo_tasks.data.conll import read_conll
from elmo_tasks.data.labelled import read_labelled
from elmo_tasks.data.reading import ReadingConfig
from elmo_tasks.data.splits import Splits, find_split, read_folder
from elmo_tasks.data.srl import read_srl
from elmo_tasks.task import load_task
from elmo_tasks.text.spans import to_spans

SENTENCE = "Nadia B-PER\nHaddad I-PER\nlives O\nin O\nOslo B-LOC\n"
TOKENS, TAGS = ("Nadia", "Haddad", "lives", "in", "Oslo"), ("B-PER", "I-PER", "O", "O", "B-LOC")


def write(folder: Path, data: str | bytes, name: str = "file.txt") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def rows(form: str) -> str:
    """The sentence with other columns: `form` has {n} (from 1), {token} and {tag}."""
    pairs = zip(TOKENS, TAGS, strict=True)
    return "".join(form.format(n=n, token=token, tag=tag) + "\n" for n, (token, tag) in enumerate(pairs, 1))


IO = SENTENCE.replace("B-", "").replace("I-", "")

NER_READ = {
    "LF": SENTENCE,
    "CRLF": SENTENCE.replace("\n", "\r\n"),
    "CR": SENTENCE.replace("\n", "\r"),
    "CR CR LF": SENTENCE.replace("\n", "\r\r\n"),
    "a byte order mark": "\ufeff" + SENTENCE,
    "no final newline": SENTENCE[:-1],
    "a line of blanks": " \t\n" + SENTENCE + "\t\n",
    "document marks": "-DOCSTART-\tO\n\n-DOCSTART- -X- -X- O\n\n-DOCSTART- (3)\n\n" + SENTENCE,
    "tabs": SENTENCE.replace(" ", "\t"),
    "tabs and blanks": SENTENCE.replace(" ", " \t "),
    "two tabs": SENTENCE.replace(" ", "\t\t"),
    "a trailing tab": SENTENCE.replace("\n", "\t\n"),
    "indented": rows("\t{token} {tag}"),
    "a comment with its columns": "# id 3\tdomain=en\n" + rows("{token} _ _ {tag}"),
    "a comment that ends like a tag": "# source: agency O\n" + SENTENCE,
    "numbers from 1 (NeuroNLP2)": rows("{n} {token} NNP I-NP {tag}"),
    "numbers of CoNLL-U, with a contraction": rows("{n}\t{token}\tX\t{tag}").replace("4\tin", "4-5\tzum\tX\tO\n4\tin"),
    "GermEval 2014": "#\thttp://example.org\t[2010-01-01]\n" + rows("{n}\t{token}\t{tag}\tO"),
    "GermEval 2014 without comments": rows("{n}\t{token}\t{tag}\tO"),
    "IO": IO,
    "BMES": SENTENCE.replace("Haddad I-", "Haddad E-").replace("Oslo B", "Oslo S"),
    "BILOU": SENTENCE.replace("Haddad I-", "Haddad L-").replace("Oslo B", "Oslo U"),
    "IOB1": SENTENCE.replace("B-", "I-"),
}


@pytest.mark.parametrize("text", NER_READ.values(), ids=NER_READ)
def test_column_files_that_are_read(tmp_path: Path, text: str) -> None:
    (found,) = read_conll(write(tmp_path, text))
    assert (found.tokens, found.tags) == (TOKENS, TAGS)


NER_REFUSED = {
    "a tag in another column": (rows("{token}\t{tag}\t0\tdoc"), r"file.txt:1: .*got 'doc'.*--columns token=1,tag=2"),
    "numbers that do not count": (
        rows("7 {token} NNP {tag}"),
        r"file.txt:1: the first column has only numbers.*--columns token=2,tag=4",
    ),
    "a carriage return in a token": (SENTENCE.replace("Oslo", "Os\rlo"), r"file.txt:5: a carriage return inside"),
    "an empty token before a tab": (SENTENCE.replace(" ", "\t") + "\tO\n", r"file.txt:6: the token is empty"),
    "an empty token before a blank": (SENTENCE + " O\n", r"file.txt:6: expected 2 columns, got an empty first one"),
    "an empty token among three columns": (
        rows("{token}\tX\t{tag}") + "\tX\tO\n",
        r"file.txt:6: the token is empty",
    ),
    "blanks and a tab": (SENTENCE.replace("lives ", "lives VBZ\t"), r"file.txt:3: the token 'lives VBZ' holds a blank"),
    "a row of other columns": (rows("{token}\tX\t{tag}") + "New Bremen\tB-LOC\n", r"file.txt:6: 'New Bremen' holds a"),
    "a glued tag": (SENTENCE + "Nurses'I-ORG\n", r"file.txt:6: expected at least 2 columns"),
    "a line with a no-break space": (SENTENCE + "\u00a0\n" + SENTENCE, r"file.txt:6: expected at least 2 columns"),
    "tags behind": ("Nadia PER-B\nHaddad PER-I\nis O\n", r"file.txt:1: .*the prefix stands first: write B-PER"),
    "parts of speech": ("Rain NOUN\nfalls VERB\n", r"file.txt:1: .*only spans are read"),
    "a header": ("word tag\n" + SENTENCE, r"file.txt:1: .*got 'tag'; delete this line if it is a header"),
    "a malformed tag": (SENTENCE + "left o\n", r"file.txt:6: .*got 'o'; correct this row"),
    "an illegal step of BIOES": ("a S-X\n\nb B-X\nc O\nd E-X\n", r"file.txt:4: expected a legal BIOES sequence"),
    "ISO-8859-1": (SENTENCE.replace("Nadia", "Nadiá").encode("latin-1"), r"file.txt:1: .*0xe1; .*--encoding"),
    "UTF-16": (SENTENCE.encode("utf-16"), r"file.txt:1: .*got UTF-16; pass --encoding utf-16"),
    "UTF-16 without a mark": (SENTENCE.encode("utf-16-le"), r"file.txt:1: .*NUL byte"),
    "a NUL": (SENTENCE + "\0 O\n", r"file.txt:6: .*NUL byte"),
}


@pytest.mark.parametrize(("data", "message"), NER_REFUSED.values(), ids=NER_REFUSED)
def test_column_files_that_are_refused(tmp_path: Path, data: str | bytes, message: str) -> None:
    with pytest.raises(InputError, match=message) as fault:
        read_conll(write(tmp_path, data))
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize(
    ("data", "advice"),
    [
        (rows("{token}\t{tag}\t0\tdoc"), {"columns": {"token": "1", "tag": "2"}}),
        (rows("7 {token} NNP {tag}"), {"columns": {"token": "2", "tag": "4"}}),
        (SENTENCE.replace("Nadia", "Nadiá").encode("latin-1"), {"encoding": "latin-1"}),
        (SENTENCE.encode("utf-16"), {"encoding": "utf-16"}),
        (SENTENCE.encode("utf-16-le"), {"encoding": "utf-16-le"}),
    ],
)
def test_the_way_out_works(tmp_path: Path, data: str | bytes, advice: Any) -> None:
    (found,) = read_conll(write(tmp_path, data), **advice)
    assert found.tokens[1:] == TOKENS[1:] and found.tags == TAGS


@pytest.mark.parametrize("ending", ["gz", "xz", "bz2"])
def test_compressed_files_of_examples(tmp_path: Path, ending: str) -> None:
    packed = {"gz": gzip.compress, "xz": lzma.compress, "bz2": bz2.compress}[ending](SENTENCE.encode())
    for split in ("train", "dev", "test"):
        write(tmp_path, packed, f"{split}.txt.{ending}")
    assert read_folder(tmp_path, read_conll).test[0].tokens == TOKENS
    row = {"gz": gzip.compress, "xz": lzma.compress, "bz2": bz2.compress}[ending](b'{"label": 1, "text": "a"}')
    assert read_labelled(write(tmp_path, row, f"train.jsonl.{ending}"))[0].label == "1"


def test_hashes_and_quotes_are_tokens(tmp_path: Path) -> None:
    found = read_conll(write(tmp_path, "# O\n\" O\n' O\n#1 O\n\n#nlproc B-X\n# O\n"))
    assert [example.tokens for example in found] == [("#", '"', "'", "#1"), ("#nlproc", "#")]


def test_other_text_is_kept(tmp_path: Path) -> None:
    token = "a\u0301\u200d\U0001f600\u0085\u2028\x0b\x0cb"
    (found,) = read_conll(write(tmp_path, f"{token} O\n{'x' * 5000} B-X\n"))
    assert found.tokens == (token, "x" * 5000)


def test_a_token_with_a_blank_stays_one_token(tmp_path: Path) -> None:
    notes: list[str] = []
    text = 4 * SENTENCE.replace(" ", "\t") + "New Bremen\tB-LOC\n"
    (found,) = read_conll(write(tmp_path, text), note=notes.append)
    assert found.tokens[-1] == "New\u00a0Bremen"
    assert "file.txt:21: the token 'New Bremen' holds a blank; it stays one token, with a no-break" in notes[0]


def test_one_slip_does_not_change_the_scheme(tmp_path: Path) -> None:
    """An I- without its B- in a file of BIO begins a span, as for conlleval, and is told."""
    notes: list[str] = []
    text = "a B-X\nb B-X\n\nc B-X\n\nd O\ne I-X\nf I-X\n"
    found = read_conll(write(tmp_path, text), note=notes.append)
    assert [tuple(span) for span in to_spans(found[2].tags, "BIO")] == [("X", 1, 3)]
    (note,) = notes
    assert "file.txt:7: 'I-X' after 'O' begins a span, although 2 spans" in note
    notes.clear()
    read_conll(write(tmp_path, "a I-X\n\nb I-X\nc B-X\n"), note=notes.append)  # IOB1 as it should be
    assert not notes


def test_no_span_in_the_training_data(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"file.txt:1: expected spans in the training data, got only O in 1 sent"):
        load_task("ner").labels(read_conll(write(tmp_path, "a O\nb O\n")))


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
        r"train.csv:1: expected a header line.*--columns label=1,text=3",
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
        r"train.tsv:1: expected the label before the text.*--columns text=1,label=2",
        {"label": "2", "text": "1"},
    ),
    "other keys": (
        "train.jsonl",
        table(ONE).replace("label", "stars").replace("text", "review"),
        r"train.jsonl:1: .*got no 'label' among \[.*--columns label=stars,text=review",
        {"label": "stars", "text": "review"},
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
        r"a.jsonl:1: half of a surrogate",
        None,
    ),
    "a NUL in JSON": ("a.jsonl", table(ONE).replace("fine", "\\u0000"), r"a.jsonl:1: a NUL character", None),
    "deep JSON": ("a.jsonl", "[" * 100_000 + "\n", r"a.jsonl:1: .*nested too deeply", None),
    "a number of 5,000 digits": ("a.jsonl", f'{{"label": {"9" * 5000}, "text": "a"}}\n', r"a.jsonl:1: .*digits", None),
    "an infinite label": (
        "a.jsonl",
        '{"label": 1e999, "text": "a"}\n',
        r"a.jsonl:1: .*a label of text or an int",
        None,
    ),
    "a token with a line break": (
        "a.jsonl",
        '{"label": 1, "tokens": ["a\\nb"]}\n',
        r"a.jsonl:1: expected tokens without",
        None,
    ),
    "a cut array": ("a.json", '[\n{"label": 1, "text": "a"},\n{"label": 2', r"a.json:3: .*got no JSON", None),
    "an open quote": ("a.csv", 'text,label\n"a,1\nb,2\n', r"a.csv:2: expected a row of CSV", None),
    "a short row": ("a.csv", "text,label\na,1\nb\n", r"a.csv:3: expected at least 2 columns, got 1", None),
    "a label without text": ("file.txt", "pos\ta\nneg\t\n", r"file.txt:2: expected a label", None),
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
    assert "train.txt:1: the texts are not tokenised: 'film.' is one token" in note


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
    assert notes == [f"{tmp_path}/file.txt:5: an empty column of spans without a predicate is ignored"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (V05 + "Ada - (A1(A2*)\nleft leave (V*)\nnow - *)\n", r"file.txt:4: expected spans side by side"),
        (V05 + "Ada - (A0*)\nleft leave *\n", r"file.txt:5: expected one span V"),
        (
            "1 Ada left . ||| B-A0 B-V O\n3 Kofi wants to go . ||| O O O B-V O\n",
            r"file.txt:1: expected sentences in the c",
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
    with pytest.raises(InputError, match="one file of the train split.*got none"):
        find_split(tmp_path, "train", "b")
    with pytest.raises(InputError, match=r"several: test-brown, test-wsj.*such as .*:brown"):
        read_folder(folder_of(tmp_path / "srl", ["train-set", "dev-set", "test-wsj", "test-brown"]), read_conll)


def test_a_lone_test_file_is_enough_to_evaluate(tmp_path: Path) -> None:
    folder_of(tmp_path, ["test.txt"])
    for name in (tmp_path, tmp_path / "test.txt"):
        assert load_data(str(name), read_conll, only=("test",)).test[0].tokens == ("test.txt",)
    with pytest.raises(InputError, match="expected one file of the test split"):
        load_data(str(folder_of(tmp_path / "other", ["train.txt"])), read_conll, only=("test",))


def test_dev_is_held_out_of_train(tmp_path: Path) -> None:
    write(tmp_path, "".join(f"w{n} B-X\n\n" for n in range(50)), "train.txt")
    write(tmp_path, "w O\n", "test.txt")
    with pytest.raises(InputError, match=r"dev split.*got none.*--dev-fraction 0.1 holds a part of train out"):
        read_folder(tmp_path, read_conll)
    reading = ReadingConfig(dev_fraction=0.2)
    found = read_folder(tmp_path, read_conll, reading=reading)
    assert (len(found.train), len(found.dev), len(found.test)) == (40, 10, 1)
    assert len({example.tokens for example in (*found.train, *found.dev)}) == 50
    assert "10 of 50 training sentences are held out as dev" in found.notes[-1]
    assert found.dev == read_folder(tmp_path, read_conll, reading=reading, only=("dev",)).dev
    with pytest.raises(InputError, match="leaves no sentence for dev"):
        read_folder(tmp_path, read_conll, reading=ReadingConfig(dev_fraction=0.001))
    write(tmp_path, "w O\n", "dev.txt")
    with pytest.raises(InputError, match="--dev-fraction, but the folder has a dev file"):
        read_folder(tmp_path, read_conll, reading=reading)


def test_a_file_alone_is_train_and_dev(tmp_path: Path) -> None:
    path = write(tmp_path, "".join(f"w{n} B-X\n\n" for n in range(50)), "all.txt")
    found = load_data(str(path), read_conll, ReadingConfig(dev_fraction=0.1))
    assert (len(found.train), len(found.dev), len(found.test)) == (45, 5, 0) and "no test file" in found.notes[0]
    with pytest.raises(InputError, match=r"got a file; hold a part of it out as dev by --dev-fraction 0.1"):
        load_data(str(path), read_conll)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("token", "name=column pairs"),
        ("token=0", "number of a column"),
        ("a=1", "token and tag"),
        ("tag=²", "number of"),
    ],
)
def test_damaged_columns(tmp_path: Path, columns: str, message: str) -> None:
    folder_of(tmp_path, ["train", "dev", "test"])
    with pytest.raises(InputError, match=f"--columns: expected.*{message}"):
        read_folder(tmp_path, read_conll, reading=ReadingConfig(columns=columns))


def test_choices_that_a_reader_does_not_have(tmp_path: Path) -> None:
    folder_of(tmp_path, ["train", "dev", "test"])
    with pytest.raises(InputError, match="--columns: the reader of this task's files has no such choice"):
        read_folder(tmp_path, lambda path: read_conll(path), reading=ReadingConfig(columns="token=1"))
    with pytest.raises(InputError, match="--encoding: unknown encoding 'utf-99'"):
        read_folder(tmp_path, read_conll, reading=ReadingConfig(encoding="utf-99"))


@pytest.mark.parametrize("task", ["ner", "sentiment", "srl"])
def test_json_lines_for_predict(task: str) -> None:
    """A line of JSON is a sentence, never tokens such as `{"text":`."""
    parse = load_task(task).parse
    for line in ('{"tokens": ["a\u00a0b", "c"]}', '{"text": "a\u00a0b\\nc"}', "a\u00a0b c"):
        assert [example.tokens for example in parse(line, "f:1")] == [("a\u00a0b", "c")]
    for line in ('{"label": 1}', '{"tokens": ["a b"]}', '{"text"', '{"tokens": [1]}', '{"text": "\\ud83d"}'):
        with pytest.raises(InputError, match="f:1: ") as fault:
            parse(line, "f:1")
        assert "\n" not in str(fault.value)


# Of each case of the shared folder: how many examples of train, dev and test are read, or what refuses them.
SHARED: dict[str, tuple[int, int, int] | str] = {
    "ner_all_O": "expected spans",
    "ner_anntype_last": "--columns token=1,tag=2",
    "ner_bio_mixed_error": (13, 1, 1),
    "ner_bioes_illegal": "train.txt:44: expected a legal BIOES",
    "ner_cr_in_token": "train.txt:85: a carriage return",
    "ner_empty_token": "train.tsv:15: the token is empty",
    "ner_empty_token_blank": "train.txt:86: ",
    "ner_glued_tag": "train.txt:86: ",
    "ner_latin1": "byte 0xe1",
    "ner_long_token": (13, 1, 1),
    "ner_long_types": (10, 2, 2),
    "ner_conll2000": (6, 1, 1),
    "ner_nbsp_line": "train.txt:7: ",
    "ner_one_sentence_20000": (13, 1, 1),
    "ner_pos_only": "only spans are read",
    "ner_suffix": "write B-PER",
    "ner_utf16": "--encoding utf-16",
    "sent_csv_agnews": "--columns label=1,text=3",
    "sent_csv_imdb": (8, 2, 2),
    "sent_csv_label_first": "--columns label=1,text=3",
    "sent_csv_text_label": (24, 8, 8),
    "sent_dev_missing": "--dev-fraction",
    "sent_empty_text": "train.txt:9: ",
    "sent_folders": (8, 2, 2),
    "sent_imbalance": (42, 8, 8),
    "sent_jsonl_keys": "--columns label=sentiment,text=sentence",
    "sent_jsonl_surrogate": "train.jsonl:1: half of a surrogate pair",
    "sent_some_tabs": (9, 9, 9),
    "sent_test_missing": (8, 8, 0),
    "sent_text_lone_cr": "train.txt:1: a carriage return",
    "sent_tsv_glue": (8, 2, 2),
    "srl05_nested": "train.txt:75: ",
    "srl05_no_V": "train.txt:74: ",
    "srl05_ok": (24, 5, 5),
    "srl05_two_tests": "such as .*:brown",
    "srl12_ok": (12, 12, 12),
    "srl12_stray_column": (13, 12, 12),
    "srl_deepsrl_bar": "train.txt:1: expected sentences in the columns",
    "train_zero_f1": (600, 300, 300),
}
USUAL = {"ner": (12, 1, 1), "split": (12, 1, 1), "sent": (8, 8, 8)}
TASKS = {
    "ner": "ner",
    "split": "ner",
    "train": "ner",
    "sent": "sentiment",
    "srl": "srl",
    "srl05": "srl",
    "srl12": "srl",
}


def test_the_shared_cases(shared_data: Path) -> None:
    """Every data folder among the cases that lie beside the data sets, where there are any."""
    seen = set()
    for folder in sorted((shared_data.parent / "cases").glob("*")):
        kind = folder.name.split("_")[0]
        if not folder.is_dir() or kind not in TASKS:
            continue
        seen.add(folder.name)
        task = load_task(TASKS[kind])
        right = SHARED.get(folder.name) or USUAL[kind]
        if isinstance(right, str):
            with pytest.raises(InputError, match=right) as fault:
                task.labels(load_data(str(folder), task.read).train)
            assert "\n" not in str(fault.value)
            continue
        found = load_data(str(folder), task.read)
        labels = task.labels(found.train)
        assert (folder.name, len(found.train), len(found.dev), len(found.test)) == (folder.name, *right)
        if kind == "sent":
            assert len(labels) == 2
    assert not seen or seen >= SHARED.keys()
