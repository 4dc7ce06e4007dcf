"""`elmo-tasks report`."""

from __future__ import annotations

import argparse
from pathlib import Path

from elmo_tasks.cli.verb import Verbs, add_verb
from elmo_tasks.core.files import write_json
from elmo_tasks.core.outputs import output_file
from elmo_tasks.core.terminal import say_json


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    report = add_verb(
        verbs,
        "report",
        "combine runs that differ only in their seed into one record",
        ("report runs/ner-seed1 runs/ner-seed2 runs/ner-seed3 -o results/ner.json",),
    )
    report.add_argument("runs", metavar="RUN_DIR", nargs="+", type=Path, help="folders of the runs")
    report.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="write the JSON to this file (default: standard output)"
    )
    report.add_argument("--overwrite", action="store_true", help="replace an earlier record")
    report.set_defaults(verb=_report)


def _report(options: argparse.Namespace) -> None:
    from elmo_tasks.runs.collect import collect, is_record

    if options.output is None:
        say_json(collect(options.runs), indent=2)
        return
    with output_file(options.output, overwrite=options.overwrite, is_ours=is_record):
        write_json(options.output, collect(options.runs))
