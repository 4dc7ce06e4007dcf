# PYTHON_ARGCOMPLETE_OK
"""The command line: one file per verb. torch and Lightning are imported only by the verbs that need them."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress

from elmo_tasks import __version__
from elmo_tasks.cli import (
    benchmark,
    cache,
    contrast,
    demo,
    embed,
    evaluate,
    export,
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
    tune,
)
from elmo_tasks.cli.faults import explain, report_bug
from elmo_tasks.cli.streams import OutputClosed, guarded_streams
from elmo_tasks.cli.verb import Parser, add_loudness
from elmo_tasks.core.errors import InputError
from elmo_tasks.core.interruption import Interrupted, signals_interrupt
from elmo_tasks.core.memory import peak_rss_mb
from elmo_tasks.core.paths import completes_words, draw_without_display, let_waiting_threads_sleep, wants_traceback
from elmo_tasks.core.terminal import loudness, say, write_what_cannot_be_encoded
from elmo_tasks.elmo.device import device_chosen
from elmo_tasks.views.progress import progress_bars

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
    tune,
    report,
    export,
    push,
    listing,
)
"""The verbs in the order of `--help`; each has `add`, which declares its arguments and the function that runs it."""


BUG = 70
"""Exit code for a bug (EX_SOFTWARE in sysexits.h)."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb.

    Returns:
        The exit code: 2 for bad input or a failure of the machine, 128 + N if signal N ended the verb, 141 if standard
        output was closed, 70 for a bug.
    """
    began = time.monotonic()
    parser = build_parser()
    if completes_words():
        from elmo_tasks.cli.completion import complete

        complete(parser)  # ends the program
    let_waiting_threads_sleep()  # before a verb imports torch
    draw_without_display()
    write_what_cannot_be_encoded()
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = parser.parse_args(given)
    options.command_line = "elmo-tasks " + shlex.join(given)
    level, came = getattr(options, "loudness", ""), list[int]()
    try:
        with (
            signals_interrupt() as came,
            guarded_streams(options.name, keeps_on=_writes_files(options)),
            loudness(level),
            device_chosen(getattr(options, "device", None)),
            progress_bars(),
        ):
            code = options.verb(options)
            if came:  # a library has caught it
                raise Interrupted(came[0])
            if level == "verbose":
                say(_costs(options.name, time.monotonic() - began), stream=sys.stderr)
    except InputError as error:
        if came:  # a library has made a fault of the interruption, and we a message of that
            return _interrupted(options, came[0])
        return _end(f"elmo-tasks: error: {error}", 2)
    except KeyboardInterrupt as interruption:
        # Lightning may have raised a KeyboardInterrupt of its own in place of ours.
        return _interrupted(options, came[0] if came else getattr(interruption, "number", signal.SIGINT))
    except OutputClosed:
        return 141  # 128 + SIGPIPE
    except Exception as error:
        if came:  # a library has turned the interruption into another exception
            return _interrupted(options, came[0])
        fault = explain(error)
        if wants_traceback() or level == "verbose":
            traceback.print_exc()
        if fault is not None:
            return _end(f"elmo-tasks: error: {fault}", 2)
        return _end(report_bug(error, options.name, options.command_line), BUG)
    return int(code or 0)


def _interrupted(options: argparse.Namespace, number: int) -> int:
    way = "continue with the same command and --resume" if options.resumes else "run the same command again"
    return _end(f"elmo-tasks {options.name}: interrupted by {signal.Signals(number).name}; {way}", 128 + number)


def _end(line: str, code: int) -> int:
    with suppress(OSError):
        say(line, stream=sys.stderr)
    return code


def _costs(verb: str, seconds: float) -> str:
    """The line that `--verbose` prints at the end."""
    torch = sys.modules.get("torch")  # many verbs do not need it
    threads = f", {torch.get_num_threads()} threads" if torch is not None else ""
    return f"elmo-tasks {verb}: {seconds:.1f} s, peak memory {peak_rss_mb():.0f} MB{threads}"


def _writes_files(options: argparse.Namespace) -> bool:
    """Whether the result of a verb is a file or folder, and its output only reports progress."""
    if getattr(options, "dry_run", False):
        return False
    return options.resumes or getattr(options, "output", None) is not None


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of all verbs. Each sets `name`, as it is typed, and `resumes`, whether it has `--resume`."""
    parser = Parser(
        prog="elmo-tasks",
        description="Downstream tasks on frozen ELMo embeddings.",
        epilog="`elmo-tasks VERB --help` shows the options of a verb, with examples.",
    )
    parser.add_argument(
        "--version", action="version", version=f"elmo-tasks {__version__}", help="print the version and exit"
    )
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    for verb in VERBS:
        verb.add(verbs)
    _name(parser)
    return parser


def _name(parser: argparse.ArgumentParser) -> None:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for verb in action.choices.values():
                resumes = "--resume" in verb._option_string_actions
                verb.set_defaults(name=verb.prog.removeprefix("elmo-tasks "), resumes=resumes)
                if "verb" in verb._defaults:  # not `cache`, which only has parts
                    add_loudness(verb)
                _name(verb)
