"""`elmo-tasks pretrain` and its parts `vocab`, `eval` and `export`."""

from __future__ import annotations

import argparse
from pathlib import Path

from elmo_tasks.cli.verb import Verbs, add_encoding
from elmo_tasks.core.errors import InputError
from elmo_tasks.core.terminal import say, say_json

_USAGE = """%(prog)s --corpus GLOB [GLOB ...] --config FILE --output DIR
           [--vocabulary FILE] [--heldout FILE] [--init BILM] [--set key=value]
           [--devices N] [--nodes N] [--encoding NAME] [--resume] [--overwrite]
       %(prog)s vocab|eval|export ..."""
"""argparse would show the parts as required and --corpus, --config and --output as not."""


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    pretrain = verbs.add_parser("pretrain", help="pre-train a biLM on tokenised text, or measure one", usage=_USAGE)
    pretrain.add_argument("--corpus", metavar="GLOB", nargs="+", help="text files, also .xz .gz .bz2 .zst; required")
    pretrain.add_argument("--config", metavar="FILE", type=Path, help="YAML, or an options.json of bilm-tf; required")
    pretrain.add_argument("--output", metavar="DIR", type=Path, help="the biLM's folder; required")
    pretrain.add_argument(
        "--vocabulary",
        metavar="FILE",
        type=Path,
        help="words of the softmax, the specials first; n_tokens_vocab and min_count of the configuration do not count",
    )
    pretrain.add_argument(
        "--heldout", metavar="FILE", type=Path, help="text for perplexities on the way and at the end"
    )
    pretrain.add_argument("--init", metavar="BILM", help="start from this biLM, of the same architecture (fine-tuning)")
    pretrain.add_argument("--set", metavar="key=value", action="append", default=[], help="such as n_epochs=3")
    pretrain.add_argument("--devices", metavar="N", type=int, default=1, help="processes (CPU) or GPUs on a machine")
    pretrain.add_argument("--nodes", metavar="N", type=int, default=1, help="machines, with a common file system")
    add_encoding(pretrain)
    pretrain.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    pretrain.add_argument("--overwrite", action="store_true", help="replace an earlier folder")
    pretrain.set_defaults(verb=_pretrain)
    parts = pretrain.add_subparsers(metavar="vocab|eval|export", prog=pretrain.prog)
    vocab = parts.add_parser("vocab", help="make the vocabulary of the softmax")
    vocab.add_argument("--corpus", metavar="GLOB", nargs="+", required=True)
    vocab.add_argument("--output", metavar="FILE", type=Path, required=True, help="word and count, a word a line")
    vocab.add_argument("--min-count", metavar="N", type=int, default=1)
    add_encoding(vocab)
    vocab.add_argument("--overwrite", action="store_true", help="replace an earlier vocabulary")
    vocab.set_defaults(verb=_vocabulary)
    measure = parts.add_parser("eval", help="perplexity of a text, or the surprisal of each word")
    measure.add_argument("bilm", metavar="BILM", help="a folder, shipped, or ORG/NAME on the Hugging Face hub")
    measure.add_argument("text", metavar="FILE", type=Path, help="a tokenised sentence a line")
    measure.add_argument("--surprisal", action="store_true", help="JSON Lines: bits of each word in both directions")
    measure.add_argument("--trigram", metavar="GLOB", nargs="+", help="a trigram's perplexity too, counted on these")
    add_encoding(measure)
    measure.set_defaults(verb=_perplexity)
    export = parts.add_parser("export", help="write a pre-trained biLM in 16 bits, in shards")
    export.add_argument("bilm", metavar="BILM", help="a folder, shipped, or ORG/NAME on the Hugging Face hub")
    export.add_argument("--output", metavar="DIR", type=Path, required=True)
    export.add_argument(
        "--shard-mb", metavar="N", type=float, default=15.0, help="most megabytes a file, 1 or more (default 15)"
    )
    export.add_argument("--overwrite", action="store_true", help="replace an earlier export")
    export.set_defaults(verb=_export)


def _pretrain(options: argparse.Namespace) -> None:
    for name in ("corpus", "config", "output"):
        if getattr(options, name) is None:
            raise InputError(f"pretrain: expected --{name}; see `elmo-tasks pretrain --help`")
    if options.devices < 1 or options.nodes < 1:
        raise InputError("pretrain: expected --devices and --nodes of at least 1")
    from elmo_tasks.pretraining.run import pretrain
    from elmo_tasks.pretraining.settings import load_pretrain_config
    from elmo_tasks.views.plots import draw_pretraining

    pretrain(
        load_pretrain_config(options.config, options.set),
        options.corpus,
        options.output,
        vocabulary=options.vocabulary,
        heldout=options.heldout,
        init=options.init,
        devices=options.devices,
        nodes=options.nodes,
        encoding=options.encoding or "utf-8",
        resume=options.resume,
        overwrite=options.overwrite,
        command=options.command_line,
        tell=say,
        draw=draw_pretraining,
    )


def _vocabulary(options: argparse.Namespace) -> None:
    from elmo_tasks.pretraining.run import write_vocabulary

    encoding = options.encoding or "utf-8"
    say(
        write_vocabulary(
            options.corpus, options.output, options.min_count, overwrite=options.overwrite, encoding=encoding
        )
    )


def _perplexity(options: argparse.Namespace) -> None:
    from elmo_tasks.pretraining.evaluation import evaluate_bilm, evaluate_trigram, surprisal_lines

    encoding = options.encoding or "utf-8"
    if options.surprisal:
        for frame in surprisal_lines(options.bilm, options.text, encoding):
            say_json(frame)
        return
    found = evaluate_bilm(options.bilm, options.text, encoding)
    say(
        f"perplexity {found.mean:.2f} (forward {found.forward:.2f}, backward {found.backward:.2f}) "
        f"over {found.tokens} words, {100 * found.unknown:.2f} % of them outside the vocabulary"
    )
    if options.trigram is not None:
        trigram = evaluate_trigram(options.bilm, options.text, options.trigram, encoding)
        say(f"trigram    {trigram:.2f} over the same vocabulary")


def _export(options: argparse.Namespace) -> None:
    if not 1 <= options.shard_mb <= 1e6:
        raise InputError(f"export: expected --shard-mb of at least 1, got {options.shard_mb:g}")
    from elmo_tasks.pretraining.export import export_bilm_folder

    limit = int(options.shard_mb * 1e6) - 20_000  # less what a file has besides its tensors
    for path in export_bilm_folder(options.bilm, options.output, max_shard_bytes=limit, overwrite=options.overwrite):
        say(f"{path.stat().st_size:12,d} bytes  {path}")
