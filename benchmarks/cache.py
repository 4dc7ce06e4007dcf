"""The cost of an epoch of `train ner` with cached vectors, and of one that computes them anew.

    python benchmarks/cache.py --data conll2003 --output results/benchmark-cache.json

A biLM of the original shape with random weights (speed does not depend on their values). In turns, `--rounds` times:

- the reference module (`BiLM`, step by step, batches of 64 in file order) on the first `--sample` sentences;
- the cache of the training split, opened and read: its files in memory, then dropped from it (`posix_fadvise`);
- a run of `train ner` of two epochs on the cached vectors; the second is timed, including its evaluation on dev.

`train` reads the vectors of each batch, in the timed epoch from the file cache of the system. An epoch that computes
takes the seconds per token of the reference in place of those of the cache; one that reads from the disk, those of it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch

from elmo_tasks.core.paths import cache_root
from elmo_tasks.data.catalog import load_data
from elmo_tasks.elmo import BiLM, BilmOptions, batch_to_ids
from elmo_tasks.elmo.weights.safetensors import write_safetensors
from elmo_tasks.embedders.cache.cached import CachedEmbedder
from elmo_tasks.embedders.elmo import BilmEmbedder
from elmo_tasks.runs.experiment import resolve_experiment
from elmo_tasks.task import load_task
from elmo_tasks.training.train import train


def drop_from_memory(folder: Path) -> None:
    """Drop the files from the file cache, so that the next read comes from the disk."""
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def seconds(work: object) -> float:
    """Seconds that a call takes."""
    started = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - started


@torch.no_grad()
def refer(bilm: BiLM, sentences: list[list[str]]) -> None:
    """Run the reference module on the sentences in file order."""
    for start in range(0, len(sentences), 64):
        bilm(batch_to_ids(sentences[start : start + 64], bilm.options.max_characters))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="conll2003")
    parser.add_argument("--train", type=int, default=2000, metavar="N", help="sentences of the training split")
    parser.add_argument("--dev", type=int, default=300, metavar="N")
    parser.add_argument("--sample", type=int, default=512, metavar="N", help="sentences for the reference module")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    torch.manual_seed(1)
    bilm = BiLM(BilmOptions()).eval()
    with tempfile.TemporaryDirectory() as scratch:
        weights = Path(scratch) / "original.safetensors"
        write_safetensors(bilm, weights)
        experiment = resolve_experiment("ner", None, {"embedders": [f"elmo:{weights}", "glove", "chars"]}, [])
        experiment = replace(experiment, training=replace(experiment.training, epochs=2))
        whole = load_data(options.data, load_task("ner").read)
        splits = replace(whole, train=whole.train[: options.train], dev=whole.dev[: options.dev], test=())
        sentences = [list(example.tokens) for example in splits.train]
        dev = [list(example.tokens) for example in splits.dev]
        tokens, sample = sum(map(len, sentences)), sentences[: options.sample]
        epoch_tokens = tokens + sum(map(len, dev))
        embedder = BilmEmbedder(str(weights), "elmo")
        root = cache_root() / "vectors"
        filled = seconds(lambda: CachedEmbedder(embedder, root, float("inf")).embed(sentences))
        folder = root / embedder.fingerprint
        rows = []
        for turn in range(options.rounds + 1):  # the first round warms up, and computes the dev split's vectors
            row = {"reference": seconds(lambda: refer(bilm, sample)) / sum(map(len, sample))}
            row["read"] = seconds(lambda: CachedEmbedder(embedder, root, float("inf")).embed(sentences)) / tokens
            drop_from_memory(folder)
            row["read_from_disk"] = (
                seconds(lambda: CachedEmbedder(embedder, root, float("inf")).embed(sentences)) / tokens
            )
            run = Path(scratch) / "run"
            outcome = train(experiment, run, splits=splits, overwrite=True, tell=lambda line: None)
            row["training"] = outcome.history[1]["seconds"] / epoch_tokens
            if turn:
                rows.append(row)
                print("  ".join(f"{key} {1e6 * value:9.1f} us/token" for key, value in row.items()), flush=True)
        size = sum(path.stat().st_size for path in folder.iterdir())
    median = {key: statistics.median(row[key] for row in rows) for key in rows[0]}
    computed = median["reference"] + median["training"] - median["read"]
    from_disk = median["read_from_disk"] + median["training"] - median["read"]
    record = {
        "benchmark": "cache",
        "data": options.data,
        "train_sentences": len(sentences),
        "embedders": ["elmo", "glove", "chars"],
        "train_tokens": tokens,
        "epoch_tokens": epoch_tokens,
        "reference_sample_tokens": sum(map(len, sample)),
        "precision_of_the_engine": embedder.engine.precision,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "bytes_a_token_on_disk": size / epoch_tokens,
        "seconds_to_fill_by_the_engine": filled,
        "median_seconds_a_token": median,
        "reference_tokens_per_second": 1 / median["reference"],
        "read_tokens_per_second": 1 / median["read"],
        "read_from_disk_tokens_per_second": 1 / median["read_from_disk"],
        "epoch_that_computes_seconds": epoch_tokens * computed,
        "epoch_that_reads_seconds": epoch_tokens * median["training"],
        "epoch_that_reads_from_disk_seconds": epoch_tokens * from_disk,
        "ratio_computes_to_reads": computed / median["training"],
        "ratio_computes_to_reads_from_disk": computed / from_disk,
        "ratio_of_the_vectors_alone": median["reference"] / median["read"],
        "rounds": rows,
    }
    options.output.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(
        f"an epoch that computes costs {record['ratio_computes_to_reads']:.1f} times one that reads, "
        f"{record['ratio_computes_to_reads_from_disk']:.1f} times one that reads from the disk"
    )


if __name__ == "__main__":
    main()
