"""`elmo-tasks predict`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from elmo_tasks.cli.verb import Verbs, add_encoding, add_run_options, add_threads, use_threads
from elmo_tasks.core.files import standard_input
from elmo_tasks.core.memory import without_garbage_collection
from elmo_tasks.core.terminal import say_json


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    predict = verbs.add_parser("predict", help="apply a trained run: a tokenised sentence a line in, JSON Lines out")
    predict.add_argument("run", metavar="RUN", help="a run's folder, or hf:ORG/NAME on the Hugging Face hub")
    predict.add_argument("file", metavar="FILE", nargs="?", type=Path, help="default: standard input")
    add_run_options(predict)
    add_encoding(predict)
    add_threads(predict)
    predict.set_defaults(verb=_predict)


def _predict(options: argparse.Namespace) -> None:
    with without_garbage_collection():
        from elmo_tasks.data.lines import decode_lines, open_lines
        from elmo_tasks.runs.hub import find_run
        from elmo_tasks.runs.predict import predict

    use_threads(options.threads)
    interactive = options.file is None
    origin = "stdin" if interactive else str(options.file)
    encoding = options.encoding or "utf-8"
    if interactive:
        numbered = decode_lines(standard_input(), origin, encoding)
    else:
        numbered = open_lines(options.file, encoding=encoding)
    block = 1 if interactive and sys.stdin.isatty() else 64
    lines = (line for _, line in numbered)
    run, given = find_run(options.run), {"task_file": options.task_file, "trust": options.trust}
    for frame in predict(run, lines, block, origin, **given):
        say_json(frame)
        if interactive:
            sys.stdout.flush()
