"""`elmo-tasks predict`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from elmo_tasks.cli.engine import add_engine, add_workers, check_workers, engine_of
from elmo_tasks.cli.verb import Verbs, add_encoding, add_hardware, add_run_options, add_verb, use_threads
from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import atomic_file, disk_faults, standard_input
from elmo_tasks.core.memory import without_garbage_collection
from elmo_tasks.core.outputs import output_file
from elmo_tasks.core.terminal import remark, write_lines
from elmo_tasks.views.predictions import FORMATS, prediction_lines


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    predict = add_verb(
        verbs,
        "predict",
        "apply a trained run to tokenised sentences or to raw text",
        (
            "predict runs/ner sentences.txt",
            "predict runs/ner --text letter.txt --probabilities",
            "predict runs/ner sentences.txt --format conll -o predicted.conll",
        ),
    )
    predict.add_argument("run", metavar="RUN", help="folder of a run, or hf:ORG/NAME on the Hugging Face hub")
    predict.add_argument(
        "file",
        metavar="FILE",
        nargs="?",
        type=Path,
        help="one tokenised sentence per line, or a pair separated by a tab (default: standard input)",
    )
    predict.add_argument(
        "--text",
        metavar="FILE",
        nargs="?",
        type=Path,
        const=Path("-"),
        help="raw text instead: it is split into sentences and tokens, and places in it are added (default: standard "
        "input)",
    )
    predict.add_argument(
        "--probabilities",
        action="store_true",
        help="add a probability to each entity, predicate, argument, tag and coreferent mention",
    )
    predict.add_argument(
        "--format",
        choices=FORMATS,
        default="jsonl",
        help="JSON Lines, one token per line with its tags, or a table with one row per finding (default: jsonl)",
    )
    predict.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="write to this new file (default: standard output)"
    )
    add_run_options(predict)
    add_encoding(predict)
    add_engine(predict, "in this process")
    add_workers(predict)
    add_hardware(predict, "number of processor threads, with --engine ray of each worker")
    predict.set_defaults(verb=_predict)


def _predict(options: argparse.Namespace) -> None:
    if options.output is None:
        lines, interactive = _lines(options)
        write_lines(lines, sys.stdout, at_once=interactive)
        return
    with output_file(options.output):
        lines, _ = _lines(options)
        with (
            disk_faults(options.output),
            atomic_file(options.output) as partial,
            partial.open("w", encoding="utf-8", newline="\n") as file,
        ):
            write_lines(lines, file)
    remark(f"written to {options.output}", stream=sys.stderr)


def _lines(options: argparse.Namespace) -> tuple[Iterator[str], bool]:
    """The lines of the predictions, and whether each should be written as soon as it is available."""
    with without_garbage_collection():
        from elmo_tasks.data.lines import decode_lines, decode_text, open_lines, open_text
        from elmo_tasks.runs.hub import find_run
        from elmo_tasks.runs.predict import predict
        from elmo_tasks.runs.run import load
        from elmo_tasks.runs.text import predict_text

    engine = engine_of(options)
    check_workers(options)
    if engine.name == "ray" and options.text is not None:
        raise InputError("--engine ray needs one tokenised sentence per line, not --text; choose --engine local")
    use_threads(options.threads)
    file = options.file or options.text
    if options.file and options.text not in (None, Path("-")):
        raise InputError(f"--text: two files were given, {options.file} and {options.text}; give only one")
    interactive = file in (None, Path("-"))
    origin = "stdin" if interactive else str(file)
    encoding = options.encoding or "utf-8"
    block = None if not interactive else 1 if sys.stdin.isatty() else 64
    values: Iterator[dict[str, Any]]
    if options.text is not None:
        run = load(options.run, options.task_file, trust=options.trust)
        pieces = decode_text(standard_input(), origin, encoding) if interactive else open_text(file, encoding=encoding)
        results = predict_text(run, pieces, block or 1024, origin, probabilities=options.probabilities)
        values = (result.to_dict() for result in results)
    else:
        if interactive:
            numbered = decode_lines(standard_input(), origin, encoding)
        else:
            numbered = open_lines(file, encoding=encoding)
        lines = (line for _, line in numbered)
        given: dict[str, Any] = {key: getattr(options, key) for key in ("probabilities", "task_file", "trust")}
        if engine.name == "ray":
            import torch

            from elmo_tasks.runs.predicted_blocks import BlockPredictor, predict_blocks

            threads = options.threads or torch.get_num_threads()
            predictor = BlockPredictor(find_run(options.run), origin, threads=threads, **given)
            values = predict_blocks(predictor, lines, engine, options.workers)
        else:
            values = predict(*(find_run(options.run), lines, block, origin), **given)
    return prediction_lines(values, options.format), interactive
