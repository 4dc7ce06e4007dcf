"""`elmo-tasks export`."""

from __future__ import annotations

import argparse
from pathlib import Path

from elmo_tasks.cli.verb import Verbs
from elmo_tasks.core.terminal import say


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    export = verbs.add_parser("export", help="write a trained run as a folder that runs without PyTorch")
    export.add_argument("run", metavar="RUN", help="a run's folder, or hf:ORG/NAME on the Hugging Face hub")
    export.add_argument("--format", choices=("onnx",), default="onnx", help="default: onnx")
    export.add_argument(
        "--int8", action="store_true", help="store and multiply in 8 bits: smaller, and faster for single sentences"
    )
    export.add_argument("--output", metavar="DIR", type=Path, required=True, help="the new folder")
    export.add_argument("--overwrite", action="store_true", help="replace an earlier export")
    export.add_argument(
        "--trust", action="store_true", help="read files and addresses that a run names though it was not trained here"
    )
    export.set_defaults(verb=_export)


def _export(options: argparse.Namespace) -> None:
    from elmo_tasks.runs.run import export_run

    say(export_run(options.run, options.output, int8=options.int8, overwrite=options.overwrite, trust=options.trust))
