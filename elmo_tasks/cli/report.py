"""`elmo-tasks report`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from elmo_tasks.cli.verb import Verbs


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    report = verbs.add_parser("report", help="gather runs that differ in their seeds into one record")
    report.add_argument("runs", metavar="RUN_DIR", nargs="+", type=Path)
    report.add_argument("--output", metavar="FILE", type=Path, help="write JSON there (default: standard output)")
    report.set_defaults(verb=_report)


def _report(options: argparse.Namespace) -> None:
    from elmo_tasks.core.files import disk_faults, write_json
    from elmo_tasks.runs.collect import collect

    record = collect(options.runs)
    if options.output is None:
        print(json.dumps(record, indent=2))
    else:
        with disk_faults(options.output.parent):
            options.output.parent.mkdir(parents=True, exist_ok=True)
        write_json(options.output, record)
