"""`elmo-tasks contrast`."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path

from elmo_tasks.cli.verb import BILM_HELP, Verbs, add_hardware, add_verb, use_threads
from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import is_signed
from elmo_tasks.core.outputs import output_file
from elmo_tasks.core.terminal import remark


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    contrast = add_verb(
        verbs,
        "contrast",
        "compare one word in two sentences: the cosine of its vectors in each layer, and that of GloVe",
        (
            'contrast "She sat on the bank of the river ." "She paid it into the bank ."',
            'contrast "The dog began to bark ." "The bark of the oak ." --word bark -o bark.png',
        ),
    )
    contrast.add_argument("first", metavar="SENTENCE", help="tokens separated by spaces, in quotes")
    contrast.add_argument("second", metavar="SENTENCE", help="the sentence to compare it with")
    contrast.add_argument(
        "--word", metavar="WORD", help="the word to compare (default: the only word that both sentences have)"
    )
    contrast.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        help="also draw a picture: .png, .svg or .html (default: none)",
    )
    contrast.add_argument("--bilm", metavar="BILM", default="default", help=BILM_HELP)
    contrast.add_argument("--overwrite", action="store_true", help="replace an earlier picture")
    add_hardware(contrast)
    contrast.set_defaults(verb=_contrast)


def _contrast(options: argparse.Namespace) -> None:
    if options.output is not None and options.output.suffix not in (".png", ".svg", ".html"):
        raise InputError(f"--output must end in .png, .svg or .html, not {options.output}")
    from elmo_tasks.analysis.contrast import contrast
    from elmo_tasks.embedders.frozen import bilm_embedder
    from elmo_tasks.text.tokens import split_tokens
    from elmo_tasks.views.contrast import write_contrast
    from elmo_tasks.views.tables import print_contrast

    use_threads(options.threads)
    sentences = list(split_tokens(options.first)), list(split_tokens(options.second))
    with ExitStack() as stack:
        if options.output is not None:
            stack.enter_context(output_file(options.output, overwrite=options.overwrite, is_ours=is_signed))
        found = contrast(bilm_embedder(options.bilm), sentences, options.word)
        print_contrast(found)
        if options.output is not None:
            write_contrast(found, options.output)
            remark(f"written to {options.output}")
