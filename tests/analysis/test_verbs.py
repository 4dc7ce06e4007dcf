"""`probe`, `similar`, `contrast` and `project` from the command line, on a tiny biLM."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from elmo_tasks.cli import main
from elmo_tasks.views.probe import probe_markdown

COLUMNS = "the DET DT\ndog NOUN NN\nbarks VERB VBZ\n. PUNCT .\n\na DET DT\n{} NOUN NN\nsleeps VERB VBZ\n"


@pytest.fixture
def data(alone: Path) -> Path:
    """A folder of column files with three splits."""
    folder = alone / "tags"
    folder.mkdir()
    for split, noun in (("train", "cat"), ("dev", "cow"), ("test", "fox")):
        (folder / f"{split}.txt").write_text("\n".join([COLUMNS.format(noun)] * 6))
    return folder


@pytest.fixture
def text(alone: Path) -> Path:
    path = alone / "text.txt"
    path.write_text("The dog began to bark .\n\nOak bark [red] is rough .\nDogs bark .\nNo such word .\n")
    return path


def fails(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that must fail by one line and exit code 2; returns the line."""
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("elmo-tasks: error: ") and error.count("\n") == 1, error
    return error


def test_probe(data: Path, tiny_bilm: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["probe", "tags", "--column", "2", "--bilm", tiny_bilm, "--embedders", "random"]
    assert main([*arguments, "--seeds", "2", "--epochs", "3", "--output", "out"]) == 0
    out = capsys.readouterr().out
    assert "selectivity" in out and "each word's most frequent tag" in out and "random biLM" in out
    record = json.loads(Path("out/probe-tags-column2.json").read_text())
    layers = [(Path(row["embedder"]).name, row["layer"]) for row in record["probes"]]
    names = ["elmo:bilm.safetensors"] * 4 + ["random"] + ["random biLM"] * 4
    assert layers == list(zip(names, ["0", "1", "2", "mix", "0", "0", "1", "2", "mix"], strict=True))
    assert record["labels"] == ["DET", "NOUN", "PUNCT", "VERB"] and record["seeds"] == [1, 2]
    assert record["tokens"] == {"train": 42, "dev": 42, "test": 42}
    for row in record["probes"]:
        for score, control, selectivity in zip(row["test"], row["control"], row["selectivity"], strict=True):
            assert selectivity == score - control and 0 <= control <= 1
    # 6 of 42 test tokens are the new noun; all others have one tag, in train as in test
    assert record["majority"]["word"]["test"] == pytest.approx(36 / 42)
    assert record["majority"]["tag"]["test"] == pytest.approx(12 / 42)
    assert record["bilm"]["fingerprint"].startswith("elmo-")
    assert not any(str(data.parent) in line for line in Path("out/probe-tags-column2.json").read_text().splitlines())
    assert Path("out/probe-tags-column2.md").read_text() == probe_markdown(record)
    assert Path("out/probe-tags-column2.png").read_bytes().startswith(b"\x89PNG")
    assert "already exists; choose another --output or pass --overwrite" in fails(capsys, *arguments, "--output", "out")
    assert main([*arguments, "--epochs", "1", "--tokens", "20", "--output", "out", "--overwrite"]) == 0
    assert json.loads(Path("out/probe-tags-column2.json").read_text())["tokens"]["train"] < 30


def test_pos_and_chunk_know_their_columns(
    data: Path, tiny_bilm: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ELMO_TASKS_DATA", str(data.parent))
    data.rename(data.with_name("ud_ewt_pos"))
    fast = ["--bilm", tiny_bilm, "--epochs", "1"]
    assert main(["probe", "pos", *fast]) == main(["probe", "pos", "--column", "3", *fast]) == 0
    coarse = json.loads(Path("runs/probe-ud-ewt-pos.json").read_text())
    assert "VERB" in coarse["labels"] and coarse["published"][0]["source"] == "Peters et al. 2018, Table 6"
    assert "VBZ" in json.loads(Path("runs/probe-ud-ewt-pos-column3.json").read_text())["labels"]
    chunks = data.with_name("conll2003")
    chunks.mkdir()
    for name in ("eng.train", "eng.testa", "eng.testb"):
        (chunks / name).write_text("The DT I-NP O\ndog NN I-NP O\nbarks VBZ I-VP O\n")
    assert main(["probe", "chunk", *fast]) == 0
    assert json.loads(Path("runs/probe-conll2003.json").read_text())["labels"] == ["B-NP", "B-VP", "I-NP"]
    frames = data.with_name("ewt_srl")
    frames.mkdir()
    for split in ("train", "dev", "test"):
        rows = "# doc a sent 0\n0 # NN - - *\n1 barks VBZ bark bark.01 (V*)\n\n# doc a sent 1\n0 No DT - -\n"
        (frames / f"{split}.conll").write_text(rows)
    assert main(["probe", "srl", *fast]) == 0
    record = json.loads(Path("runs/probe-ewt-srl.json").read_text())
    assert record["labels"] == ["O", "V"] and record["tokens"]["test"] == 3
    assert "Peters" in capsys.readouterr().out


def test_probe_senses(alone: Path, tiny_bilm: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = alone / "mine"
    folder.mkdir()
    for split in ("train", "test"):
        rows = [
            {"tokens": ["dogs", "bark"], "index": 1, "lemma": "bark", "sense": "dog"},
            {"tokens": ["oak", "bark"], "index": 1, "lemma": "bark", "sense": "tree"},
        ]
        (folder / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert main(["probe", "senses", "mine", "--bilm", tiny_bilm]) == 0
    record = json.loads(Path("runs/probe-mine.json").read_text())
    found = {row["layer"]: row["test"] for row in record["probes"] if row["embedder"] != "random biLM"}
    assert found == {"0": [0.5], "1": [1.0], "2": [1.0], "average": [1.0]}  # test is train: only layer 0 is blind
    assert "first sense" in capsys.readouterr().out
    assert Path("runs/probe-mine.png").exists() and Path("runs/probe-mine.md").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["probe", "poss"], "probe: there is no data 'poss'; name pos, chunk, srl, senses or a folder of column files"),
        (["probe", "pos"], "set ELMO_TASKS_DATA to the folder of the data sets"),
        (["probe", "tags", "more"], "probe: only pos, chunk, srl can be followed by a folder, not 'tags'"),
        (["probe", "senses", "nowhere"], "probe senses: there is no folder"),
        (["probe", "tags", "--column", "1"], "--column must be 2 or more (the first column is the word), not 1"),
        (["probe", "tags", "--column", "9"], "train.txt:1: at least 9 columns are needed"),
        (["probe", "tags", "--seeds", "0"], "--seeds must be 1 or more, not 0"),
        (["probe", "tags", "--bilm", "nowhere"], "no biLM named 'nowhere'"),
        (["probe", "tags", "--embedders", "glov"], "did you mean glove?"),
    ],
)
def test_probe_faults(data: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    assert message in fails(capsys, *arguments)


def test_a_folder_without_a_split(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "dev.txt").unlink()
    assert "no file for the dev split" in fails(capsys, "probe", "tags")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "train.txt: the file has no sentences; expected columns"),
        ("a X\nb X\n", "the training file has only one tag"),
    ],
)
def test_nothing_to_learn(data: Path, capsys: pytest.CaptureFixture[str], content: str, message: str) -> None:
    (data / "train.txt").write_text(content)
    assert message in fails(capsys, "probe", "tags")


def test_similar(text: Path, tiny_bilm: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["similar", "bark", "--in", "text.txt", "--bilm", tiny_bilm]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "nearest to: The dog began to bark ." in out and "Oak bark [red] is rough ." in out and "text.txt:4" in out
    assert main([*arguments, "--sentence", "Cats bark .", "--layer", "2", "--top", "2", "--json"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(found) == 2 and found[0]["cosine"] >= found[1]["cosine"]
    assert {entry["word"] for entry in found} == {"bark"} and found[0]["source"].startswith("text.txt:")
    assert found[0]["tokens"][found[0]["position"] - 1] == "bark"
    assert main([*arguments, "--any", "--top", "50", "--json"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 19 - 1  # every word of the file but the query


def test_contrast(alone: Path, tiny_bilm: str, capsys: pytest.CaptureFixture[str]) -> None:
    sentences = ["The dog began to bark .", "Oak bark is rough ."]
    for name in ("c.png", "c.svg", "c.html"):
        assert main(["contrast", *sentences, "--bilm", tiny_bilm, "--output", name]) == 0
    out = capsys.readouterr().out
    assert "0 (characters alone)" in out and "1.000" in out and "written to c.html" in out
    assert Path("c.png").read_bytes().startswith(b"\x89PNG") and "<svg" in Path("c.svg").read_text()


def test_project(text: Path, tiny_bilm: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["project", "bark", "--in", "text.txt", "--bilm", tiny_bilm, "--output", "p.png"]) == 0
    assert "layer 2: cluster 1 (" in capsys.readouterr().out
    rows = [
        {"tokens": [other, "bark"], "index": 1, "lemma": "bark", "sense": sense}
        for other, sense in (("dogs", "dog"), ("wolves", "dog"), ("oak", "tree"), ("elm", "tree"))
    ]
    Path("senses.jsonl").write_text("\n".join(map(json.dumps, rows)))
    more = ["--layer", "1", "--cluster", "agglomerative"]
    assert main(["project", "bark", "--in", "senses.jsonl", "--bilm", tiny_bilm, "--output", "q.svg", *more]) == 0
    out = capsys.readouterr().out
    assert "dog (2), tree (2)" in out and "adjusted Rand index" in out
    assert Path("p.png").read_bytes().startswith(b"\x89PNG") and "<svg" in Path("q.svg").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["similar", "cow", "--in", "text.txt"], "text.txt: the word 'cow' does not occur"),
        (["similar", "bark", "--in", "none.txt"], "none.txt: no such file"),
        (["similar", "bark", "--in", "empty.txt"], "empty.txt: the word 'bark' does not occur"),
        (["similar", "bark", "--in", "text.txt", "--sentence", "Cats ."], "the word 'bark' is not in the sentence"),
        (["similar", "bark", "--in", "text.txt", "--position", "9"], "--position: 'bark' is not at 9"),
        (["similar", "bark", "--in", "text.txt", "--layer", "7"], "--layer must be average, 0 to 2 or the folder"),
        (["similar", "bark", "--in", "text.txt", "--top", "0"], "--top must be 1 or more, not 0"),
        (["contrast", "a dog", "a dog"], "must share exactly one word, not 2: a, dog"),
        (["contrast", "a dog", "the dog", "--output", "x.txt"], "--output must end in .png, .svg or .html"),
        (
            ["contrast", "a dog", "the dog", "--output", "text.txt/x.png"],
            "x.png: cannot be written (a file is in the way)",
        ),
        (["project", "cow", "--in", "text.txt", "--output", "x.png"], "the word 'cow' does not occur"),
        (["project", "bark", "--in", "text.txt", "--output", "x.gif"], "--output must end in .png or .svg"),
        (["project", "bark", "--in", "text.txt", "--output", "x.png", "--layer", "top"], "--layer must be average"),
        (["project", "bark", "--in", "text.txt", "--output", "x.png", "--limit", "0"], "--limit must be 1 or more"),
        (
            ["project", "No", "--in", "text.txt", "--output", "x.png"],
            "the word occurs only 1 times, but 3 or more occurrences are needed",
        ),
    ],
)
def test_faults(
    text: Path, tiny_bilm: str, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    Path("empty.txt").write_text("")
    assert message in fails(capsys, *arguments, "--bilm", tiny_bilm)
