"""`elmo-tasks probe`."""

from __future__ import annotations

import argparse
import time
from functools import partial
from pathlib import Path
from typing import Any

from elmo_tasks.cli.verb import Verbs, add_encoding
from elmo_tasks.core.errors import InputError
from elmo_tasks.core.terminal import say


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    probe = verbs.add_parser("probe", help="what each layer of a biLM knows: linear probes, and senses by neighbour")
    probe.add_argument(
        "what", metavar="pos|chunk|srl|senses|DIR", help="parts of speech, chunks, predicates, senses, or column files"
    )
    probe.add_argument("folder", metavar="DIR", nargs="?", help="data of pos, chunk, srl or senses that is elsewhere")
    probe.add_argument("--bilm", metavar="BILM", default="default", help="default: the one inside the package")
    probe.add_argument("--embedders", metavar="NAME", nargs="+", default=[], help="probe these too, such as glove")
    probe.add_argument(
        "--column",
        metavar="N",
        type=int,
        help="the column that holds the tags, counted from 1 (default for pos: 2, UPOS; 3 is XPOS; for DIR: the last)",
    )
    add_encoding(probe)
    probe.add_argument("--tokens", metavar="N", type=int, help="train on about N tokens (default: all)")
    probe.add_argument("--epochs", metavar="N", type=int, default=8, help="most epochs of a probe (default 8)")
    probe.add_argument("--seeds", metavar="N", type=int, default=1, help="repeat with seeds 1 to N (default 1)")
    probe.add_argument(
        "--output", metavar="DIR", type=Path, default=Path("runs"), help="for the JSON, table, picture (default: runs)"
    )
    probe.add_argument("--overwrite", action="store_true", help="replace an earlier record")
    probe.set_defaults(verb=_probe)


def _probe(options: argparse.Namespace) -> None:
    for name in ("seeds", "epochs", "tokens"):
        if getattr(options, name) is not None and getattr(options, name) < 1:
            raise InputError(f"--{name}: expected 1 or more, got {getattr(options, name)}")
    from elmo_tasks.views.probe import claimed_probe_files, print_probe, probe_stem, write_probe

    began = time.monotonic()
    shared: dict[str, Any] = {
        "bilm": options.bilm,
        "beside": options.embedders,
        "seeds": range(1, options.seeds + 1),
        "tell": say,
    }
    encoding = options.encoding or "utf-8"
    if options.what == "senses":
        from elmo_tasks.analysis.senses import load_sense_corpus, run_sense_probe

        corpus = load_sense_corpus(options.folder or "sample-senses", encoding)
        stem = probe_stem({"probe": "senses", "data": corpus.name})
        run = partial(run_sense_probe, corpus, **shared)
    else:
        from elmo_tasks.analysis.probe_data import load_probe_task
        from elmo_tasks.analysis.probing import run_probe
        from elmo_tasks.core.paths import cache_root

        task = load_probe_task(options.what, options.folder, options.column, options.tokens, encoding)
        stem = probe_stem({"probe": task.kind, "data": task.data, "column": task.column})
        run = partial(run_probe, task, epochs=options.epochs, cache_folder=cache_root() / "vectors", **shared)
    with claimed_probe_files(options.output, stem, options.overwrite):
        whole = write_probe(options.output, run(), options.command_line, time.monotonic() - began)
    print_probe(whole)
    say(f"written to {options.output}: {stem}.json, {stem}.md, {stem}.png")
