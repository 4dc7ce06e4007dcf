"""Commands in forks of this process, which has imported torch: they start immediately and can be killed and raced."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from elmo_tasks.cli import main

MODULES = (
    *(
        "h5py",
        "lightning",
        "matplotlib.backends.backend_agg",
        "numba",
        "seqeval.metrics",
        "torchcrf",
    ),
    *("elmo_tasks.benchmark.run", "elmo_tasks.corpus_vectors.embedding", "elmo_tasks.pretraining.evaluation"),
    *("elmo_tasks.pretraining.run", "elmo_tasks.training.train", "elmo_tasks.views.plots", "elmo_tasks.views.summary"),
)
"""Modules that most commands import."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def import_what_commands_import() -> None:
    """Import them, so that no fork has to."""
    for module in MODULES:
        import_module(module)


@dataclass
class Fork:
    """A running command. Its output goes to files next to `said`."""

    process: int
    said: Path

    def kill(self, number: int) -> None:
        """Send a signal."""
        os.kill(self.process, number)

    def wait(self) -> Ended:
        """Wait for its end."""
        code = os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])
        out, err = (self.said.with_suffix(suffix).read_text("utf-8") for suffix in (".out", ".err"))
        return Ended(code, out, err)


@dataclass(frozen=True)
class Ended:
    """The exit code, or the negative number of the signal that ended the command; and its output."""

    code: int
    out: str
    err: str

    @property
    def is_one_line(self) -> bool:
        """Whether standard error has exactly one line."""
        return self.err.count("\n") == 1 and self.err.endswith("\n")


def start(words: Sequence[str], folder: Path, said: Path, prepare: Callable[[], object] = lambda: None) -> Fork:
    """Run `elmo-tasks WORDS` in a folder.

    prepare: called in the fork before the command, for limits and the environment.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    if process := os.fork():
        return Fork(process, said)
    code = 1
    try:
        for number, suffix in ((1, ".out"), (2, ".err")):
            file = os.open(said.with_suffix(suffix), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
            os.dup2(file, number)
            os.close(file)
        sys.stdout, sys.stderr = (open(number, "w", encoding="utf-8") for number in (1, 2))  # noqa: PTH123, SIM115
        for usual in SIGNALS:
            signal.signal(usual, signal.default_int_handler if usual == signal.SIGINT else signal.SIG_DFL)
        warnings.resetwarnings()
        warnings.simplefilter("ignore")
        os.chdir(folder)
        prepare()
        code = main(list(words))
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)


def run(words: Sequence[str], folder: Path, said: Path, prepare: Callable[[], object] = lambda: None) -> Ended:
    """Run a command to its end."""
    return start(words, folder, said, prepare).wait()


def kill_after(fork: Fork, seconds: float, number: int) -> Ended:
    """Let a command run for some time, then send it a signal; it may have ended by itself before."""
    time.sleep(seconds)
    fork.kill(number)  # a process that has ended is still there until it is waited for
    return fork.wait()
