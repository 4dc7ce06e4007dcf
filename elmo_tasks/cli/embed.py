"""`elmo-tasks embed`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from elmo_tasks.cli.engine import add_engine, add_workers, check_workers, engine_of
from elmo_tasks.cli.verb import Verbs, add_encoding, add_hardware, add_verb, check_threads
from elmo_tasks.core.errors import InputError
from elmo_tasks.core.memory import without_garbage_collection
from elmo_tasks.core.terminal import remark, say


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    embed = add_verb(
        verbs,
        "embed",
        "write the frozen vectors of a text to HDF5, safetensors, Parquet or Arrow",
        (
            "embed elmo text.txt -o vectors.hdf5",
            "embed elmo:original text.txt.gz -o vectors.parquet --layers average --dtype float16",
        ),
    )
    embed.add_argument("embedder", metavar="EMBEDDER", help="as for --embedders: elmo, elmo:small, glove:FILE, minilm")
    embed.add_argument(
        "text",
        metavar="FILE",
        type=Path,
        help="text with one tokenised sentence per line, also .xz .gz .bz2 .zst, or - for standard input",
    )
    embed.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        required=True,
        help="file of the vectors: .hdf5 .safetensors .parquet .arrow (required)",
    )
    embed.add_argument(
        "--layers", metavar="all|average|N", default="all", help="layers to write, or one by its number (default: all)"
    )
    embed.add_argument(
        "--dtype", choices=("float32", "float16"), default="float32", help="type of the numbers (default: float32)"
    )
    embed.add_argument(
        "--precision",
        metavar="NAME",
        help="arithmetic of the biLM: exact, fast, int8 or auto (default: auto)",
    )
    embed.add_argument(
        "--batch-tokens",
        metavar="N",
        type=int,
        help="number of tokens that the biLM computes at once (default: depends on its width)",
    )
    add_engine(embed, "in this process")
    add_workers(embed)
    add_encoding(embed)
    add_hardware(embed, "number of processor threads of each worker")
    embed.add_argument("--resume", action="store_true", help="continue an interrupted run with the same output")
    embed.add_argument("--overwrite", action="store_true", help="replace an earlier output")
    embed.set_defaults(verb=_embed)


def _embed(options: argparse.Namespace) -> None:
    if options.batch_tokens is not None and options.batch_tokens < 1:
        raise InputError(f"--batch-tokens must be 1 or more, not {options.batch_tokens}")
    check_threads(options.threads)
    check_workers(options)
    engine = engine_of(options)
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
            engine=engine,
            workers=options.workers,
            resume=options.resume,
            overwrite=options.overwrite,
            encoding=options.encoding or "utf-8",
            watch=watch,
        )
    speed = f"{done.computed / done.seconds:,.0f} tokens/s" if done.computed else "nothing was left to compute"
    remark(f"{done.sentences:,d} sentences, {done.tokens:,d} tokens; {speed}", stream=sys.stderr)
    for path in done.files:
        say(path)
