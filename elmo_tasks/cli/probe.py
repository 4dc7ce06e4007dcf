"""`elmo-tasks probe`."""

from __future__ import annotations

import argparse
import time
from functools import partial
from pathlib import Path
from typing import Any

from elmo_tasks.cli.verb import BILM_HELP, Verbs, add_encoding, add_hardware, add_verb, use_threads
from elmo_tasks.core.errors import InputError
from elmo_tasks.core.terminal import remark


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    probe = add_verb(
        verbs,
        "probe",
        "measure what each layer of a biLM encodes, by linear probes or by the nearest word sense",
        (
            "probe senses",
            "probe wsd --wordnet /usr/share/wordnet/index.sense",
            "probe pos corpora/ewt/ --embedders glove --seeds 3 -o probes",
        ),
    )
    probe.add_argument(
        "what",
        metavar="pos|chunk|srl|senses|wsd|DIR",
        help="what to predict: parts of speech, chunks, predicates, senses (wsd: of all words), or the tags of "
        "column files in a folder",
    )
    probe.add_argument(
        "folder", metavar="DIR", nargs="?", help="folder of the data (default: the one below ELMO_TASKS_DATA)"
    )
    probe.add_argument("--bilm", metavar="BILM", default="default", help=BILM_HELP)
    probe.add_argument(
        "--embedders", metavar="NAME", nargs="+", default=[], help="also probe these, such as glove (default: none)"
    )
    probe.add_argument(
        "--column",
        metavar="N",
        type=int,
        help="column of the tags, counted from 1 (default: for pos 2, UPOS, where 3 is XPOS; for DIR the last one)",
    )
    probe.add_argument(
        "--wordnet",
        metavar="FILE",
        type=Path,
        help="for wsd: WordNet's index.sense, for the first senses of words that SemCor does not have (default: none)",
    )
    add_encoding(probe)
    probe.add_argument("--tokens", metavar="N", type=int, help="train on about N tokens (default: all)")
    probe.add_argument("--epochs", metavar="N", type=int, default=8, help="number of epochs of a probe (default: 8)")
    probe.add_argument("--seeds", metavar="N", type=int, default=1, help="repeat with seeds 1 to N (default: 1)")
    probe.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        type=Path,
        default=Path("runs"),
        help="folder for the record, the table and the picture (default: runs)",
    )
    probe.add_argument("--overwrite", action="store_true", help="replace an earlier record")
    add_hardware(probe)
    probe.set_defaults(verb=_probe)


def _probe(options: argparse.Namespace) -> None:
    for name in ("seeds", "epochs", "tokens"):
        if getattr(options, name) is not None and getattr(options, name) < 1:
            raise InputError(f"--{name} must be 1 or more, not {getattr(options, name)}")
    if options.wordnet is not None and options.what != "wsd":
        raise InputError(f"--wordnet is only for wsd, not for {options.what!r}; leave it out")
    from elmo_tasks.views.probe import claimed_probe_files, print_probe, probe_stem, write_probe

    use_threads(options.threads)
    began = time.monotonic()
    shared: dict[str, Any] = {
        "bilm": options.bilm,
        "beside": options.embedders,
        "seeds": range(1, options.seeds + 1),
        "tell": remark,
    }
    encoding = options.encoding or "utf-8"
    if options.what == "senses":
        from elmo_tasks.analysis.senses import load_sense_corpus, run_sense_probe

        corpus = load_sense_corpus(options.folder or "sample-senses", encoding)
        stem = probe_stem({"probe": "senses", "data": corpus.name})
        run = partial(run_sense_probe, corpus, **shared)
    elif options.what == "wsd":
        from elmo_tasks.analysis.all_words import load_all_words, run_all_words_probe

        words = load_all_words(options.folder, options.wordnet, encoding)
        stem = probe_stem({"probe": "wsd", "data": "wsd"})
        run = partial(run_all_words_probe, words, **shared)
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
    remark(f"written to {options.output}: {stem}.json, {stem}.md, {stem}.png")
