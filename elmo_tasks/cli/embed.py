"""`elmo-tasks embed`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from elmo_tasks.cli.verb import Verbs, add_encoding, add_threads, check_threads
from elmo_tasks.core.errors import InputError
from elmo_tasks.core.memory import without_garbage_collection
from elmo_tasks.core.terminal import say


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    embed = verbs.add_parser("embed", help="write the frozen vectors of a text to HDF5, safetensors, Parquet or Arrow")
    embed.add_argument("embedder", metavar="EMBEDDER", help="as in --embedders: elmo, elmo:small, glove:FILE, minilm")
    embed.add_argument(
        "text",
        metavar="FILE",
        type=Path,
        help="a tokenised sentence a line, also .xz .gz .bz2 .zst, or - for standard input",
    )
    embed.add_argument("--output", metavar="FILE", type=Path, required=True, help=".hdf5 .safetensors .parquet .arrow")
    embed.add_argument("--layers", metavar="all|average|N", default="all", help="default: all")
    embed.add_argument("--dtype", choices=("float32", "float16"), default="float32", help="default: float32")
    embed.add_argument(
        "--precision", metavar="NAME", help="arithmetic of an elmo: exact, fast, int8 or auto (default: auto)"
    )
    embed.add_argument(
        "--batch-tokens",
        metavar="N",
        type=int,
        help="most tokens that an elmo computes at once (default: by its width)",
    )
    embed.add_argument(
        "--engine",
        choices=("local", "ray"),
        default="local",
        help="this process, or the Ray cluster that RAY_ADDRESS names; without RAY_ADDRESS one is started that only "
        "this machine can reach (default: local)",
    )
    embed.add_argument("--workers", metavar="N", type=int, help="workers of Ray (default: as many as the cores allow)")
    add_encoding(embed)
    add_threads(embed, "processor threads of each worker (default: one per core)")
    embed.add_argument("--resume", action="store_true", help="go on with an interrupted run of the same output")
    embed.add_argument("--overwrite", action="store_true", help="replace an earlier output")
    embed.set_defaults(verb=_embed)


def _embed(options: argparse.Namespace) -> None:
    for name in ("batch_tokens", "workers"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise InputError(f"--{name.replace('_', '-')}: expected 1 or more, got {value}")
    check_threads(options.threads)
    if options.workers is not None and options.engine != "ray":
        raise InputError("--workers: expected it with --engine ray; one process uses --threads")
    with without_garbage_collection():
        import torch

        from elmo_tasks.corpus_vectors.block_embedder import Recipe
        from elmo_tasks.corpus_vectors.embedding import embed_corpus
        from elmo_tasks.views.progress import embedding_progress

    recipe = Recipe(
        options.embedder,
        layers=options.layers,
        dtype=options.dtype,
        precision=options.precision,
        batch_tokens=options.batch_tokens,
        threads=options.threads or torch.get_num_threads(),
    )
    with embedding_progress() as watch:
        done = embed_corpus(
            options.text,
            options.output,
            recipe,
            engine=options.engine,
            workers=options.workers,
            resume=options.resume,
            overwrite=options.overwrite,
            encoding=options.encoding or "utf-8",
            watch=watch,
        )
    speed = f"{done.computed / done.seconds:,.0f} tokens/s" if done.computed else "nothing was left to compute"
    say(f"{done.sentences:,d} sentences, {done.tokens:,d} tokens; {speed}", stream=sys.stderr)
    for path in done.files:
        say(path)
