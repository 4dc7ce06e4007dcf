"""The shell blocks of the documents run, in order, in a folder that has small stand-ins for what they name.

`pytest -m documents` runs them, one test per document; a plain `pytest` leaves them out, because they take minutes.
On the line above a block, `<!-- runs: no, REASON -->` says that it cannot run, and `<!-- runs: exits with 2 -->` that
it shows an error. A `text` or `json` block right below a block is compared with what it prints (`outputs.py`). The
tutorial's commands run exactly as they are written; elsewhere `smaller.py` gives them less to do. Both `python` and
`elmo-tasks` are forks of a process that has torch loaded (`warm_python.py`). With `$ELMO_TASKS_INSTALLED`, the folder
of an installation's programs, the tutorial runs with those.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from fenced_blocks import DOCUMENTS, ROOT, SHELLS, fenced_blocks, name_of
from hub_server import Hub
from outputs import difference
from smaller import FEW_WINDOWS, smaller
from workplace import make_data, make_files, make_programs

from warm_python import started

EXACT = {"docs/tutorial.md"}
INSTALLED = os.environ.get("ELMO_TASKS_INSTALLED")
WITH_SHELL = sorted(
    (path for path in DOCUMENTS if any(b.language in SHELLS and b.is_run for b in fenced_blocks(path))),
    key=lambda path: name_of(path) not in EXACT,  # what takes longest comes first
)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Vectors of the stand-ins are computed once for all documents."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def hub() -> Iterator[str]:
    """The address of a hub of our own: what a document uploads it can also load."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_address[1]}"
        listening.shutdown()


@pytest.fixture(scope="module")
def environment(hub: str, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The setup that all documents share."""
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "tests"))),
        "ELMO_TASKS_CACHE": str(cache),
        "HF_ENDPOINT": hub,
        "HF_HOME": str(tmp_path_factory.mktemp("hub")),
        "HF_TOKEN": "secret",
        "COLUMNS": "120",
    }


@pytest.fixture(scope="module")
def python(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A shell's words for a Python that has torch and Lightning loaded."""
    words = started(tmp_path_factory.mktemp("python") / "socket", environment)
    yield shlex.join(next(words))
    next(words, None)


@pytest.mark.documents
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("path", WITH_SHELL, ids=name_of)
def test_runs(path: Path, tmp_path: Path, environment: dict[str, str], python: str) -> None:
    here = tmp_path / "here"
    here.mkdir()
    make_data(tmp_path / "data")
    make_files(here)
    exact, programs = name_of(path) in EXACT, str(tmp_path / "bin")
    make_programs(tmp_path / "bin", python, exact)
    environment = environment | {"ELMO_TASKS_DATA": str(tmp_path / "data")}
    if exact and INSTALLED:
        programs = INSTALLED
        assert Path(programs, "elmo-tasks").is_file()
        del environment["PYTHONPATH"]
    environment["PATH"] = f"{programs}{os.pathsep}{os.environ['PATH']}"
    for block in fenced_blocks(path):
        if block.language in SHELLS and block.is_run:
            traced = f"exec 9>{shlex.quote(str(tmp_path / 'trace'))}; BASH_XTRACEFD=9; set -x\n{block.code}"
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", traced],
                cwd=here,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            trace = (tmp_path / "trace").read_text(encoding="utf-8")
            assert done.returncode == block.exit_code, (
                f"{block.where}: exit code {done.returncode}\n{trace[-2000:]}\n{done.stdout[-4000:]}"
            )
            wrong = difference(block.output, done.stdout) if block.output else None
            assert wrong is None, wrong
    if exact:
        assert json.loads((here / "runs/first/metrics.json").read_text(encoding="utf-8"))["test"]["f1"] > 0.3


def test_every_fence_is_found() -> None:
    """A fence that is indented or opened otherwise would be shown and never be run."""
    for path in DOCUMENTS:
        fences = [
            line for line in path.read_text(encoding="utf-8").splitlines() if line.lstrip().startswith(("```", "~~~"))
        ]
        assert len(fences) == 2 * len(fenced_blocks(path)), f"{name_of(path)}: a fence that no test sees"


def test_every_language_is_run_or_plain_text() -> None:
    languages = {block.language for path in DOCUMENTS for block in fenced_blocks(path)}
    assert languages <= {"bash", "python", "text", "json", "yaml"}, languages


def test_parts_that_pages_include_have_no_blocks() -> None:
    """They are shown on the site, and only a document's own blocks are run."""
    for path in DOCUMENTS:
        for file, part in re.findall(r'^--8<-- "([^":]+):(\w+)"$', path.read_text(encoding="utf-8"), re.MULTILINE):
            text = (ROOT / file).read_text(encoding="utf-8")
            included = text.partition(f"[start:{part}]")[2].partition(f"[end:{part}]")[0]
            assert included and "```" not in included, f"{name_of(path)}: {file}:{part}"


def test_few_blocks_do_not_run_and_each_says_why() -> None:
    unrun = [block for path in DOCUMENTS for block in fenced_blocks(path) if block.unrun is not None]
    marks = sum(
        line.startswith("<!-- runs: no") for p in DOCUMENTS for line in p.read_text(encoding="utf-8").splitlines()
    )
    assert len(unrun) == marks, "a mark that is not right above a block, or says no reason"
    run = [b for path in DOCUMENTS for b in fenced_blocks(path) if b.language in SHELLS and b.is_run]
    assert len(unrun) <= 8 <= len(run) // 10, "the installations, which .ci/run does"
    assert all(block.language in SHELLS for block in unrun), "Python blocks all run"


def test_what_is_large_gets_less_of_itself() -> None:
    assert smaller(["train", "ner", "--embedders", "elmo:small", "glove"]) == [
        *("train", "ner", "--embedders", "elmo", "glove"),
        *("--set", "training.epochs=1", "--overwrite"),
    ]
    assert smaller(["train", "ner", "--dry-run"]) == ["train", "ner", "--dry-run"]
    assert smaller(["benchmarks/cache.py", "--data", "x"])[:4] == ["benchmarks/cache.py", "--data", "x", "--train"]
    assert smaller(["-m", "a"]) == ["-m", "a"]
    assert smaller(["predict", "runs/ner"]) == ["predict", "runs/ner"]
    assert smaller(["pretrain", "eval", "bilm", "a.txt"]) == ["pretrain", "eval", "bilm", "a.txt"]
    assert smaller(["pretrain", "--corpus", "a"]) == ["pretrain", "--corpus", "a", *FEW_WINDOWS, "--overwrite"]
