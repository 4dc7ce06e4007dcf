"""`elmo-tasks predict`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from elmo_tasks.cli.verb import Verbs, add_encoding, add_run_options, add_threads, use_threads
from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import standard_input
from elmo_tasks.core.memory import without_garbage_collection
from elmo_tasks.core.terminal import say_json


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    predict = verbs.add_parser("predict", help="apply a trained run to sentences or to raw text; writes JSON Lines")
    predict.add_argument("run", metavar="RUN", help="a run's folder, or hf:ORG/NAME on the Hugging Face hub")
    predict.add_argument(
        "file", metavar="FILE", nargs="?", type=Path, help="one tokenised sentence per line (default: standard input)"
    )
    predict.add_argument(
        "--text",
        metavar="FILE",
        nargs="?",
        type=Path,
        const=Path("-"),
        help="raw text instead (default: standard input): it is split into sentences and tokens; offsets are added",
    )
    predict.add_argument(
        "--probabilities", action="store_true", help="add a probability to each entity, predicate and argument"
    )
    add_run_options(predict)
    add_encoding(predict)
    add_threads(predict)
    predict.set_defaults(verb=_predict)


def _predict(options: argparse.Namespace) -> None:
    with without_garbage_collection():
        from elmo_tasks.data.lines import decode_lines, decode_text, open_lines, open_text
        from elmo_tasks.runs.hub import find_run
        from elmo_tasks.runs.predict import predict
        from elmo_tasks.runs.run import load
        from elmo_tasks.runs.text import predict_text

    use_threads(options.threads)
    file = options.file or options.text
    if options.file and options.text not in (None, Path("-")):
        raise InputError(f"--text: got two files, {options.file} and {options.text}; give one")
    interactive = file in (None, Path("-"))
    origin = "stdin" if interactive else str(file)
    encoding = options.encoding or "utf-8"
    block = 1 if interactive and sys.stdin.isatty() else 64
    values: Iterator[dict[str, Any]]
    if options.text is not None:
        run = load(options.run, options.task_file, trust=options.trust)
        pieces = decode_text(standard_input(), origin, encoding) if interactive else open_text(file, encoding=encoding)
        results = predict_text(run, pieces, block, origin, probabilities=options.probabilities)
        values = (result.to_dict() for result in results)
    else:
        if interactive:
            numbered = decode_lines(standard_input(), origin, encoding)
        else:
            numbered = open_lines(file, encoding=encoding)
        lines = (line for _, line in numbered)
        values = predict(
            *(find_run(options.run), lines, block, origin),
            probabilities=options.probabilities,
            task_file=options.task_file,
            trust=options.trust,
        )
    for value in values:
        say_json(value)
        if interactive:
            sys.stdout.flush()
