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
from elmo_tasks.embedders.protocol import Sentences
from elmo_tasks.embedders.random import RandomEmbedder


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line of a refusal, after checking the exit code."""
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
    with safe_open(folder / "model.safetensors", framework="pt") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no iterator)
    save_file(tensors, folder / "model.safetensors", metadata | {"format": "elmo-tasks-run-0"})
    assert "expected format elmo-tasks-run-1, got 'elmo-tasks-run-0'" in refused(capsys, str(folder))


def test_a_run_of_another_task_is_refused(
    run_folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "chunk" / "task.py"
    own.parent.mkdir()
    text = (recipe_root("tasks") / "ner" / "task.py").read_text(encoding="utf-8")
    own.write_text(text.replace('name="ner"', 'name="chunk"'), encoding="utf-8")
    folder = shutil.copytree(run_folders["ner"], tmp_path / "run")
    config = (folder / "config.yaml").read_text(encoding="utf-8")
    (folder / "config.yaml").write_text(config.replace("task: ner", f"task: {own}"), encoding="utf-8")
    assert "give --task-file PATH" in refused(capsys, str(folder))
    option = f"--task-file={own}"
    assert f"a run of the task ner, but {own} defines chunk" in refused(capsys, str(folder), option)
    with safe_open(folder / "model.safetensors", framework="pt") as file:
        metadata = file.metadata() | {"task": "chunk"}
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no iterator)
    save_file(tensors, folder / "model.safetensors", metadata)
    assert "expected a run of ner, srl, sentiment, got one of 'chunk' (Tagger)" in refused(capsys, str(folder), option)


def test_without_gradio_the_extra_is_named(
    run_folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    assert "pip install 'elmo-tasks[demo]'" in refused(capsys, str(run_folders["ner"]))


@pytest.mark.parametrize("place", ["taken", "--port=70000", "--host=192.0.2.1"])
def test_an_address_that_cannot_be_had_is_refused(
    run_folders: dict[str, Path], capsys: pytest.CaptureFixture[str], place: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        given = f"--port={busy.getsockname()[1]}" if place == "taken" else place
        said = refused(capsys, str(run_folders["sentiment"]), given)
    assert "demo: cannot listen on" in said and "give another --host or --port" in said


def test_no_run_is_refused() -> None:
    with pytest.raises(InputError, match="one or more folders of finished runs, got none"):
        load_runs([])


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
        (vectors,) = shared.embed([[f"word{number}"]])
        assert vectors.equal(inner.embed([[f"word{number}"]])[0])
    assert len(shared._kept) == 4
