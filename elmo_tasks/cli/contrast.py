"""`elmo-tasks contrast`."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path

from elmo_tasks.cli.verb import Verbs
from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import is_signed
from elmo_tasks.core.outputs import output_file
from elmo_tasks.core.terminal import say


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    contrast = verbs.add_parser("contrast", help="one word in two sentences: its cosine by layer, GloVe's beside it")
    contrast.add_argument("first", metavar="SENTENCE", help="tokens with blanks between them, in quotes")
    contrast.add_argument("second", metavar="SENTENCE")
    contrast.add_argument("--word", metavar="WORD", help="which one (default: the only word that both have)")
    contrast.add_argument("--output", metavar="FILE", type=Path, help="draw it too: .png, .svg or .html")
    contrast.add_argument("--bilm", metavar="BILM", default="default", help="default: the one inside the package")
    contrast.add_argument("--overwrite", action="store_true", help="replace an earlier picture")
    contrast.set_defaults(verb=_contrast)


def _contrast(options: argparse.Namespace) -> None:
    if options.output is not None and options.output.suffix not in (".png", ".svg", ".html"):
        raise InputError(f"--output: expected a file that ends in .png, .svg or .html, got {options.output}")
    from elmo_tasks.analysis.contrast import contrast
    from elmo_tasks.embedders.frozen import bilm_embedder
    from elmo_tasks.text.tokens import split_tokens
    from elmo_tasks.views.contrast import write_contrast
    from elmo_tasks.views.tables import print_contrast

    sentences = list(split_tokens(options.first)), list(split_tokens(options.second))
    with ExitStack() as stack:
        if options.output is not None:
            stack.enter_context(output_file(options.output, overwrite=options.overwrite, is_ours=is_signed))
        found = contrast(bilm_embedder(options.bilm), sentences, options.word)
        print_contrast(found)
        if options.output is not None:
            write_contrast(found, options.output)
            say(f"written to {options.output}")
