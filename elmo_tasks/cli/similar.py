"""`elmo-tasks similar`."""

from __future__ import annotations

import argparse
from pathlib import Path

from elmo_tasks.cli.verb import Verbs, add_encoding
from elmo_tasks.core.errors import InputError
from elmo_tasks.core.terminal import say_json


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    similar = verbs.add_parser("similar", help="the occurrences in a text that are nearest to one in a sentence")
    similar.add_argument("word", metavar="WORD")
    similar.add_argument("--in", dest="text", metavar="FILE", type=Path, required=True, help="a sentence a line")
    similar.add_argument(
        "--sentence", metavar="SENTENCE", help="tokens with blanks between them (default: FILE's first with WORD)"
    )
    similar.add_argument(
        "--position", metavar="N", type=int, help="of WORD in the sentence, from 1, if it is there twice"
    )
    similar.add_argument("--any", action="store_true", help="compare every word of FILE, not only WORD")
    similar.add_argument(
        "--layer", metavar="N|average|RUN_DIR", default="average", help="RUN_DIR: a run's mix (default: average)"
    )
    similar.add_argument("--top", metavar="N", type=int, default=10, help="so many occurrences (default: 10)")
    similar.add_argument("--bilm", metavar="BILM", default="default", help="default: the one inside the package")
    add_encoding(similar)
    similar.add_argument("--json", action="store_true", help="JSON Lines, an occurrence a line")
    similar.set_defaults(verb=_similar)


def _similar(options: argparse.Namespace) -> None:
    if options.top < 1:
        raise InputError(f"--top: expected 1 or more, got {options.top}")
    from elmo_tasks.analysis.occurrences import occurrences_in, query_occurrence, weights_of_layer
    from elmo_tasks.analysis.similar import nearest
    from elmo_tasks.data.lines import require_regular_file
    from elmo_tasks.embedders.frozen import bilm_embedder
    from elmo_tasks.views.tables import print_similar

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
