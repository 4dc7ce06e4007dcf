"""`elmo-tasks evaluate`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from elmo_tasks.cli.verb import (
    Verbs,
    add_hardware,
    add_reading_options,
    add_run_options,
    add_verb,
    reading_options,
    use_threads,
)
from elmo_tasks.core.memory import without_garbage_collection
from elmo_tasks.core.terminal import remark, say, say_json


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    evaluate = add_verb(
        verbs,
        "evaluate",
        "score a trained run on a split",
        (
            "evaluate runs/reviews",
            "evaluate runs/reviews --data other-reviews/ --split dev --json",
            "evaluate runs/reviews -o predictions.txt",
        ),
    )
    evaluate.add_argument("run", metavar="RUN", help="folder of a run, or hf:ORG/NAME on the Hugging Face hub")
    evaluate.add_argument(
        "--data", metavar="NAME|DIR", help="data set, folder or file to score (default: the data of the run)"
    )
    evaluate.add_argument(
        "--split", default="test", choices=("train", "dev", "test"), help="split to score (default: test)"
    )
    add_reading_options(evaluate)
    evaluate.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="also write the predictions to this file (default: none)"
    )
    evaluate.add_argument("--json", action="store_true", help="print the scores as JSON instead of a table")
    add_run_options(evaluate)
    add_hardware(evaluate)
    evaluate.set_defaults(verb=_evaluate)


def _evaluate(options: argparse.Namespace) -> None:
    with without_garbage_collection():
        from elmo_tasks.data.reading import ReadingConfig
        from elmo_tasks.runs.evaluate import evaluate
        from elmo_tasks.runs.hub import find_run

    use_threads(options.threads)
    given = reading_options(options)
    notes: list[str] = []
    scores, report = evaluate(
        find_run(options.run),
        options.data,
        options.split,
        reading=ReadingConfig(**given) if given else None,
        output=options.output,
        task_file=options.task_file,
        trust=options.trust,
        tell=notes.append,
    )
    for note in notes:
        remark(f"note: {note}", stream=sys.stderr)
    if options.json:
        say_json(scores, indent=2)
    else:
        for line in report.split("\n"):
            say(line)
