"""`elmo-tasks push`."""

from __future__ import annotations

import argparse
from pathlib import Path

from elmo_tasks.cli.verb import Verbs
from elmo_tasks.core.terminal import say


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    push = verbs.add_parser("push", help="upload a run or a biLM with its model card to the Hugging Face hub")
    push.add_argument("folder", metavar="DIR", type=Path, help="a run's folder or a pre-trained biLM's")
    push.add_argument("name", metavar="ORG/NAME")
    push.add_argument("--license", metavar="ID", help="of your model, for the card, such as cc-by-4.0")
    push.add_argument("--private", action="store_true", help="make a new repository private")
    push.set_defaults(verb=_push)


def _push(options: argparse.Namespace) -> None:
    from elmo_tasks.runs.hub import push_to_hub

    say(push_to_hub(options.folder, options.name, license=options.license, private=options.private))
