"""Ends of a command: signals, closed streams, system errors, bugs; each has one line and its own exit code."""

from __future__ import annotations

import errno
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from elmo_tasks.cli import listing, main
from elmo_tasks.cli.faults import explain
from elmo_tasks.core.errors import InputError
from elmo_tasks.core.interruption import Interrupted, signals_interrupt
from elmo_tasks.corpus_vectors.block_embedder import BlockEmbedder


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELMO_TASKS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("ELMO_TASKS_DATA", raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.chdir(tmp_path)


def ends(monkeypatch: pytest.MonkeyPatch, error: BaseException | signal.Signals) -> int:
    """Run a verb that ends like this."""

    def end(options: Any) -> None:
        if isinstance(error, BaseException):
            raise error
        signal.raise_signal(error)

    monkeypatch.setattr(listing, "_list", end)
    return main(["list"])


def test_a_bug_is_one_line_and_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ends(monkeypatch, KeyError("odd\nname")) == 70
    said = capsys.readouterr().err
    line = r"elmo-tasks list: this is a bug \(KeyError: .*\); please report it with the file (.*)\n"
    found = re.fullmatch(line, said)
    assert found is not None, said
    text = Path(found[1]).read_text()
    assert "elmo-tasks list" in text and "Traceback" in text and Path(found[1]).parent == tmp_path
    monkeypatch.setenv("ELMO_TASKS_TRACEBACK", "1")
    assert ends(monkeypatch, KeyError("odd")) == 70
    assert "Traceback" in capsys.readouterr().err


def too_much() -> Exception:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 50)
    return caught.value


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "out"), "out: no space left on this disk"),
        (OSError(errno.EDQUOT, "x", "out"), "out: no space left on this disk"),
        (PermissionError(errno.EACCES, "x", "out"), "out: cannot be written (Permission denied)"),
        (OSError(errno.EMFILE, "x"), "too many open files; raise the limit with `ulimit -n`"),
        (OSError(errno.ENAMETOOLONG, "x", "out"), "out: the name is too long"),
        (MemoryError(), "not enough memory (MemoryError); use smaller batches"),
        (too_much(), "not enough memory ("),
        (RuntimeError("can't start new thread"), "the system allows no more threads"),
    ],
)
def test_what_the_machine_refuses_is_no_bug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, said: str
) -> None:
    assert ends(monkeypatch, error) == 2
    line = capsys.readouterr().err
    assert line.startswith(f"elmo-tasks: error: {said}") and line.count("\n") == 1, line


def test_other_faults_are_not_explained() -> None:
    assert explain(RuntimeError("shapes differ")) is None and explain(FileNotFoundError(errno.ENOENT, "x", "y")) is None


def test_no_home(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("ELMO_TASKS_CACHE")
    monkeypatch.setattr(Path, "home", nowhere)
    assert main(["list"]) == 2
    assert "no home folder; set ELMO_TASKS_CACHE" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_verb_without_resume(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: signal.Signals
) -> None:
    before = {number: signal.signal(number, signal.SIG_DFL if number != 2 else signal.default_int_handler)}
    try:
        assert ends(monkeypatch, number) == 128 + number
    finally:
        signal.signal(number, before[number])
    said = f"elmo-tasks list: interrupted by {number.name}; run the same command again\n"
    assert capsys.readouterr().err == said


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    """As under `nohup`; and one that a library swallows is known afterwards."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals_interrupt() as came:
            signal.raise_signal(signal.SIGHUP)
            assert not came
            with pytest.raises(Interrupted):
                signal.raise_signal(signal.SIGTERM)
            assert came == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_signal_that_comes_while_an_object_is_finalised(capsys: pytest.CaptureFixture[str]) -> None:
    """Python would print the interruption and go on."""

    class Last:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        with signals_interrupt() as came:
            Last()
            assert came == [signal.SIGTERM]
            with pytest.raises(Interrupted):
                time.sleep(10)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "fault", [SystemError("returned a result with an exception set"), InputError("weights: damaged")], ids=type
)
def test_an_interruption_that_a_library_turns_into_a_fault(
    fault: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As h5py does with one that comes while it writes, and PyTorch while it maps a file, which then seems damaged."""

    def end(options: Any) -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt:
            raise fault from None

    monkeypatch.setattr(listing, "_list", end)
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        assert main(["list"]) == 128 + signal.SIGTERM
    finally:
        signal.signal(signal.SIGTERM, before)
    assert capsys.readouterr().err == "elmo-tasks list: interrupted by SIGTERM; run the same command again\n"


def test_embed_goes_on_after_a_signal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    Path("text.txt").write_text("a b c d\n" * 5000)
    whole, calls = BlockEmbedder.embed, 0

    def embed(self: BlockEmbedder, sentences: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 3:
            signal.raise_signal(signal.SIGTERM)
        return whole(self, sentences)

    monkeypatch.setattr(BlockEmbedder, "embed", embed)
    words = ["embed", "random", "text.txt", "--output", "out.hdf5"]
    assert main(words) == 143
    assert capsys.readouterr().err.endswith(
        "elmo-tasks embed: interrupted by SIGTERM; continue with the same command and --resume\n"
    )
    assert main([*words, "--resume"]) == 0 and calls == 1 + 5


def run(words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """A shell command; `elmo-tasks` is this interpreter's."""
    command = words.replace("elmo-tasks", f"{sys.executable} -m elmo_tasks")
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, **options)


def test_closed_streams() -> None:
    done = run("set -o pipefail; elmo-tasks list | true")
    assert (done.returncode, done.stderr) == (141, "")
    done = run("elmo-tasks list >&-")
    assert done.returncode == 2 and "standard output is closed" in done.stderr and done.stderr.count("\n") == 1
    done = run("elmo-tasks list > /dev/full")
    assert done.returncode == 2 and "no space left" in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert run("elmo-tasks list 2>&-").returncode == 0


def test_closed_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["embed", "random", "-", "--output", "out.hdf5"]) == 2
    assert "standard input is closed; give the name of a file" in capsys.readouterr().err
    assert not list(Path().glob("*.hdf5")) and not list(Path().glob(".out*"))


def test_a_pipe_is_read_once(capsys: pytest.CaptureFixture[str]) -> None:
    """`<(...)` and FIFOs: the text is copied, since it is read twice."""
    done = run("elmo-tasks embed random <(printf 'a b\\nc\\n') --output out.safetensors", timeout=120)
    assert done.returncode == 0 and "2 sentences, 3 tokens" in done.stderr, done.stderr
    assert sorted(path.name for path in Path().glob("*out*")) == ["out.safetensors"]


TRAIN = """
import os, sys
from elmo_tasks.cli import main
sys.exit(main(["train", "ner", "--data", sys.argv[1], "--embedders", "random", "--output", "run",
               "--set", "model.hidden=4", "--set", "training.epochs=2"]))
"""


@pytest.mark.slow
def test_a_training_goes_on_when_nobody_reads_what_it_says(corpus: Path, tmp_path: Path) -> None:
    words = [sys.executable, "-c", TRAIN, str(corpus)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()  # as `| head -1` does
        said = process.stderr.read()
    assert process.returncode == 0, said
    assert said == "elmo-tasks train: standard output was closed; continuing without it\n"
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["epochs"] == 2
