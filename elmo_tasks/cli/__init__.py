"""The command line: a file a verb. torch and Lightning are imported by the verbs that need them, when they run."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence

from elmo_tasks import __version__
from elmo_tasks.cli import (
    benchmark,
    cache,
    contrast,
    demo,
    embed,
    evaluate,
    listing,
    predict,
    pretrain,
    probe,
    project,
    push,
    report,
    similar,
    substitutes,
    train,
)
from elmo_tasks.core.errors import InputError

VERBS = (
    train,
    evaluate,
    predict,
    pretrain,
    substitutes,
    probe,
    similar,
    contrast,
    project,
    demo,
    embed,
    cache,
    benchmark,
    report,
    push,
    listing,
)
"""In the order of `--help`; each has `add`, which declares its arguments and sets the function that runs it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb. Returns its exit code, or 2 for a fault of the input, 130 when interrupted."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = build_parser().parse_args(given)
    options.command_line = "elmo-tasks " + shlex.join(given)
    try:
        code = options.verb(options)
    except InputError as error:
        print(f"elmo-tasks: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(
            "elmo-tasks: interrupted; go on with the same command (train, pretrain, embed: with --resume)",
            file=sys.stderr,
        )
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    return int(code or 0)


def build_parser() -> argparse.ArgumentParser:
    """The parser of all verbs."""
    parser = argparse.ArgumentParser(prog="elmo-tasks", description="Downstream tasks on frozen ELMo embeddings.")
    parser.add_argument("--version", action="version", version=f"elmo-tasks {__version__}")
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    for verb in VERBS:
        verb.add(verbs)
    return parser
