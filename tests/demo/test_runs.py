"""Which runs the page takes, and that they share one biLM."""

from __future__ import annotations

import shutil
import socket
import sys
from pathlib import Path

import pytest
from safetensors import safe_open
from safetensors.torch import save_file

from elmo_tasks.cli import main
from elmo_tasks.core.errors import InputError
from elmo_tasks.core.paths import recipe_root
from elmo_tasks.demo.page import answer
from elmo_tasks.demo.runs import Shown, load_runs
from elmo_tasks.demo.shared_embedder import SharedEmbedder
from elmo_tasks.demo.tokens import LIMIT
from elmo_tasks.embedders.protocol import Sentences
from elmo_tasks.embedders.random import RandomEmbedder
from elmo_tasks.runs import shipped


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Check the exit code and return the one line of the error."""
    assert main(["demo", *arguments, "--no-browser"]) == 2
    printed = capsys.readouterr()
    assert not printed.out and printed.err.count("\n") == 1
    return printed.err


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "not the folder of a finished run" in refused(capsys, str(tmp_path))
    assert "nothing: no such folder" in refused(capsys, str(tmp_path / "nothing"))


def test_a_run_of_another_version_is_refused(
    run_folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(run_folders["srl"], tmp_path / "old")
    (folder / "metrics.json").unlink()  # it has the checksum of the weights
    with safe_open(folder / "model.safetensors", framework="pt") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no iterator)
    save_file(tensors, folder / "model.safetensors", metadata | {"format": "elmo-tasks-run-0"})
    assert "the format is 'elmo-tasks-run-0', not elmo-tasks-run-1" in refused(capsys, str(folder))


def test_a_run_of_your_own_task_has_a_plain_view(
    run_folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "chunk" / "task.py"
    own.parent.mkdir()
    text = (recipe_root("tasks") / "ner" / "task.py").read_text(encoding="utf-8")
    own.write_text(
        text.replace('name="ner"', 'name="chunk"').replace("    result=entity_result,\n", ""), encoding="utf-8"
    )
    folder = shutil.copytree(run_folders["ner"], tmp_path / "run")
    config = (folder / "config.yaml").read_text(encoding="utf-8")
    (folder / "config.yaml").write_text(config.replace("task: ner", f"task: {own}"), encoding="utf-8")
    assert "pass --task-file PATH" in refused(capsys, str(folder))
    assert f"the task of the run is ner, but {own} defines chunk" in refused(capsys, str(folder), f"--task-file={own}")
    with safe_open(folder / "model.safetensors", framework="pt") as file:
        metadata = file.metadata() | {"task": "chunk"}
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no iterator)
    save_file(tensors, folder / "model.safetensors", metadata)
    (folder / "metrics.json").unlink()  # it has the checksum of the weights
    said = answer(load_runs([str(folder)], task_file=str(own)), "Ada lives in Rome .")
    assert "<h2>chunk</h2>" in said and '<dt>entities</dt><dd dir="auto">[{&#34;type&#34;: &#34;PER&#34;' in said


def test_a_text_that_your_own_task_cannot_read_is_said(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(sentences: object) -> object:
        raise InputError("the text: expected a tab")

    monkeypatch.setattr(shown.runs[0].run, "apply", refuse)
    said = answer(shown, "Ada lives in Rome .")
    assert "This run cannot read the text: the text: expected a tab" in said and "Which tokens are alike?" in said


@pytest.mark.parametrize("library", ["starlette", "uvicorn"])
def test_without_the_web_server_the_extra_is_named(
    run_folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], library: str
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    assert "pip install 'elmo-tasks[demo]'" in refused(capsys, str(run_folders["ner"]))


@pytest.mark.parametrize("place", ["taken", "--port=70000", "--host=192.0.2.1"])
def test_an_address_that_cannot_be_had_is_refused(
    run_folders: dict[str, Path], capsys: pytest.CaptureFixture[str], place: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        given = f"--port={busy.getsockname()[1]}" if place == "taken" else place
        said = refused(capsys, str(run_folders["sentiment"]), given)
    assert "demo: cannot listen on" in said and "choose another --host or --port" in said


@pytest.fixture
def taggers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in place of that of the taggers in the package."""
    monkeypatch.setattr(shipped, "_FOLDER", tmp_path / "taggers")
    return tmp_path / "taggers"


def test_without_a_run_all_taggers_in_the_package_are_shown(run_folders: dict[str, Path], taggers: Path) -> None:
    shutil.copytree(run_folders["tagging"], taggers / "pos")
    assert [run.name for run in load_runs([]).runs] == ["pos"]
    shutil.copytree(run_folders["ner"], taggers / "ner")
    (taggers / "srl").mkdir()  # its weights are not there
    assert [run.name for run in load_runs([]).runs] == ["ner", "pos"]
    assert [run.name for run in load_runs(["pos"]).runs] == ["pos"]


def test_without_a_run_and_taggers_a_run_is_asked_for(taggers: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "give a run: elmo-tasks demo RUN" in refused(capsys)


def test_runs_of_one_name_are_told_apart(run_folders: dict[str, Path], tmp_path: Path) -> None:
    other = shutil.copytree(run_folders["sentiment"], tmp_path / "sentiment")
    given = [str(run_folders["sentiment"]), str(other)]
    assert [run.name for run in load_runs(given).runs] == given


def test_runs_read_one_embedder_and_it_reads_a_sentence_once(run_folders: dict[str, Path]) -> None:
    shown = load_runs([str(run_folders["ner"]), str(run_folders["ner"])])
    assert shown.own
    asked: list[Sentences] = []
    embed = shown.bilm.inner.embed
    shown.bilm.inner.embed = lambda sentences: (asked.append(sentences), embed(sentences))[1]  # type: ignore[method-assign]
    assert "Which tokens are alike?" in answer(shown, "Ada lives in Rome .")
    assert asked == [[("Ada", "lives", "in", "Rome", ".")]]


def test_without_elmo_the_shipped_bilm_is_compared(shown: Shown, run_folders: dict[str, Path]) -> None:
    without = load_runs([str(run_folders["sentiment"])])
    assert not without.own and without.bilm.fingerprint == shown.bilm.fingerprint
    said = answer(without, "Ada lives in Rome .")
    assert "None of the runs uses ELMo, so this is the biLM inside the package." in said
    assert "None of the runs uses ELMo" not in answer(shown, "Ada lives in Rome .")


def test_a_shared_embedder_keeps_the_last_sentences_only() -> None:
    inner = RandomEmbedder(4)
    shared = SharedEmbedder(inner)
    for number in range(20):
        (vectors,) = shared.embed([[f"word{number}"] * LIMIT])
        assert vectors.equal(inner.embed([[f"word{number}"] * LIMIT])[0])
    assert [words[0] for words in shared._kept] == ["word16", "word17", "word18", "word19"]


def test_many_short_sentences_are_embedded_once(run_folders: dict[str, Path]) -> None:
    shown = load_runs([str(run_folders["ner"]), str(run_folders["ner"])])
    asked: list[Sentences] = []
    embed = shown.bilm.inner.embed
    shown.bilm.inner.embed = lambda sentences: (asked.append(sentences), embed(sentences))[1]  # type: ignore[method-assign]
    answer(shown, " ".join(f"Ada lives in n{number}." for number in range(8)))
    assert len(asked) == 8
