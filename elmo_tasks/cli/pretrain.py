"""`elmo-tasks pretrain` and its parts `vocab`, `eval` and `export`."""

from __future__ import annotations

import argparse
from pathlib import Path

from elmo_tasks.cli.verb import Verbs, add_encoding, add_hardware, add_verb, use_threads
from elmo_tasks.core.errors import InputError
from elmo_tasks.core.terminal import remark, say, say_json

_USAGE = """%(prog)s --corpus GLOB [GLOB ...] --config FILE -o DIR
           [--vocabulary FILE] [--heldout FILE] [--init BILM] [--set key=value]
           [--devices N] [--nodes N] [--device NAME] [--threads N] [--encoding NAME]
           [--resume] [--overwrite] [-q | -v]
       %(prog)s vocab|eval|export ..."""
"""argparse would show the parts as required, and --corpus, --config and --output as optional."""


def add(verbs: Verbs) -> None:
    """Declare the verb and its parts."""
    pretrain = add_verb(
        verbs,
        "pretrain",
        "pre-train a biLM on tokenised text, or measure one",
        (
            "pretrain --corpus 'text/*.txt.gz' --config pretrain/small.yaml -o bilm --heldout dev.txt",
            "pretrain --corpus domain.txt --config pretrain/small.yaml -o adapted --init bilm --set n_epochs=1",
            "pretrain eval bilm test.txt",
        ),
        usage=_USAGE,
    )
    pretrain.add_argument("--corpus", metavar="GLOB", nargs="+", help="text files, also .xz .gz .bz2 .zst (required)")
    pretrain.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        help="YAML file, or name of one in the package such as pretrain/small.yaml, or options.json of bilm-tf "
        "(required)",
    )
    pretrain.add_argument("-o", "--output", metavar="DIR", type=Path, help="folder of the biLM (required)")
    pretrain.add_argument(
        "--vocabulary",
        metavar="FILE",
        type=Path,
        help="words of the softmax, the specials first, instead of n_tokens_vocab and min_count of the configuration "
        "(default: the words of the corpus, or of --init)",
    )
    pretrain.add_argument(
        "--heldout",
        metavar="FILE",
        type=Path,
        help="text whose perplexity is measured during training and at the end (default: none)",
    )
    pretrain.add_argument(
        "--init",
        metavar="BILM",
        help="continue training this biLM, which must have the same architecture (default: random weights)",
    )
    pretrain.add_argument(
        "--set",
        metavar="key=value",
        action="append",
        default=[],
        help="set a key of the configuration, such as n_epochs=3; may be repeated (default: none)",
    )
    pretrain.add_argument(
        "--devices", metavar="N", type=int, default=1, help="number of processes (CPU) or GPUs per machine (default: 1)"
    )
    pretrain.add_argument(
        "--nodes",
        metavar="N",
        type=int,
        default=1,
        help="number of machines, which share a file system (default: 1)",
    )
    add_encoding(pretrain)
    pretrain.add_argument("--resume", action="store_true", help="continue from the last checkpoint")
    pretrain.add_argument("--overwrite", action="store_true", help="replace an earlier folder")
    add_hardware(pretrain, "number of processor threads of each process")
    pretrain.set_defaults(verb=_pretrain)
    parts = pretrain.add_subparsers(metavar="vocab|eval|export", prog=pretrain.prog)
    vocab = add_verb(
        parts,
        "vocab",
        "count the words of a corpus and write the vocabulary of the softmax",
        ("pretrain vocab --corpus 'text/*.txt.gz' -o vocabulary.txt --min-count 3",),
    )
    vocab.add_argument(
        "--corpus", metavar="GLOB", nargs="+", required=True, help="text files, also .xz .gz .bz2 .zst (required)"
    )
    vocab.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        required=True,
        help="file of the vocabulary, one word with its count per line (required)",
    )
    vocab.add_argument(
        "--min-count", metavar="N", type=int, default=1, help="leave out words that are less frequent (default: 1)"
    )
    add_encoding(vocab)
    vocab.add_argument("--overwrite", action="store_true", help="replace an earlier vocabulary")
    vocab.set_defaults(verb=_vocabulary)
    measure = add_verb(
        parts,
        "eval",
        "measure the perplexity of a text, or the surprisal of each word",
        ("pretrain eval bilm test.txt", "pretrain eval shipped test.txt --surprisal"),
    )
    measure.add_argument("bilm", metavar="BILM", help="folder of a biLM, shipped, or ORG/NAME on the Hugging Face hub")
    measure.add_argument("text", metavar="FILE", type=Path, help="text with one tokenised sentence per line")
    measure.add_argument(
        "--surprisal", action="store_true", help="print JSON Lines with the bits of each word in both directions"
    )
    measure.add_argument(
        "--trigram",
        metavar="GLOB",
        nargs="+",
        help="also print the perplexity of a trigram model counted on these files (default: none)",
    )
    add_encoding(measure)
    add_hardware(measure)
    measure.set_defaults(verb=_perplexity)
    export = add_verb(
        parts,
        "export",
        "write a pre-trained biLM with 16 bits per number, in several files",
        ("pretrain export bilm -o exported --shard-mb 50",),
    )
    export.add_argument("bilm", metavar="BILM", help="folder of a biLM, shipped, or ORG/NAME on the Hugging Face hub")
    export.add_argument(
        "-o", "--output", metavar="DIR", type=Path, required=True, help="folder of the exported biLM (required)"
    )
    export.add_argument(
        "--shard-mb",
        metavar="N",
        type=float,
        default=15.0,
        help="largest size of a file in MB, 1 or more (default: 15)",
    )
    export.add_argument("--overwrite", action="store_true", help="replace an earlier export")
    export.set_defaults(verb=_export)


def _pretrain(options: argparse.Namespace) -> None:
    for name in ("corpus", "config", "output"):
        if getattr(options, name) is None:
            raise InputError(f"pretrain: --{name} is missing; see `elmo-tasks pretrain --help`")
    if options.devices < 1 or options.nodes < 1:
        raise InputError("pretrain: --devices and --nodes must be 1 or more")
    if options.devices * options.nodes > 1 and ":" in (options.device or ""):
        raise InputError(f"pretrain: --device {options.device} names one GPU; several processes need --device cuda")
    use_threads(options.threads)
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
        tell=remark,
        draw=draw_pretraining,
    )


def _vocabulary(options: argparse.Namespace) -> None:
    from elmo_tasks.pretraining.run import write_vocabulary

    encoding = options.encoding or "utf-8"
    remark(
        write_vocabulary(
            options.corpus, options.output, options.min_count, overwrite=options.overwrite, encoding=encoding
        )
    )


def _perplexity(options: argparse.Namespace) -> None:
    from elmo_tasks.pretraining.evaluation import evaluate_bilm, evaluate_trigram, surprisal_lines

    use_threads(options.threads)
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
        raise InputError(f"pretrain export: --shard-mb must be 1 or more, not {options.shard_mb:g}")
    from elmo_tasks.pretraining.export import export_bilm_folder

    limit = int(options.shard_mb * 1e6) - 20_000  # leave room for everything but the tensors
    for path in export_bilm_folder(options.bilm, options.output, max_shard_bytes=limit, overwrite=options.overwrite):
        say(f"{path.stat().st_size:12,d} bytes  {path}")
