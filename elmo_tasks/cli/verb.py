"""The type of what verbs are added to, and the options that several verbs share."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.terminal import say

if TYPE_CHECKING:
    Verbs: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]
else:
    Verbs = object


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line, in which nothing that the user wrote acts on the terminal."""

    def error(self, message: str) -> NoReturn:
        """Print the complaint and exit with code 2."""
        say(f"elmo-tasks: error: {message}; see `{self.prog} --help`", stream=sys.stderr)
        sys.exit(2)


def add_reading_options(verb: argparse.ArgumentParser) -> None:
    """How the files of a data set are read."""
    verb.add_argument(
        "--columns",
        metavar="NAME=COLUMN,...",
        help="where things are in the files, from 1 or by name, such as token=1,tag=3 or text=review,label=sentiment",
    )
    for what in ("text", "label"):
        verb.add_argument(
            f"--{what}-column",
            metavar="NAME",
            help=f"the column of the header (or the key) with the {what}; short for --columns {what}=NAME",
        )
    verb.add_argument(
        "--map-labels",
        metavar="OLD=NEW,...",
        help="other names for labels, such as person=PER,place=LOC,*=drop (* is every other label, drop removes it)",
    )
    for split in ("dev", "test"):
        verb.add_argument(
            f"--{split}-fraction",
            metavar="F",
            type=float,
            help=f"hold this share of the training sentences, such as 0.1, out as {split} split; for data without one",
        )
    add_encoding(verb)


def reading_options(options: argparse.Namespace) -> dict[str, Any]:
    """The keys of `ReadingConfig` that the user has given."""
    keys = ("columns", "encoding", "map_labels", "dev_fraction", "test_fraction")
    given = {key: getattr(options, key) for key in keys if getattr(options, key) is not None}
    named = {what: getattr(options, f"{what}_column") for what in ("text", "label")}
    columns = [given.get("columns"), *(f"{what}={name}" for what, name in named.items() if name is not None)]
    return given | ({"columns": ",".join(filter(None, columns))} if any(columns) else {})


def add_encoding(verb: argparse.ArgumentParser) -> None:
    """The encoding of the files that are read."""
    verb.add_argument("--encoding", metavar="NAME", help="of the files, such as latin-1 or utf-16 (default: utf-8)")


def add_run_options(verb: argparse.ArgumentParser) -> None:
    """What a run of somebody else's may do: nothing, unless it is said here."""
    verb.add_argument("--task-file", metavar="PATH", help="task.py of a run of a task of your own; it is executed")
    verb.add_argument(
        "--trust", action="store_true", help="read files and addresses that a run names though it was not trained here"
    )


def add_threads(verb: argparse.ArgumentParser, help: str = "processor threads to use (default: one per core)") -> None:
    """Declare `--threads`."""
    verb.add_argument("--threads", metavar="N", type=int, help=help)


def check_threads(threads: int | None) -> None:
    """Raises InputError if fewer than one thread is asked for."""
    if threads is not None and threads < 1:
        raise InputError(f"--threads: expected 1 or more, got {threads}")


def use_threads(threads: int | None) -> None:
    """Compute with so many threads, in PyTorch and in the engine; None leaves the choice to PyTorch.

    Raises:
        InputError: fewer than one.
    """
    check_threads(threads)
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
