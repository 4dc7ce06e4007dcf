"""`--encoding` in every command that reads text: the error for Latin-1 names the option, which then works."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from elmo_tasks.analysis.probe_data import load_probe_task
from elmo_tasks.analysis.senses import load_sense_corpus
from elmo_tasks.cli import build_parser, main
from elmo_tasks.core.errors import InputError
from elmo_tasks.pretraining.corpus import encode_corpus, is_encoded, open_corpus, read_sentences

TEXT = "Nadiá drinks café .\nThe café is new .\n"


@pytest.fixture
def text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ELMO_TASKS_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "text.txt"
    path.write_bytes(TEXT.encode("latin-1"))
    return path


@pytest.mark.parametrize(
    "arguments",
    [
        ["embed", "random", "text.txt", "--output", "out.safetensors"],
        ["similar", "café", "--in", "text.txt"],
        ["pretrain", "vocab", "--corpus", "text.txt", "--output", "out.txt"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_every_verb_reads_it(text: Path, arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "text.txt:1: the byte 0xe1 is not valid UTF-8" in line and line.endswith("or pass --encoding latin-1")
    assert main([*arguments, "--encoding", "latin-1"]) == 0
    out = capsys.readouterr().out
    if arguments[0] == "similar":
        assert "café" in out
    elif arguments[0] == "pretrain":
        assert "café 2" in Path("out.txt").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("verb", ["project w --in f --output p.png", "probe pos", "pretrain eval b f", "predict r f",
                                  "evaluate r", "train ner", "pretrain"])  # fmt: skip
def test_every_verb_has_the_option(verb: str) -> None:
    assert build_parser().parse_args([*verb.split(), "--encoding", "cp1252"]).encoding == "cp1252"


def test_a_corpus_is_encoded_anew_in_another_encoding(text: Path, tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    assert "café" in encode_corpus([text], folder, "latin-1").words
    assert is_encoded([text], folder, "latin-1") and not is_encoded([text], folder)
    assert "cafй" in encode_corpus([text], folder, "cp1251").words
    assert open_corpus(folder).n_sentences == 2
    assert list(read_sentences(text, "latin-1"))[1][1] == "café"


def test_probes_read_it(text: Path, tmp_path: Path) -> None:
    for split in ("train", "dev", "test"):
        (tmp_path / f"{split}.txt").write_bytes("café X\nnew Y\n".encode("latin-1"))
    text.unlink()
    assert load_probe_task(str(tmp_path), encoding="latin-1").train.words == ("café", "new")
    with pytest.raises(InputError, match="--encoding latin-1"):
        load_probe_task(str(tmp_path))
    senses = tmp_path / "senses"
    senses.mkdir()
    row = json.dumps({"tokens": ["café"], "index": 0, "lemma": "café", "sense": "a"}, ensure_ascii=False)
    for split in ("train", "test"):
        (senses / f"{split}.jsonl").write_bytes(row.encode("latin-1"))
    assert load_sense_corpus(str(senses), "latin-1").test[0].lemma == "café"
