"""Speed of pre-training, and its ratio to the speed of matrix products on the machine.

    python benchmarks/pretraining.py --corpus 'text/*.xz' --config configs/pretrain/shipped.yaml --output FILE.json

Windows of the real text and plain matrix products in the same data type take turns in one process; medians are
reported. Only useful multiply-adds are counted: of the LSTM, the sampled classes, and the characters of distinct words.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import torch

from elmo_tasks.core.memory import keep_freed_memory, peak_rss_mb
from elmo_tasks.elmo.characters import END_WORD, encode_vocabulary
from elmo_tasks.elmo.options import BilmOptions
from elmo_tasks.pretraining.corpus import corpus_files, encode_corpus, vocabulary_of
from elmo_tasks.pretraining.module import Pretraining, Schedule, to_window
from elmo_tasks.pretraining.objective import Window
from elmo_tasks.pretraining.run import build_objective
from elmo_tasks.pretraining.settings import load_pretrain_config
from elmo_tasks.pretraining.windows import Windows, classes_of


def flops(options: BilmOptions, samples: int, window: Window) -> float:
    """Useful operations of the forward and backward pass of a window: two per multiply-add, backward twice forward."""
    size, width = options.cell_dim, options.projection_dim
    steps = window.inputs.numel()  # of both directions
    lstm = options.n_layers * (4 * size * (width + width) + size * width)
    softmax = (samples + 1) * width
    length = (window.characters == END_WORD).int().argmax(dim=1) + 1
    convolution = sum(number * filter_width for filter_width, number in options.filters) * options.char_dim
    dense = options.n_highway * 2 * options.n_filters**2 + options.n_filters * width
    words = float(length.sum()) * convolution + len(length) * dense
    return 2 * 3 * (steps * (lstm + softmax) + words)


def product_rate(dtype: torch.dtype, seconds: float = 1.0) -> float:
    """Operations per second of the fastest of three plain products: square, and the two shapes of the LSTM gates."""
    best = 0.0
    for rows, inner, columns in ((4096, 4096, 4096), (5120, 256, 4096), (5120, 4096, 1024)):
        left, right = torch.randn(rows, inner).to(dtype), torch.randn(inner, columns).to(dtype)
        out = left @ right
        runs, started = 0, time.perf_counter()
        while time.perf_counter() - started < seconds:
            torch.mm(left, right, out=out)
            runs += 1
        best = max(best, 2.0 * rows * inner * columns * runs / (time.perf_counter() - started))
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", nargs="+", required=True, metavar="GLOB")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--set", action="append", default=[], metavar="key=value")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--windows", type=int, default=10, help="windows per round")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    keep_freed_memory()
    config = load_pretrain_config(options.config, options.set)
    dtype = torch.bfloat16 if config.precision == "bf16" else torch.float32
    with tempfile.TemporaryDirectory() as scratch:
        text = encode_corpus(corpus_files(options.corpus), Path(scratch) / "corpus")
        words = vocabulary_of(text, config.min_count, config.n_tokens_vocab)
        numbers = {word: number for number, word in enumerate(words)}
        windows = Windows(
            text,
            classes=classes_of(text.words, numbers),
            streams=config.batch_size,
            steps=config.unroll_steps,
            seed=config.seed,
        )
        characters = encode_vocabulary(text.words, config.bilm.max_characters)
        objective = build_objective(config, len(words))
        schedule = Schedule(config.learning_rate, 0, 10**9, 0.0)
        module = Pretraining(objective, schedule=schedule, optimizer=config.optimizer, clip_norm=1.0, seed=1)
        dense, sparse = module.configure_optimizers()
        state = objective.initial_state(config.batch_size)
        rows, number = [], 0
        for turn in range(options.rounds + 1):  # the first round compiles and warms up
            done, started = 0.0, time.perf_counter()
            for _ in range(options.windows if turn else 3 * options.windows):
                window = to_window(windows.window(number), characters)
                loss, state = objective(window, state, torch.Generator().manual_seed(number))
                loss.backward()
                for optimizer in (dense, sparse):
                    optimizer.step()
                    optimizer.zero_grad()
                number += 1
                done += flops(config.bilm, min(config.n_negative_samples_batch, len(words)), window)
            seconds = time.perf_counter() - started
            ceiling = product_rate(dtype)
            if turn:
                tokens = options.windows * config.batch_size * config.unroll_steps / seconds
                rows.append({"tokens_per_second": tokens, "flops": done / seconds, "product_flops": ceiling})
                print(
                    f"{tokens:8,.0f} tokens/s  {done / seconds / 1e9:6.0f} of {ceiling / 1e9:6.0f} GFLOP/s "
                    f"= {100 * done / seconds / ceiling:.1f} %",
                    flush=True,
                )
    record = {
        "benchmark": "pretraining",
        "config": options.config.name,
        "settings": options.set,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "median_tokens_per_second": statistics.median(row["tokens_per_second"] for row in rows),
        "median_gflops": statistics.median(row["flops"] for row in rows) / 1e9,
        "median_product_gflops": statistics.median(row["product_flops"] for row in rows) / 1e9,
        "median_share": statistics.median(row["flops"] / row["product_flops"] for row in rows),
        "peak_rss_mb": peak_rss_mb(),
        "rounds": rows,
    }
    options.output.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    speed, share = record["median_tokens_per_second"], 100 * record["median_share"]
    print(f"median {speed:,.0f} tokens/s, {share:.1f} % of the products' rate")


if __name__ == "__main__":
    main()
