"""Commands run by forks of a loaded process behave like those of a new interpreter."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from warm_python import started

PROGRAM = """
import json, os, sys
print(json.dumps([sys.argv[1:], os.getcwd(), os.environ["SAID"], "fractions" in sys.modules, sys.stdin.read()]))
print("to the other stream", file=sys.stderr)
if sys.argv[1] == "exit":
    sys.exit(int(sys.argv[2]))
if sys.argv[1] == "die":
    os.kill(os.getpid(), int(sys.argv[2]))
assert sys.argv[1] == "return", "an assertion"
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """The words before a command's arguments."""
    yield from started(tmp_path_factory.mktemp("warm") / "socket", os.environ, ["fractions"])


def done(command: list[str], folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"SAID": "yes"} | more
    return subprocess.run(
        command, cwd=folder, env=environment, input="a line\n", capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("words", "code"),
    [("return", 0), ("exit 3", 3), ("fail", 1), ("die 15", -signal.SIGTERM), ("die 9", -signal.SIGKILL)],
)
def test_arguments_streams_and_the_end_are_those_of_a_new_interpreter(
    server: list[str], tmp_path: Path, words: str, code: int
) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    for form in (["program.py"], ["-m", "program"], ["-c", PROGRAM]):
        got = done([*server, *form, *words.split()], tmp_path)
        new = done([sys.executable, *form, *words.split()], tmp_path)
        assert got.returncode == new.returncode == code
        assert got.stdout == new.stdout.replace("false", "true")  # the module is there already, all else is equal
        assert got.stderr.startswith("to the other stream\n") and new.stderr.startswith("to the other stream\n")
        assert got.stderr.splitlines()[-1] == new.stderr.splitlines()[-1]


def test_other_options_get_a_new_interpreter(server: list[str], tmp_path: Path) -> None:
    got = done([*server, "-O", "-c", "import sys; sys.exit('fractions' in sys.modules)"], tmp_path)
    assert got.returncode == 0


def test_commands_run_at_the_same_time(server: list[str], tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("print(input())\nprint(input())")
    (tmp_path / "b.py").write_text("print('one', flush=True)\nimport time\ntime.sleep(0.1)\nprint('two')")
    (tmp_path / "python").write_text(f'#!/bin/sh\nexec {" ".join(server)} "$@"\n')
    got = done(["bash", "-c", "sh python b.py | sh python a.py"], tmp_path)
    assert got.stdout == "one\ntwo\n"


def test_a_signal_to_the_client_reaches_the_command(server: list[str], tmp_path: Path) -> None:
    (tmp_path / "wait.py").write_text("print('here', flush=True)\nimport time\ntime.sleep(60)")
    with subprocess.Popen([*server, "wait.py"], cwd=tmp_path, stdout=subprocess.PIPE) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == b"here\n"
        client.terminate()
    assert client.returncode == -signal.SIGTERM


def test_an_environment_that_was_read_before_the_fork_is_refused(server: list[str], tmp_path: Path) -> None:
    got = done([*server, "-m", "this"], tmp_path, OMP_NUM_THREADS="77")
    assert got.returncode == 97
    assert got.stderr == "warm_python: refused: OMP_NUM_THREADS differs from what the server has\n"
