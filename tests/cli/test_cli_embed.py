"""`elmo-tasks embed`: what it prints, and one line for each fault."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from elmo_tasks.cli import main
from elmo_tasks.elmo import ElmoEmbedder
from elmo_tasks.views.progress import _Lines


@pytest.fixture(autouse=True)
def _text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELMO_TASKS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    Path("text.txt").write_text("Rain !\nOlive trees grow here .\n")


def embed(*arguments: str) -> int:
    return main(["embed", "random", "text.txt", *arguments])


def test_embed(capsys: pytest.CaptureFixture[str]) -> None:
    assert embed("--output", "out.hdf5", "--layers", "average", "--dtype", "float16", "--threads", "1") == 0
    printed = capsys.readouterr()
    assert printed.out == "out.hdf5\n" and "2 sentences, 7 tokens; " in printed.err and "tokens/s" in printed.err
    with h5py.File("out.hdf5") as file:
        assert file["1"].shape == (5, 50) and file["1"].dtype == "float16"
    assert embed("--output", "out.hdf5") == 2
    assert "out.hdf5: already exists; choose another --output or pass --overwrite" in capsys.readouterr().err
    assert embed("--output", "out.hdf5", "--overwrite") == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--batch-tokens", "0"], "--batch-tokens must be 1 or more, not 0"),
        (["--threads", "-1"], "--threads must be 1 or more, not -1"),
        (["--workers", "2"], "--workers only applies to --engine ray"),
        (["--layers", "9"], "--layers must be all, average or 0 to 0"),
    ],
)
def test_wrong_options(capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    assert embed("--output", "out.hdf5", *arguments) == 2
    assert message in capsys.readouterr().err and not Path("out.hdf5").exists()


def test_no_such_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["embed", "random", "none.txt", "--output", "out.hdf5"]) == 2
    assert "none.txt: no such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("library", "arguments", "message"),
    [
        ("ray", ["--output", "out.hdf5", "--engine", "ray"], "pip install 'elmo-tasks[ray]'"),
        ("pyarrow", ["--output", "out.parquet"], "pip install 'elmo-tasks[arrow]'"),
    ],
)
def test_a_library_that_is_not_installed(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    library: str,
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, "elmo_tasks.corpus_vectors.arrow_file", raising=False)
    assert embed(*arguments) == 2
    error = capsys.readouterr().err
    assert message in error and len(error.splitlines()) == 1


def test_a_cluster_that_is_not_there(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "nonsense")
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    assert embed("--output", "out.hdf5", "--engine", "ray") == 2
    assert "there is no Ray cluster at nonsense" in capsys.readouterr().err


def test_a_line_now_and_then(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("elmo_tasks.views.progress.time.monotonic", lambda: clock[0])
    watch = _Lines()
    for clock[0], done in ((0.0, 100), (10.0, 200), (40.0, 500), (50.0, 600)):
        watch("computing", done, 1700)
    assert capsys.readouterr().err == "computing: 500 of 1,700 tokens, 10/s, 2 min left\n"


@pytest.mark.parametrize(("theirs", "layers"), [("--all", "all"), ("--average", "average"), ("--top", "top")])
def test_the_documented_replacement_of_allennlps_command(theirs: str, layers: str) -> None:
    """Its vectors are those of `ElmoEmbedder`, in float32."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "from-allennlp.md").read_text("utf-8")
    base, *more = re.findall(r"^\| `(?:allennlp elmo|\.\.\. --)[^|]*\| (.*) \|$", page, re.MULTILINE)
    extra = dict(zip(("--average", "--top"), re.findall(r"`\.\.\. ([^`]*)`", more[0]), strict=True)).get(theirs, "")
    command = base.strip("`").replace("elmo:original", "elmo").replace("in.txt", "text.txt").split()
    assert command[:2] == ["elmo-tasks", "embed"] and "--precision exact" in f"{base} {extra}"
    new = extra.replace("--precision exact", "").split()
    assert main([*command[1:], *new]) == 0
    with h5py.File("out.hdf5") as file, Path("text.txt").open() as text:
        ElmoEmbedder().embed_file(text, "ours.hdf5", layers)
        with h5py.File("ours.hdf5") as ours:
            for key in ("0", "1"):
                np.testing.assert_allclose(file[key][...], ours[key][...], rtol=0, atol=1e-5)
