"""Shell completion with argcomplete. It runs whenever Tab is pressed, so it imports nothing slow."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from typing import Any, TextIO

import argcomplete
from argcomplete.completers import FilesCompleter

from elmo_tasks.core.paths import config_names, task_names
from elmo_tasks.data.catalog import CATALOG
from elmo_tasks.elmo.weights.resolve import KNOWN_NAMES
from elmo_tasks.embedders.registry import PROVIDERS


def complete(
    parser: argparse.ArgumentParser, output: TextIO | None = None, exit: Callable[[int], Any] | None = None
) -> None:
    """Write the possible next words and end the program, following argcomplete's protocol.

    output, exit: replace its output file and the function that ends the program, for tests.
    """
    _attach(parser)
    given: dict[str, Any] = {"output_stream": output, "exit_method": exit}
    argcomplete.autocomplete(parser, **{key: value for key, value in given.items() if value is not None})


def _attach(parser: argparse.ArgumentParser) -> None:
    """Attach a completer to each argument that takes names; all others complete files or their choices."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for verb in action.choices.values():
                _attach(verb)
        elif (names := _names(action)) is not None:
            action.completer = _completer(names, files=action.dest in _ALSO_FILES)  # type: ignore[attr-defined]


_ALSO_FILES = ("task", "data", "config", "bilm", "init")
"""Arguments that take a name known to the package, or a path."""


def _names(action: argparse.Action) -> Iterable[str] | None:
    by_task = str(action.metavar).startswith("TASK=")
    found: dict[str, Iterable[str]] = {
        "task": task_names(),
        "tasks": task_names(),
        "data": (f"{entry.task}={name}" if by_task else name for name, entry in CATALOG.items()),
        "config": (
            f"{name.removesuffix('.yaml')}={name}" if by_task else name
            for name in config_names()
            if not by_task or name.removesuffix(".yaml") in task_names()
        ),
        "embedders": (*PROVIDERS, *_BILMS),
        "embedder": (*PROVIDERS, *_BILMS),
        "baseline": PROVIDERS,
        "bilm": KNOWN_NAMES,
        "init": KNOWN_NAMES,
        "device": ("auto", "cpu", "cuda"),
        "layers": ("all", "average"),
        "precision": ("auto", "exact", "fast", "int8"),
    }
    return found.get(action.dest)


_BILMS = tuple(f"elmo:{name}" for name in KNOWN_NAMES)


def _completer(names: Iterable[str], *, files: bool) -> Callable[..., list[str]]:
    make: Any = FilesCompleter
    known, paths = list(names), make()

    def completer(prefix: str, **_: Any) -> list[str]:
        there = paths(prefix) if files else ()
        return [*known, *there]

    return completer
