"""The parser class of the verbs, and the options that several verbs share."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.terminal import say

if TYPE_CHECKING:
    Verbs: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]
else:
    Verbs = object

BILM_HELP = (
    "name (small, medium, original, ...), folder or files of a biLM, or ORG/NAME on the Hugging Face hub "
    "(default: default, the one inside the package)"
)


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, with control characters of the user's input escaped."""

    def error(self, message: str) -> NoReturn:
        """Print the error and exit with code 2."""
        say(f"elmo-tasks: error: {message}; see `{self.prog} --help`", stream=sys.stderr)
        sys.exit(2)


def add_verb(
    verbs: Verbs, name: str, summary: str, examples: Sequence[str], *, usage: str | None = None
) -> argparse.ArgumentParser:
    """Declare a verb. examples: command lines without `elmo-tasks`, shown by `--help` below the options."""
    return verbs.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog="examples:\n" + "\n".join(f"  elmo-tasks {line}" for line in examples),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage=usage,
    )


def add_loudness(verb: argparse.ArgumentParser) -> None:
    """Declare `--quiet` and `--verbose`, which every verb has; `main` applies them."""
    either = verb.add_mutually_exclusive_group()
    shared: dict[str, Any] = {"dest": "loudness", "action": "store_const", "default": argparse.SUPPRESS}
    either.add_argument("-q", "--quiet", const="quiet", help="print only results and errors", **shared)
    either.add_argument(
        "-v",
        "--verbose",
        const="verbose",
        help="also print time, memory and threads at the end, and the traceback of a bug",
        **shared,
    )


def add_reading_options(verb: argparse.ArgumentParser) -> None:
    """Declare the options for reading the files of a data set."""
    verb.add_argument(
        "--columns",
        metavar="NAME=COLUMN,...",
        help="where to find what in the files, by number from 1 or by name, such as token=1,tag=3 or "
        "text=review,label=sentiment (default: the usual columns of the task)",
    )
    for what in ("text", "label"):
        verb.add_argument(
            f"--{what}-column",
            metavar="NAME",
            help=f"name of the column or JSON key that holds the {what}; short for --columns {what}=NAME "
            "(default: the usual names)",
        )
    verb.add_argument(
        "--map-labels",
        metavar="OLD=NEW,...",
        help="rename labels, such as person=PER,place=LOC,*=drop; * stands for every other label, drop removes it "
        "(default: labels as they are)",
    )
    for split in ("dev", "test"):
        verb.add_argument(
            f"--{split}-fraction",
            metavar="F",
            type=float,
            help=f"hold out this fraction of the training sentences as the {split} split if the data has none, such as "
            "0.1 (default: 0.1 if there is only a training file)",
        )
    add_encoding(verb)


def reading_options(options: argparse.Namespace) -> dict[str, Any]:
    """The keys of `ReadingConfig` that the user set."""
    keys = ("columns", "encoding", "map_labels", "dev_fraction", "test_fraction")
    given = {key: getattr(options, key) for key in keys if getattr(options, key) is not None}
    named = {what: getattr(options, f"{what}_column") for what in ("text", "label")}
    columns = [given.get("columns"), *(f"{what}={name}" for what, name in named.items() if name is not None)]
    return given | ({"columns": ",".join(filter(None, columns))} if any(columns) else {})


def add_encoding(verb: argparse.ArgumentParser) -> None:
    """Declare `--encoding`, the encoding of the input files."""
    verb.add_argument(
        "--encoding", metavar="NAME", help="encoding of the text, such as latin-1 or utf-16 (default: utf-8)"
    )


def add_run_options(verb: argparse.ArgumentParser) -> None:
    """Declare what a run from elsewhere may do: execute a task file, or read files outside its folder."""
    verb.add_argument(
        "--task-file",
        metavar="PATH",
        help="task.py of a run that was trained on a task of your own; it is executed (default: a task of the package)",
    )
    verb.add_argument(
        "--trust", action="store_true", help="read the files and addresses that a run names even if it is not yours"
    )


def add_hardware(verb: argparse.ArgumentParser, threads: str = "number of processor threads") -> None:
    """Declare `--device`, which `main` applies, and `--threads`."""
    verb.add_argument(
        "--device",
        metavar="auto|cpu|cuda|cuda:N",
        help="where to compute (default: ELMO_TASKS_DEVICE, else auto: a GPU if there is one)",
    )
    verb.add_argument("--threads", metavar="N", type=int, help=f"{threads} (default: one per core)")


def check_threads(threads: int | None) -> None:
    """Raises InputError if `threads` is less than 1."""
    if threads is not None and threads < 1:
        raise InputError(f"--threads must be 1 or more, not {threads}")


def use_threads(threads: int | None) -> None:
    """Set the number of threads of PyTorch and the engine; None leaves the choice to PyTorch.

    Raises:
        InputError: `threads` is less than 1.
    """
    check_threads(threads)
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
