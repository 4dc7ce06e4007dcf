"""`elmo_tasks.lite` runs an export alone, without the libraries that made it, and says what is wrong with a bad one."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elmo_tasks import lite
from elmo_tasks.core.errors import InputError
from elmo_tasks.lite.__main__ import main
from elmo_tasks.lite.packing import Packing
from elmo_tasks.lite.viterbi import viterbi
from elmo_tasks.runs.predict import predict
from elmo_tasks.runs.run import export_run, load
from elmo_tasks.runs.store import Trained

ROOT = Path(__file__).resolve().parents[2]
LINES = [
    "Ada lived in London .",
    "",
    "No",
    "tab\tbetween  words",
    '{"tokens": ["New", "York"]}',
    '{"text": "So it is"}',
]
BLOCKED = (
    "torch", "numba", "lightning", "pandas", "sklearn", "onnx", "safetensors", "h5py", "datasets", "matplotlib", "yaml",
    "filelock", "jinja2", "rich", "seqeval", "torchcrf", "transformers", "huggingface_hub", "scipy",
)  # fmt: skip
"""Packages missing in an environment with only onnxruntime and numpy."""


@pytest.fixture
def folder(make_run: Callable[..., Trained], tmp_path: Path) -> Path:
    """An export of NER."""
    return export_run(make_run(embedders=("glove", "elmo", "chars")), tmp_path / "out")


def test_runs_with_onnxruntime_and_numpy_alone(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("\n".join(LINES), "utf-8")
    program = (
        f"import sys; sys.modules.update(dict.fromkeys({BLOCKED!r})); sys.path.insert(0, {str(ROOT)!r})\n"
        "from elmo_tasks.lite.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-I", "-c", program, str(folder), str(tmp_path / "text")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert [json.loads(line) for line in done.stdout.splitlines()] == list(predict(tmp_path / "run", LINES, trust=True))


def test_reads_standard_input_and_files(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = tmp_path / "text"
    text.write_bytes("\ufeffRain fell .\r\nNo\n".encode())
    assert main([str(folder), str(text), "--threads", "1"]) == 0
    found = [json.loads(line)["tokens"] for line in capsys.readouterr().out.splitlines()]
    assert found == [["Rain", "fell", "."], ["No"]]
    with text.open() as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        assert main([str(folder)]) == 0
    assert [json.loads(line)["tokens"] for line in capsys.readouterr().out.splitlines()] == found


@pytest.mark.parametrize("task", ["ner", "sentiment", "srl", "tagging"])
def test_reads_raw_text_as_a_run_does(
    task: str, make_run: Callable[..., Trained], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_run(task)
    folder = export_run(tmp_path / "run", tmp_path / "out", trust=True)
    text = "Dr. Haddad (Nadia) didn't fly.\r\n\r\n😀 Geneva's lake, in the rain.  It is cold. "
    expected = [result.to_dict() for result in load(tmp_path / "run", trust=True)(text, scores=False)]
    assert_same([result.to_dict() for result in lite.load(folder).text(text)], expected)
    assert [found["text"] for found in expected][-1] == "It is cold."
    (tmp_path / "text").write_bytes(text.encode())
    assert main([str(folder), str(tmp_path / "text"), "--text"]) == 0
    assert_same([json.loads(line) for line in capsys.readouterr().out.splitlines()], expected)
    (tmp_path / "text").write_text(" \n", "utf-8")
    assert main([str(folder), str(tmp_path / "text"), "--text"]) == 2
    assert capsys.readouterr().err.endswith("text: the text is empty or only white space\n")


def assert_same(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    """Probabilities may differ in their last digit."""
    for own, other in zip(found, expected, strict=True):
        assert own.get("probabilities") == pytest.approx(other.get("probabilities"), abs=2e-5)
        assert own | {"probabilities": None} == other | {"probabilities": None}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "text: cannot be read (No such file or directory)"),
        (b"fine\ncaf\xe9 au lait\n", "text:2: not UTF-8 text (byte 0xe9); convert it to UTF-8"),
        (
            b'{"tokens": [1]}',
            """text:1: invalid JSON object '{"tokens": [1]}'; expected a tokenised sentence or {"tokens": [words]}""",
        ),
        (
            b'\n{"tokens": ',
            """text:2: invalid JSON object '{"tokens":'; expected a tokenised sentence or {"tokens": [words]}""",
        ),
    ],
)
def test_a_bad_text_is_one_line(
    content: bytes | None, message: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (tmp_path / "text").write_bytes(content)
    assert main([str(folder), str(tmp_path / "text")]) == 2
    error = capsys.readouterr().err
    assert error.endswith(f"{message}\n") and error.count("\n") == 1


def damage_manifest(folder: Path, **changes: object) -> None:
    """Change keys of the manifest; None removes one."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text("utf-8")) | changes
    path.write_text(json.dumps({key: value for key, value in manifest.items() if value is not None}), "utf-8")


def flip_a_byte(folder: Path) -> None:
    path = folder / "model.onnx"
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)


def name_no_graph(folder: Path) -> None:
    files = json.loads((folder / "manifest.json").read_text("utf-8"))["files"]
    del files["model.onnx"]
    damage_manifest(folder, files=files)


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "no manifest": (lambda folder: (folder / "manifest.json").unlink(), r"not an export \(it has no manifest.json\)"),
    "not JSON": (lambda folder: (folder / "manifest.json").write_text("{"), "manifest.json: damaged: not JSON"),
    "a list": (
        lambda folder: (folder / "manifest.json").write_text("[]"),
        "the format is None, not elmo-tasks-lite-1; export it",
    ),
    "another format": (
        lambda folder: damage_manifest(folder, format="x-9"),
        "the format is 'x-9', not elmo-tasks-lite-1; ex",
    ),
    "no labels": (lambda folder: damage_manifest(folder, labels=None), "'labels' is missing or has the wrong type"),
    "numbers as labels": (
        lambda folder: damage_manifest(folder, labels=[1]),
        "'labels' is missing or has the wrong type",
    ),
    "no inputs": (lambda folder: damage_manifest(folder, inputs=[]), "'inputs' is missing or has the wrong type"),
    "another model": (lambda folder: damage_manifest(folder, model="parser"), "unknown model 'parser'"),
    "another input": (lambda f: damage_manifest(f, inputs=[{"kind": "x", "width": 1}]), "unknown kind of input 'x'"),
    "an input without its keys": (
        lambda folder: damage_manifest(folder, inputs=[{"kind": "chars", "width": 8}]),
        r"manifest.json: damaged: it does not list input-0-words.onnx",
    ),
    "outside": (
        lambda folder: damage_manifest(folder, files={"../x": {}}),
        "'../x' is not the name of a file in the folder",
    ),
    "no checksum": (lambda folder: damage_manifest(folder, files={"model.onnx": {}}), "its checksum is not the one"),
    "a graph not named": (name_no_graph, "manifest.json: damaged: it does not list model.onnx"),
    "a file gone": (lambda folder: (folder / "model.onnx").unlink(), r"model.onnx: cannot be read \(No such file"),
    "a byte": (flip_a_byte, "model.onnx: damaged: its checksum is not the one in manifest.json; export it again"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_folder_is_one_line(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    damage, message = DAMAGE[name]
    damage(folder)
    with pytest.raises(InputError, match=message) as caught:
        lite.load(folder)
    assert main([str(folder)]) == 2
    assert capsys.readouterr().err == f"elmo-tasks-lite: error: {caught.value}\n"


def test_other_folders_are_no_exports(tmp_path: Path, make_run: Callable[..., Trained]) -> None:
    make_run()
    for path in (tmp_path / "run", tmp_path / "nowhere", tmp_path / "glove.txt"):
        with pytest.raises(InputError, match=r"not an export \(it has no manifest.json\); make one with `elmo-"):
            lite.load(path)


def test_without_onnxruntime_it_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match="onnxruntime is not installed; install it with `pip install onnxruntime`"):
        lite.load(folder)


def test_bad_arguments(folder: Path) -> None:
    with pytest.raises(InputError, match="threads must be 1 or more, not 0"):
        lite.load(folder, threads=0)
    model = lite.load(folder)
    assert model.task == "ner" and "B-PER" in model.labels
    with pytest.raises(InputError, match="sentences must be a list of token lists"):
        model("Ada lived .")
    with pytest.raises(InputError, match=r"sentences\[0\]: must be a list of tokens"):
        model(["Ada lived ."])


@given(st.lists(st.integers(1, 12), min_size=1, max_size=20))
def test_every_token_has_a_place_of_its_own(lengths: list[int]) -> None:
    packing = Packing.of(lengths)
    steps, streams, _ = packing.begins.shape
    tokens = np.arange(sum(lengths))
    for at in (packing.ahead, packing.behind):
        assert len(set(at.tolist())) == len(tokens) and at.max() < steps * streams
        assert (packing.block(tokens, at).reshape(-1)[at] == tokens).all()
    first = np.cumsum([0, *lengths[:-1]])
    begins = set(np.flatnonzero(packing.begins).tolist())
    assert begins == set(packing.ahead[first].tolist())
    last = first + np.array(lengths) - 1
    assert begins == set(packing.behind[last].tolist())
    follows = np.setdiff1d(tokens, first)
    assert (packing.ahead[follows] - packing.ahead[follows - 1] == streams).all()
    assert (packing.behind[follows - 1] - packing.behind[follows] == streams).all()


def test_viterbi_finds_what_enumeration_finds() -> None:
    draw = np.random.default_rng(0)
    scores = draw.normal(size=(4, 3, 3)).astype(np.float32)  # (T, B, K)
    start, end, step = (draw.normal(size=shape).astype(np.float32) for shape in (3, 3, (3, 3)))
    step[1, 2] = -np.inf
    lengths = [4, 1, 3]

    def value(row: int, labels: tuple[int, ...]) -> float:
        moves = sum(step[before, after] for before, after in itertools.pairwise(labels))
        return float(start[labels[0]] + end[labels[-1]] + moves + sum(scores[t, row, k] for t, k in enumerate(labels)))

    for row, found in enumerate(viterbi(scores, lengths, start, end, step)):
        every = itertools.product(range(3), repeat=lengths[row])
        assert tuple(found) == max(every, key=lambda labels, row=row: value(row, labels))  # type: ignore[misc]


@pytest.fixture
def compares(make_run: Callable[..., Trained], tmp_path: Path) -> Path:
    """An export of NLI."""
    return export_run(make_run("nli", embedders=("glove", "elmo")), tmp_path / "out")


def test_reads_pairs_as_a_run_does(compares: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = ["Rain fell.\tIt's wet", "", '{"premise": "No, never.", "hypothesis": ["New", "York"]}', "a\tb"]
    text = tmp_path / "pairs"
    text.write_bytes("\r\n".join(lines).encode())
    assert main([str(compares), str(text)]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    expected = list(predict(tmp_path / "run", lines, trust=True))
    for own, other in zip(found, expected, strict=True):
        assert own["probabilities"] == pytest.approx(other["probabilities"], abs=2e-5)
        assert own | {"probabilities": None} == other | {"probabilities": None}
    model = lite.load(compares)
    assert model.pairs and model([("Rain fell.", "It's wet")])[0]["premise"] == ["Rain", "fell", "."]
    assert next(model.pipe(iter([("a", ["b"])]), 1))["hypothesis"] == ["b"] and model([]) == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("no tab", "pairs:2: the number of tabs is 0, not 1; expected a premise, a tab and a hypothesis, or"),
        ("a\tb\tc", "pairs:2: the number of tabs is 2, not 1"),
        ("a\t ", "pairs:2: the hypothesis is empty"),
        ('{"premise": "a"}', 'pairs:2: invalid JSON object \'{"premise": "a"}\'; expected a premise'),
        ('{"premise": "a", "hypothesis": 3}', "pairs:2: the hypothesis must be a text or a list of tokens, not 3"),
        ('{"premise": ', "pairs:2: invalid JSON object"),
    ],
)
def test_faults_of_pairs(
    compares: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, message: str
) -> None:
    (tmp_path / "pairs").write_text(f"a\tb\n{line}\n")
    assert main([str(compares), str(tmp_path / "pairs")]) == 2
    assert message in capsys.readouterr().err


def test_pairs_from_python_are_checked(compares: Path) -> None:
    model = lite.load(compares)
    for wrong, message in (
        ("a text", "the input must be a list of pairs, not 'a text'; a pair is a tuple"),
        (("a", "b"), "item 0: 'a' is not a pair"),
        ([("a", "b"), ("a", "")], "item 1: the hypothesis is empty"),
        ([("a", None)], "item 0: the hypothesis must be a text or a list of tokens, not None"),
    ):
        with pytest.raises(InputError, match=message):
            model(wrong)
    with pytest.raises(InputError, match="a model of nli compares two texts; call it with pairs"):
        model.text("A text.")
    with pytest.raises(InputError, match="a sentence without tokens has no scores"):
        model.scores([((), ())])
