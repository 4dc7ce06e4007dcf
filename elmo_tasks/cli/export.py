"""`elmo-tasks export`."""

from __future__ import annotations

import argparse
from pathlib import Path

from elmo_tasks.cli.verb import Verbs, add_verb
from elmo_tasks.core.terminal import say


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    export = add_verb(
        verbs,
        "export",
        "write a trained run as a folder that runs without PyTorch",
        ("export runs/ner -o ner-onnx", "export runs/ner -o ner-onnx --int8 --overwrite"),
    )
    export.add_argument("run", metavar="RUN", help="folder of a run, or hf:ORG/NAME on the Hugging Face hub")
    export.add_argument("--format", choices=("onnx",), default="onnx", help="format of the model (default: onnx)")
    export.add_argument(
        "--int8", action="store_true", help="store and multiply in 8 bits: smaller, and faster for single sentences"
    )
    export.add_argument(
        "-o", "--output", metavar="DIR", type=Path, required=True, help="folder of the exported run (required)"
    )
    export.add_argument("--overwrite", action="store_true", help="replace an earlier export")
    export.add_argument(
        "--trust", action="store_true", help="read the files and addresses that a run names even if it is not yours"
    )
    export.set_defaults(verb=_export)


def _export(options: argparse.Namespace) -> None:
    from elmo_tasks.runs.run import export_run

    say(export_run(options.run, options.output, int8=options.int8, overwrite=options.overwrite, trust=options.trust))
