"""`elmo-tasks cache`: what is there, is it whole, remove it."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from elmo_tasks.cli import main
from elmo_tasks.core.folders import MARKER
from elmo_tasks.embedders.cache.cached import CachedEmbedder
from elmo_tasks.embedders.random import RandomEmbedder


@pytest.fixture
def vectors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of two embedders: 2 sentences of 3 tokens together, and 1 of 1."""
    monkeypatch.setenv("ELMO_TASKS_CACHE", str(tmp_path))
    monkeypatch.delenv("ELMO_TASKS_CACHE_LIMIT", raising=False)
    folder = tmp_path / "vectors"
    CachedEmbedder(RandomEmbedder(4, "small"), folder).embed([["a", "b"], ["c"]])
    CachedEmbedder(RandomEmbedder(6, "large"), folder).embed([["a"]])
    return folder


def folders(vectors: Path) -> list[str]:
    return sorted(path.name for path in vectors.iterdir() if path.is_dir())


def test_info(vectors: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache", "info"]) == 0
    out = capsys.readouterr().out
    assert "random-4  small\n    2 sentences, 3 tokens, " in out and "random-6  large\n    1 sentences, 1 tok" in out
    assert "limit 20.0 GB" in out
    assert main(["cache", "info", "--embedder", "large"]) == 0
    assert "small" not in capsys.readouterr().out


def test_info_of_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("ELMO_TASKS_CACHE", str(tmp_path / "none"))
    assert main(["cache", "info"]) == 0 and "0 bytes in" in capsys.readouterr().out
    assert main(["cache", "verify"]) == 0 and main(["cache", "clear", "--yes"]) == 0


def test_verify(vectors: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache", "verify"]) == 0
    assert "3 sentences are intact, 0 blocks are damaged" in capsys.readouterr().out
    (block,) = (vectors / "random-4").iterdir()
    data = bytearray(block.read_bytes())
    data[-1] ^= 1
    block.write_bytes(data)
    assert main(["cache", "verify"]) == 1
    out = capsys.readouterr().out
    assert f"damaged: {block}" in out and "1 sentences are intact, 1 blocks are damaged" in out
    assert "computed again" in out
    block.write_bytes(b"")
    assert main(["cache", "info"]) == 0 and "1 damaged blocks" in capsys.readouterr().out
    CachedEmbedder(RandomEmbedder(4, "small"), vectors).embed([["a", "b"], ["c"]])
    assert main(["cache", "verify"]) == 0


def test_clear(vectors: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert main(["cache", "clear", "--embedder", "random-4"]) == 2
    error = capsys.readouterr().err
    assert "cannot ask for confirmation without a terminal; pass --yes" in error and error.count("\n") == 1
    assert len(folders(vectors)) == 2
    assert main(["cache", "clear", "--embedder", "random-4", "--yes"]) == 0
    assert folders(vectors) == ["random-6"]

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    assert main(["cache", "clear"]) == 0 and "nothing removed" in capsys.readouterr().out
    assert (vectors / "random-6").exists()
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    assert main(["cache", "clear"]) == 0 and "removed 1 embedders" in capsys.readouterr().out
    assert not folders(vectors)


def test_clear_removes_only_what_the_cache_wrote(vectors: Path) -> None:
    foreign = [vectors / "random-4" / name for name in ("notes.txt", "mine.safetensors", ".hidden.partial")]
    foreign += [vectors / "mine" / "notes.txt", vectors / "mine" / "model.safetensors"]
    (vectors / "mine").mkdir()
    for path in foreign:
        path.write_text("mine")
    (vectors / "empty").mkdir()
    assert main(["cache", "clear", "--yes"]) == 0
    assert sorted(path for path in vectors.rglob("*/*") if path.is_file()) == sorted(foreign)
    assert folders(vectors) == ["empty", "mine", "random-4"]


def test_clear_refuses_a_folder_without_our_marker(vectors: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (vectors / MARKER).unlink()
    assert main(["cache", "clear", "--yes"]) == 2
    said = capsys.readouterr().err
    assert "not a cache of vectors made by elmo-tasks" in said and said.count("\n") == 1
    assert folders(vectors) == ["random-4", "random-6"]
    CachedEmbedder(RandomEmbedder(4, "small"), vectors).embed([["d"]])  # a cache of an earlier version is marked by use
    assert main(["cache", "clear", "--yes"]) == 0 and not folders(vectors)


def test_an_embedder_without_vectors(vectors: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache", "clear", "--embedder", "elmo"]) == 2
    assert "--embedder: there are no vectors of" in capsys.readouterr().err and list(vectors.iterdir())
