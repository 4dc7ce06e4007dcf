"""`elmo-tasks evaluate`."""

from __future__ import annotations

import argparse
import json

from elmo_tasks.cli.verb import Verbs


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    evaluate = verbs.add_parser("evaluate", help="score a trained run on a split")
    evaluate.add_argument("run", metavar="RUN", help="a run's folder, or ORG/NAME on the Hugging Face hub")
    evaluate.add_argument("--data", metavar="NAME|DIR", help="other data than the run's own")
    evaluate.add_argument("--split", default="test", choices=("train", "dev", "test"), help="default: test")
    evaluate.add_argument("--json", action="store_true", help="print the scores as JSON")
    evaluate.set_defaults(verb=_evaluate)


def _evaluate(options: argparse.Namespace) -> None:
    from elmo_tasks.runs.hub import find_run
    from elmo_tasks.runs.predict import evaluate

    scores, report = evaluate(find_run(options.run), options.data, options.split)
    print(json.dumps(scores, indent=2) if options.json else report)
