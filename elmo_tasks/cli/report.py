"""`elmo-tasks report`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from elmo_tasks.cli.verb import Verbs, add_verb
from elmo_tasks.core.files import is_signed, write_json
from elmo_tasks.core.outputs import output_file
from elmo_tasks.core.terminal import remark, say_json

_PAGE = "report.html"


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    report = add_verb(
        verbs,
        "report",
        "show all runs in a folder on one page, or combine seeds into one record",
        ("report runs", "report runs/ner-seed1 runs/ner-seed2 runs/ner-seed3 -o results/ner.json"),
    )
    report.add_argument(
        "runs",
        metavar="RUN_DIR",
        nargs="+",
        type=Path,
        help="for a record, folders of runs that differ only in their seed; for a page, any folders that contain runs",
    )
    report.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        help="write to this file: a page if its name ends in .html, else a record in JSON (default: FOLDER/report.html "
        "for a folder that contains runs, standard output for a record)",
    )
    report.add_argument("--overwrite", action="store_true", help="replace an earlier page or record")
    report.set_defaults(verb=_report)


def _report(options: argparse.Namespace) -> None:
    from elmo_tasks.runs.collect import collect, is_record
    from elmo_tasks.runs.gather import find_runs

    output, paths = options.output, None
    if output is None and len(options.runs) == 1:
        paths = find_runs(options.runs)
        if paths not in ([], options.runs):
            output = options.runs[0] / _PAGE
    if output is None:
        say_json(collect(options.runs), indent=2)
    elif output.suffix == ".html":
        _write_page(options.runs, paths, output, overwrite=options.overwrite)
    else:
        with output_file(output, overwrite=options.overwrite, is_ours=is_record):
            write_json(output, collect(options.runs))


def _write_page(folders: list[Path], paths: list[Path] | None, output: Path, *, overwrite: bool) -> None:
    from elmo_tasks.runs.gather import gather
    from elmo_tasks.views.runs_page import write_runs_page

    with output_file(output, overwrite=overwrite, is_ours=is_signed):
        found = gather(folders, paths)
        write_runs_page(found, output)
    for note in found.notes:
        remark(f"note: {note}", stream=sys.stderr)
    remark(f"written to {output}")
