"""Column files as users have them: each is read, or rejected with one line that has a working remedy."""

from __future__ import annotations

import bz2
import gzip
import lzma
from pathlib import Path
from typing import Any

import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.data.conll import read_conll
from elmo_tasks.data.labelled import read_labelled
from elmo_tasks.data.splits import read_folder
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
    "a tag in another column": (
        rows("{token}\t{tag}\t0\tdoc"),
        r"file.txt:1: 'doc' is not a tag.*--columns token=1,tag=2",
    ),
    "numbers that do not count": (
        rows("7 {token} NNP {tag}"),
        r"file.txt:1: the first column has only numbers.*--columns token=2,tag=4",
    ),
    "a carriage return in a token": (SENTENCE.replace("Oslo", "Os\rlo"), r"file.txt:5: carriage return inside"),
    "an empty token before a tab": (SENTENCE.replace(" ", "\t") + "\tO\n", r"file.txt:6: the token is empty"),
    "an empty token before a blank": (SENTENCE + " O\n", r"file.txt:6: the first of 2 columns is empty"),
    "an empty token among three columns": (
        rows("{token}\tX\t{tag}") + "\tX\tO\n",
        r"file.txt:6: the token is empty",
    ),
    "blanks and a tab": (
        SENTENCE.replace("lives ", "lives VBZ\t"),
        r"file.txt:3: the token 'lives VBZ' contains a space",
    ),
    "a row of other columns": (
        rows("{token}\tX\t{tag}") + "New Bremen\tB-LOC\n",
        r"file.txt:6: .*'New Bremen' contains a space",
    ),
    "a glued tag": (SENTENCE + "Nurses'I-ORG\n", r"file.txt:6: at least 2 columns are needed"),
    "a line with a no-break space": (SENTENCE + "\u00a0\n" + SENTENCE, r"file.txt:6: at least 2 columns are needed"),
    "tags behind": ("Nadia PER-B\nHaddad PER-I\nis O\n", r"file.txt:1: .*the prefix comes first; write B-PER"),
    "parts of speech": ("Rain NOUN\nfalls VERB\n", r"file.txt:1: .*this task reads spans"),
    "a header": ("word tag\n" + SENTENCE, r"file.txt:1: 'tag' is not a tag .*; delete this line if it is a header"),
    "a malformed tag": (SENTENCE + "left o\n", r"file.txt:6: 'o' is not a tag .*; correct this row"),
    "an illegal step of BIOES": (
        "a S-X\n\nb B-X\nc O\nd E-X\n",
        r"file.txt:4: 'O' after 'B-X' at token 2 is not legal in the scheme BIOES",
    ),
    "ISO-8859-1": (SENTENCE.replace("Nadia", "Nadiá").encode("latin-1"), r"file.txt:1: .*0xe1 .*--encoding"),
    "UTF-16": (
        SENTENCE.encode("utf-16"),
        r"file.txt:1: the text is UTF-16, not UTF-8; convert it to UTF-8, or pass --encoding utf-16",
    ),
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
    assert "file.txt:21: the token 'New Bremen' contains a space; it stays one token, with a no-break" in notes[0]


def test_one_slip_does_not_change_the_scheme(tmp_path: Path) -> None:
    """An I- without B- in a BIO file begins a span, as in conlleval, and is reported."""
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
    with pytest.raises(InputError, match=r"file.txt:1: there are no spans in the training data, only O in 1 sent"):
        load_task("ner").labels(read_conll(write(tmp_path, "a O\nb O\n")))
