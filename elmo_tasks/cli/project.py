"""`elmo-tasks project`."""

from __future__ import annotations

import argparse
from itertools import islice
from pathlib import Path

from elmo_tasks.cli.verb import BILM_HELP, Verbs, add_encoding, add_hardware, add_verb, use_threads
from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import is_signed
from elmo_tasks.core.outputs import output_file
from elmo_tasks.core.terminal import remark


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    project = add_verb(
        verbs,
        "project",
        "draw all occurrences of a word in two dimensions, coloured by sense or by cluster",
        (
            "project bank --in text.txt -o bank.png",
            "project bank --in senses.jsonl --layer 2 --clusters 3 -o bank.svg",
        ),
    )
    project.add_argument("word", metavar="WORD", help="word as it is written; its vectors depend on upper case")
    project.add_argument(
        "--in",
        dest="text",
        metavar="FILE",
        type=Path,
        required=True,
        help="text with one sentence per line, or .jsonl with senses (required)",
    )
    project.add_argument(
        "-o", "--output", metavar="FILE", type=Path, required=True, help="file of the picture: .png or .svg (required)"
    )
    project.add_argument(
        "--layer", metavar="N|average|RUN_DIR", help="draw only this layer or mix of a run (default: every layer)"
    )
    project.add_argument(
        "--method",
        choices=("pca", "umap"),
        default="pca",
        help="method of projection; umap needs the extra umap (default: pca)",
    )
    project.add_argument(
        "--cluster",
        choices=("kmeans", "agglomerative"),
        default="kmeans",
        help="method of clustering (default: kmeans)",
    )
    project.add_argument(
        "--clusters", metavar="N", type=int, help="number of clusters (default: number of senses; 2 without senses)"
    )
    project.add_argument(
        "--limit", metavar="N", type=int, default=500, help="draw the first N occurrences (default: 500)"
    )
    project.add_argument("--bilm", metavar="BILM", default="default", help=BILM_HELP)
    add_encoding(project)
    project.add_argument("--overwrite", action="store_true", help="replace an earlier picture")
    add_hardware(project)
    project.set_defaults(verb=_project)


def _project(options: argparse.Namespace) -> None:
    if options.output.suffix not in (".png", ".svg"):
        raise InputError(f"--output must end in .png or .svg, not {options.output}")
    for name in ("clusters", "limit"):
        if getattr(options, name) is not None and getattr(options, name) < 1:
            raise InputError(f"--{name} must be 1 or more, not {getattr(options, name)}")
    from elmo_tasks.analysis.occurrences import occurrences_in
    from elmo_tasks.analysis.projection import check_method, project_layers
    from elmo_tasks.embedders.frozen import bilm_embedder
    from elmo_tasks.views.projection import draw_projections, print_projections

    use_threads(options.threads)
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
        remark(f"written to {options.output}")
