"""`elmo-tasks project`."""

from __future__ import annotations

import argparse
from itertools import islice
from pathlib import Path

from elmo_tasks.cli.verb import Verbs, add_encoding
from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import is_signed
from elmo_tasks.core.outputs import output_file
from elmo_tasks.core.terminal import say


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    project = verbs.add_parser("project", help="draw all occurrences of a word in the plane, by sense or by cluster")
    project.add_argument("word", metavar="WORD", help="as it is written: the case of its letters shows in its vectors")
    project.add_argument(
        "--in", dest="text", metavar="FILE", type=Path, required=True, help="a sentence a line, or .jsonl with senses"
    )
    project.add_argument("--output", metavar="FILE", type=Path, required=True, help="the picture: .png or .svg")
    project.add_argument("--layer", metavar="N|average|RUN_DIR", help="one picture (default: one a layer)")
    project.add_argument(
        "--method", choices=("pca", "umap"), default="pca", help="default: pca; umap needs the extra umap"
    )
    project.add_argument("--cluster", choices=("kmeans", "agglomerative"), default="kmeans", help="default: kmeans")
    project.add_argument("--clusters", metavar="N", type=int, help="default: the number of senses, or 2 without senses")
    project.add_argument("--limit", metavar="N", type=int, default=500, help="the first N occurrences (default 500)")
    project.add_argument("--bilm", metavar="BILM", default="default", help="default: the one inside the package")
    add_encoding(project)
    project.add_argument("--overwrite", action="store_true", help="replace an earlier picture")
    project.set_defaults(verb=_project)


def _project(options: argparse.Namespace) -> None:
    if options.output.suffix not in (".png", ".svg"):
        raise InputError(f"--output: expected a file that ends in .png or .svg, got {options.output}")
    for name in ("clusters", "limit"):
        if getattr(options, name) is not None and getattr(options, name) < 1:
            raise InputError(f"--{name}: expected 1 or more, got {getattr(options, name)}")
    from elmo_tasks.analysis.occurrences import occurrences_in
    from elmo_tasks.analysis.projection import check_method, project_layers
    from elmo_tasks.embedders.frozen import bilm_embedder
    from elmo_tasks.views.projection import draw_projections, print_projections

    check_method(options.method)
    with output_file(options.output, overwrite=options.overwrite, is_ours=is_signed):
        encoding = options.encoding or "utf-8"
        there = occurrences_in(options.text, options.word, exact=True, encoding=encoding)
        occurrences = list(islice(there, options.limit))
        if not occurrences:
            raise InputError(f"{options.text}: the word {options.word!r} does not occur")
        found = project_layers(
            bilm_embedder(options.bilm),
            occurrences,
            layer=options.layer,
            method=options.method,
            clustering=options.cluster,
            clusters=options.clusters,
        )
        print_projections(options.word, found)
        draw_projections(options.word, found, options.output)
        say(f"written to {options.output}")
