"""`elmo-tasks push`."""

from __future__ import annotations

import argparse
from pathlib import Path

from elmo_tasks.cli.verb import Verbs, add_verb
from elmo_tasks.core.terminal import say


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    push = add_verb(
        verbs,
        "push",
        "upload a run or a biLM with its model card to the Hugging Face hub",
        ("push runs/ner ada/elmo-ner --license cc-by-4.0 --private",),
    )
    push.add_argument("folder", metavar="DIR", type=Path, help="folder of a run or of a pre-trained biLM")
    push.add_argument("name", metavar="ORG/NAME", help="repository on the hub, which is created if it is missing")
    push.add_argument(
        "--license",
        metavar="ID",
        help="licence of the model for its card, such as cc-by-4.0 (default: none)",
    )
    push.add_argument("--private", action="store_true", help="make a new repository private")
    push.set_defaults(verb=_push)


def _push(options: argparse.Namespace) -> None:
    from elmo_tasks.runs.hub import push_to_hub

    say(push_to_hub(options.folder, options.name, license=options.license, private=options.private))
