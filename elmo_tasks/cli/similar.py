"""`elmo-tasks similar`."""

from __future__ import annotations

import argparse
from pathlib import Path

from elmo_tasks.cli.verb import BILM_HELP, Verbs, add_encoding, add_hardware, add_verb, use_threads
from elmo_tasks.core.errors import InputError
from elmo_tasks.core.terminal import say_json


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    similar = add_verb(
        verbs,
        "similar",
        "find the occurrences of a word in a text that are most similar to one in a sentence",
        (
            "similar bank --in text.txt",
            'similar bank --in text.txt --sentence "the bank of the river" --any --top 5 --json',
        ),
    )
    similar.add_argument("word", metavar="WORD", help="word to look for")
    similar.add_argument(
        "--in", dest="text", metavar="FILE", type=Path, required=True, help="text with one sentence per line (required)"
    )
    similar.add_argument(
        "--sentence",
        metavar="SENTENCE",
        help="tokens separated by spaces, in quotes (default: the first sentence of FILE with WORD)",
    )
    similar.add_argument(
        "--position",
        metavar="N",
        type=int,
        help="position of WORD in the sentence, from 1, if it occurs more than once (default: its only one)",
    )
    similar.add_argument("--any", action="store_true", help="compare with every word of FILE, not only WORD")
    similar.add_argument(
        "--layer",
        metavar="N|average|RUN_DIR",
        default="average",
        help="layer to compare, or the mix that a run has learned (default: average)",
    )
    similar.add_argument("--top", metavar="N", type=int, default=10, help="number of occurrences to show (default: 10)")
    similar.add_argument("--bilm", metavar="BILM", default="default", help=BILM_HELP)
    add_encoding(similar)
    similar.add_argument("--json", action="store_true", help="print JSON Lines, one occurrence per line")
    add_hardware(similar)
    similar.set_defaults(verb=_similar)


def _similar(options: argparse.Namespace) -> None:
    if options.top < 1:
        raise InputError(f"--top must be 1 or more, not {options.top}")
    from elmo_tasks.analysis.occurrences import occurrences_in, query_occurrence, weights_of_layer
    from elmo_tasks.analysis.similar import nearest
    from elmo_tasks.data.lines import require_regular_file
    from elmo_tasks.embedders.frozen import bilm_embedder
    from elmo_tasks.views.tables import print_similar

    use_threads(options.threads)
    require_regular_file(options.text, "similar reads")
    encoding = options.encoding or "utf-8"
    query = query_occurrence(options.word, options.sentence, options.text, options.position, encoding)
    embedder = bilm_embedder(options.bilm)
    weights = weights_of_layer(options.layer, embedder.n_layers)
    candidates = occurrences_in(options.text, None if options.any else options.word, encoding=encoding)
    found = nearest(embedder, query, candidates, weights, options.top)
    if options.json:
        for neighbour in found:
            say_json(neighbour.as_dict())
    else:
        print_similar(query, found)
