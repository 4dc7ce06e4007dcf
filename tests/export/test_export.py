"""What `export_run` writes computes what the run computes, and nothing is written where it cannot."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from elmo_tasks import lite
from elmo_tasks.cli import main
from elmo_tasks.core.errors import InputError
from elmo_tasks.core.outputs import hold
from elmo_tasks.elmo.engine import Engine
from elmo_tasks.elmo.options import SPECIAL_CHARACTERS, Dictionary
from elmo_tasks.elmo.weights.resolve import load_bilm
from elmo_tasks.embedders.inputs import FrozenInput
from elmo_tasks.lite import inputs as lite_inputs
from elmo_tasks.runs.batches import loader, prepare
from elmo_tasks.runs.predict import predict
from elmo_tasks.runs.run import export_run
from elmo_tasks.runs.shipped import tagger_folder, tagger_names
from elmo_tasks.runs.store import Trained, load_trained

SENTENCES = [
    "Ada Lovelace lived in London and wrote to Charles Babbage .",
    "No",
    "naïve café 😀 <S> " + "long" * 20,
    "the The THE the unknown-word the",
    " ".join(f"word{number}" for number in range(40)),
    "Rain fell .",
]
TOKENS = [sentence.split() for sentence in SENTENCES]
PAIRS = [*itertools.pairwise(SENTENCES), (SENTENCES[3], SENTENCES[0]), ("No", "No")]


def given_to(task: str) -> list[Any]:
    """What a model of the task is called with."""
    return [*PAIRS] if task == "nli" else [*TOKENS]


def lines_of(task: str) -> list[str]:
    """The same as input lines of `predict`."""
    return ["\t".join(pair) for pair in PAIRS] if task == "nli" else SENTENCES


CASES: dict[str, tuple[str, tuple[str, ...], dict[str, Any]]] = {
    "ner": ("ner", ("elmo", "chars"), {}),
    "ner, all inputs": ("ner", ("glove", "elmo", "chars"), {"elmo": {"layer_norm": True}, "layers": 1}),
    "ner, one layer": ("ner", ("elmo",), {"elmo": {"layers": "1"}}),
    "ner, words alone": ("ner", ("glove",), {}),
    "another biLM": (
        "ner",
        ("elmo",),
        {"bilm": {"activation": "tanh", "n_highway": 2, "n_layers": 3, "cell_clip": None, "skip_connections": False}},
    ),
    "bilm that clips": ("ner", ("elmo",), {"bilm": {"cell_clip": 0.2, "proj_clip": 0.1}}),
    "tagging": ("tagging", ("elmo", "chars"), {"layers": 2}),
    "mean": ("sentiment", ("elmo", "glove"), {"head": "mean"}),
    "max": ("sentiment", ("elmo",), {"head": "max"}),
    "attention": ("sentiment", ("chars",), {"head": "attention"}),
    "bcn": ("sentiment", ("elmo", "glove"), {"head": "bcn"}),
    "bcn, twice": ("sentiment", ("glove", "elmo", "chars"), {"head": "bcn", "elmo_at_output": True}),
    "nli": ("nli", ("elmo", "glove"), {}),
    "nli, normalised layers": ("nli", ("chars", "elmo"), {"elmo": {"layer_norm": True}}),
    "nli, one layer": ("nli", ("elmo",), {"elmo": {"layers": "2"}}),
    "nli, words alone": ("nli", ("glove",), {"elmo_at_output": False}),
    "srl, two layers": ("srl", ("elmo", "chars"), {"layers": 2}),
    "srl, three layers": ("srl", ("elmo",), {"layers": 3}),
}


@torch.no_grad()
def torch_scores(trained: Trained) -> list[np.ndarray[Any, Any]]:
    """What `LiteModel.scores` should give."""
    lines = lines_of(trained.task.name)
    examples = [example for line in lines for example in trained.task.parse(line, "here")]
    found: dict[int, np.ndarray[Any, Any]] = {}
    for batch in loader(prepare(examples, trained.inputs, trained.task, None), 4):
        model = trained.model
        if trained.task.name in ("sentiment", "nli"):
            scores = list(model.scores(batch))
        else:
            srl = trained.task.name == "srl"
            mixed = model.mix(batch.inputs, batch.mask)
            padded = model.predicate_scores(mixed, batch) if srl else model.emissions(batch)
            scores = [own[:length] for own, length in zip(padded, batch.lengths.tolist(), strict=True)]
        found.update((index, own.numpy()) for index, own in zip(batch.indices, scores, strict=True))
    return [found[index] for index in range(len(found))]


def assert_same(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    """Probabilities may differ in their last digit."""
    for own, other in zip(found, expected, strict=True):
        assert own.get("probabilities") == pytest.approx(other.get("probabilities"), abs=2e-5)
        assert own | {"probabilities": None} == other | {"probabilities": None}


@pytest.mark.parametrize("name", CASES)
def test_computes_what_the_run_computes(name: str, make_run: Callable[..., Trained], tmp_path: Path) -> None:
    task, embedders, own = CASES[name]
    trained = make_run(task, embedders, **own)
    model = lite.load(export_run(trained, tmp_path / "out"))
    expected = torch_scores(trained)
    for scores, wanted in zip(model.scores(given_to(task)), expected, strict=True):
        np.testing.assert_allclose(scores, wanted, atol=1e-4, rtol=1e-5)
    assert_same(model(given_to(task)), list(predict(tmp_path / "run", lines_of(task), trust=True)))


@pytest.mark.slow
@pytest.mark.parametrize("name", tagger_names())
def test_a_tagger_of_the_package(name: str, tmp_path: Path) -> None:
    trained = load_tagger(name)
    model = lite.load(export_run(trained, tmp_path / "out"))
    for scores, wanted in zip(model.scores(TOKENS), torch_scores(trained), strict=True):
        np.testing.assert_allclose(scores, wanted, atol=1e-4, rtol=1e-5)
    small = lite.load(export_run(trained, tmp_path / "small", int8=True))
    found = small(TOKENS[:1])[0]
    assert {key: found[key] for key in ("entities", "frames", "tags", "label") if key in found} == {
        key: value for key, value in model(TOKENS[:1])[0].items() if key in ("entities", "frames", "tags", "label")
    }


def load_tagger(name: str) -> Trained:
    """In float32, as exports are."""
    folder = tagger_folder(name)
    assert folder is not None
    trained = load_trained(folder)
    for source in trained.inputs:
        if isinstance(source, FrozenInput):
            source.embedder.engine = Engine(load_bilm("shipped"), precision="exact")  # type: ignore[attr-defined]
    return trained


@pytest.mark.parametrize("task", ["ner", "nli", "sentiment", "srl", "tagging"])
def test_int8_is_close_and_smaller(task: str, make_run: Callable[..., Trained], tmp_path: Path) -> None:
    trained = make_run(task, bilm={"cell_dim": 256, "projection_dim": 64, "std": 0.1}, std=0.2)
    full = lite.load(export_run(trained, tmp_path / "out"))
    small = lite.load(export_run(tmp_path / "run", tmp_path / "small", int8=True, trust=True))
    for scores, wanted in zip(small.scores(given_to(task)), full.scores(given_to(task)), strict=True):
        assert np.abs(scores - wanted).max() < 0.1 * np.abs(wanted).max()
    assert small.manifest["arithmetic"] == "int8"

    def size(model: lite.LiteModel) -> int:
        return sum(entry["bytes"] for entry in model.manifest["files"].values())

    assert size(small) < 0.4 * size(full)


@pytest.mark.parametrize("int8", [False, True])
@pytest.mark.parametrize(("task", "given"), [("ner", TOKENS), ("nli", PAIRS)], ids=["sentences", "pairs"])
def test_results_do_not_depend_on_neighbours(
    task: str,
    given: Sequence[Any],
    int8: bool,
    make_run: Callable[..., Trained],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = lite.load(export_run(make_run(task), tmp_path / "out", int8=int8))
    together = model.scores(given)
    for item, wanted in zip(given, together, strict=True):
        np.testing.assert_allclose(model.scores([item])[0], wanted, atol=1e-5)
    monkeypatch.setattr("elmo_tasks.lite.model.BUDGET", 12)
    for scores, wanted in zip(model.scores(given), together, strict=True):
        np.testing.assert_allclose(scores, wanted, atol=1e-5)


def test_words_beyond_the_table_are_computed_again(
    make_run: Callable[..., Trained], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = export_run(make_run(), tmp_path / "out")
    wanted = lite.load(folder).scores(TOKENS)
    monkeypatch.setattr(lite_inputs, "REMEMBERED", 9)
    model = lite.load(folder, threads=1)
    for scores, own in zip([*model.scores(TOKENS[:2]), *model.scores(TOKENS[2:])], wanted, strict=True):
        np.testing.assert_allclose(scores, own, atol=1e-5)


def test_sentences_without_tokens(make_run: Callable[..., Trained], tmp_path: Path) -> None:
    for task in ("ner", "sentiment", "srl", "tagging"):
        make_run(task)
        model = lite.load(export_run(tmp_path / "run", tmp_path / task, trust=True))
        lines = ["", SENTENCES[0], ""]
        assert_same(
            list(model.pipe([line.split() for line in lines], 2)), list(predict(tmp_path / "run", lines, trust=True))
        )
        assert model([]) == []
        with pytest.raises(InputError, match="a sentence without tokens has no scores"):
            model.scores([[]])


def test_the_manifest_says_what_is_there(make_run: Callable[..., Trained], tmp_path: Path) -> None:
    folder = export_run(make_run(embedders=("glove", "elmo", "chars")), tmp_path / "out")
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert manifest["task"] == "ner" and manifest["model"] == "tagger" and manifest["arithmetic"] == "float32"
    assert [entry["name"] for entry in manifest["inputs"]] == ["glove", "elmo", "chars"]
    written = {path.name for path in folder.iterdir()} - {"manifest.json", ".elmo-tasks"}
    assert written == set(manifest["files"])
    assert all((folder / name).stat().st_size == entry["bytes"] for name, entry in manifest["files"].items())


def test_the_command_line(make_run: Callable[..., Trained], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_run()
    out = tmp_path / "out"
    assert main(["export", str(tmp_path / "run"), "--trust", "--format", "onnx", "--int8", "--output", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    assert main(["export", str(tmp_path / "run"), "--trust", "--output", str(out)]) == 2
    assert f"{out}: already exists; choose another --output or pass --overwrite" in capsys.readouterr().err
    assert main(["export", str(tmp_path / "run"), "--trust", "--output", str(out), "--overwrite"]) == 0
    assert lite.load(out).manifest["arithmetic"] == "float32"
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_what_cannot_be_exported_is_refused(make_run: Callable[..., Trained], tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    make_run(embedders=("elmo", "random"))
    with pytest.raises(
        InputError, match="the embedder random cannot be exported; only runs with elmo, chars and word tables"
    ):
        export_run(tmp_path / "run", out, trust=True)
    with pytest.raises(InputError, match="no such folder"):
        export_run(tmp_path / "nowhere", out)
    assert not out.parent.exists()
    out.mkdir(parents=True)
    (out / "thesis.tex").write_text("mine", "utf-8")
    make_run()
    with pytest.raises(InputError, match="already exists and is not an export made by elmo-tasks"):
        export_run(tmp_path / "run", out, overwrite=True, trust=True)
    assert [path.name for path in out.parent.rglob("*")] == ["out", "thesis.tex"]
    with hold(tmp_path / "busy"), pytest.raises(InputError, match="another process is writing it"):
        export_run(tmp_path / "run", tmp_path / "busy", trust=True)


def test_a_bilm_with_a_dictionary_is_refused(make_run: Callable[..., Trained], tmp_path: Path) -> None:
    trained = make_run(embedders=("elmo",), bilm={"dictionary": Dictionary((*SPECIAL_CHARACTERS, "a", "b"))})
    with pytest.raises(InputError, match="the biLM of elmo has its own dictionary and cannot be exported"):
        export_run(trained, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_control_is_refused(make_run: Callable[..., Trained], tmp_path: Path) -> None:
    trained = make_run("nli", embedders=("elmo",), hypothesis_only=True)
    with pytest.raises(InputError, match="a run with model.hypothesis_only is a control and cannot be exported"):
        export_run(trained, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_task_of_your_own_is_refused(make_run: Callable[..., Trained], tmp_path: Path) -> None:
    from dataclasses import replace

    trained = make_run()
    with pytest.raises(
        InputError,
        match="runs of the task mine cannot be exported; only those of ner, nli, sentiment, srl, tagging can",
    ):
        export_run(replace(trained, task=replace(trained.task, name="mine")), tmp_path / "out")


def test_a_disk_fault_leaves_nothing(
    make_run: Callable[..., Trained], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = make_run()
    earlier = export_run(trained, tmp_path / "out")
    before = (earlier / "manifest.json").read_bytes()

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("elmo_tasks.export.folder.write_text", full)
    with pytest.raises(InputError, match="no space left on this disk"):
        export_run(trained, tmp_path / "out", int8=True, overwrite=True)
    assert (earlier / "manifest.json").read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"bilm", "glove.txt", "out", "run"} | {
        path.name for path in [tmp_path / "cache"] if path.exists()
    }


def test_without_onnx_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("elmo_tasks.export.folder.find_spec", lambda name: None)
    assert main(["export", str(tmp_path), "--output", str(tmp_path / "out")]) == 2
    assert "onnx is not installed; install it with `pip install 'elmo-tasks[onnx]'`" in capsys.readouterr().err
