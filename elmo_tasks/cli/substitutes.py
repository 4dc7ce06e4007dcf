"""`elmo-tasks substitutes`."""

from __future__ import annotations

import argparse
import dataclasses

from elmo_tasks.cli.verb import BILM_HELP, Verbs, add_hardware, add_verb, use_threads
from elmo_tasks.core.errors import InputError
from elmo_tasks.core.terminal import say_json


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    substitutes = add_verb(
        verbs,
        "substitutes",
        "show the words that a biLM expects at a position of a sentence",
        ('substitutes "the cat sat on the mat ."', 'substitutes "the cat sat ." --position 2 --top 5 --json'),
    )
    substitutes.add_argument("sentence", metavar="SENTENCE", help="tokens separated by spaces, in quotes")
    substitutes.add_argument("--bilm", metavar="BILM", default="default", help=BILM_HELP)
    substitutes.add_argument(
        "--position",
        metavar="N",
        type=int,
        action="append",
        help="position of a word, from 1; may be repeated (default: every word)",
    )
    substitutes.add_argument("--top", metavar="N", type=int, default=10, help="number of words to show (default: 10)")
    substitutes.add_argument("--json", action="store_true", help="print JSON Lines, one position per line")
    add_hardware(substitutes)
    substitutes.set_defaults(verb=_substitutes)


def _substitutes(options: argparse.Namespace) -> None:
    from elmo_tasks.text.tokens import split_tokens

    words = list(split_tokens(options.sentence))
    positions = [number - 1 for number in options.position or range(1, len(words) + 1)]
    if not words or not all(0 <= position < len(words) for position in positions) or options.top < 1:
        raise InputError(f"substitutes: --position must be from 1 to {len(words)} in {words}, and --top 1 or more")
    use_threads(options.threads)
    from elmo_tasks.pretraining.bilm_folder import read_language_model
    from elmo_tasks.pretraining.substitutes import substitutes
    from elmo_tasks.views.tables import print_substitutes

    for found in substitutes(read_language_model(options.bilm).moved(), words, positions, options.top):
        if options.json:
            say_json(dataclasses.asdict(found))
        else:
            print_substitutes(found)
