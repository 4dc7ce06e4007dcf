"""What `--help` of every verb promises."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator

import pytest

from elmo_tasks.cli import build_parser

COMPUTING = (
    *("train", "evaluate", "predict", "embed", "pretrain", "pretrain eval", "probe", "similar", "contrast", "project"),
    *("substitutes", "benchmark", "demo"),
)


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for verb in action.choices.values():
                yield verb
                yield from parsers(verb)


ALL = {verb.prog.removeprefix("elmo-tasks "): verb for verb in parsers(build_parser())}


@pytest.mark.parametrize("name", ALL)
def test_every_option_says_its_default(name: str) -> None:
    for action in ALL[name]._actions:
        if isinstance(action, argparse._SubParsersAction):
            continue
        said = action.help or ""
        assert said, f"{name}: {action.dest} has no help"
        takes_a_value = action.nargs != 0
        may_be_left_out = bool(action.option_strings) or action.nargs in ("?", "*")
        if takes_a_value and may_be_left_out:
            assert "(default: " in said or "(required)" in said, f"{name}: {action.dest}: {said}"
            assert not (action.option_strings and action.required) or "(required)" in said


@pytest.mark.parametrize("name", ALL)
def test_the_default_that_is_said_is_the_one_that_is_used(name: str) -> None:
    for action in ALL[name]._actions:
        if isinstance(action.default, (int, float)) and action.nargs is None:
            assert f"(default: {action.default:g})" in (action.help or ""), f"{name}: {action.dest}"


@pytest.mark.parametrize("name", ALL)
def test_every_verb_has_examples_that_parse(name: str) -> None:
    head, *lines = (ALL[name].epilog or "").splitlines()
    assert head == "examples:" and 1 <= len(lines) <= 3
    verb = name.split()[0]
    for line in lines:
        program, *arguments = shlex.split(line)
        assert program == "elmo-tasks" and arguments[0] == verb
        build_parser().parse_args(arguments)


@pytest.mark.parametrize("name", COMPUTING)
def test_verbs_that_compute_have_device_and_threads(name: str) -> None:
    assert {"--device", "--threads"} <= set(ALL[name]._option_string_actions)


@pytest.mark.parametrize("name", ALL)
def test_short_options(name: str) -> None:
    known = ALL[name]._option_string_actions
    assert ("--output" in known) == ("-o" in known)
    assert ("verb" in ALL[name]._defaults) == ("-q" in known) == ("-v" in known)
