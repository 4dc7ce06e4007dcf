"""Speed of pre-training, and its ratio to the speed of matrix products on the machine.

    python benchmarks/pretraining.py --corpus 'text/*.xz' --config configs/pretrain/shipped.yaml --at-once 1 4 8 16 \\
        --output FILE.json

Windows of the real text and plain matrix products in the same data type take turns in one process, and so do runs that
encode the words of 1, 4, 8 or 16 windows at once (`windows_per_encoding`). Medians are reported, and the speed relative
to the first of these runs. Only useful multiply-adds are counted: of the LSTM, the sampled classes, and the characters
of distinct words. CPU time, that of all threads, depends less on other programs than elapsed time does; set
`GOMP_SPINCOUNT=0`, so that waiting threads use none.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from elmo_tasks.core.memory import keep_freed_memory, peak_rss_mb
from elmo_tasks.elmo.characters import END_WORD, encode_vocabulary
from elmo_tasks.elmo.options import BilmOptions
from elmo_tasks.pretraining.corpus import corpus_files, encode_corpus, vocabulary_of
from elmo_tasks.pretraining.module import Pretraining, Schedule, WindowStream
from elmo_tasks.pretraining.objective import Window
from elmo_tasks.pretraining.run import build_objective, build_windows
from elmo_tasks.pretraining.settings import PretrainConfig, load_pretrain_config
from elmo_tasks.pretraining.windows import Windows


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


class Alone(Pretraining):
    """Pre-training without a Trainer: one side of the comparison, with weights, stream and optimisers of its own."""

    def __init__(self, config: PretrainConfig, at_once: int, windows: Windows, vocabulary: int) -> None:
        super().__init__(
            build_objective(config, vocabulary),
            schedule=Schedule(config.learning_rate, config.warmup, 10**9, 0.0),
            optimizer=config.optimizer,
            clip_norm=config.all_clip_norm_val,
            seed=config.seed,
            windows_per_encoding=at_once,
        )
        self.made = self.configure_optimizers()
        characters = encode_vocabulary(windows.corpus.words, config.bilm.max_characters)
        self.stream = iter(WindowStream(self, windows, characters, 10**9))
        self.rows: list[dict[str, float]] = []

    def optimizers(self, use_pl_optimizer: bool = True) -> Any:
        return self.made

    def manual_backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        loss.backward()

    def log(self, *args: Any, **kwargs: Any) -> None:
        pass

    def turn(self, count: int, options: BilmOptions, samples: int) -> dict[str, float]:
        """Train on `count` windows."""
        tokens, done, cpu, started = 0, 0.0, time.process_time(), time.perf_counter()
        for window in islice(self.stream, count):
            self.training_step(window, 0)
            tokens += window.inputs[0].numel()
            done += flops(options, samples, window)
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
        return {"tokens_per_second": tokens / seconds, "cpu_ms": 1e3 * cpu / count, "flops": done / seconds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", nargs="+", required=True, metavar="GLOB")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--set", action="append", default=[], metavar="key=value")
    parser.add_argument("--at-once", nargs="+", type=int, default=[1], metavar="K", help="windows encoded at once")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--windows", type=int, default=16, help="windows per turn, a multiple of each --at-once")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    if any(options.windows % at_once for at_once in options.at_once):
        parser.error("--windows: expected a multiple of each --at-once")
    keep_freed_memory()
    torch.sparse.check_sparse_tensor_invariants.disable()
    config = load_pretrain_config(options.config, options.set)
    dtype = torch.bfloat16 if config.precision == "bf16" else torch.float32
    products: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        text = encode_corpus(corpus_files(options.corpus), Path(scratch) / "corpus")
        words = vocabulary_of(text, config.min_count, config.n_tokens_vocab)
        windows = build_windows(config, text, {word: number for number, word in enumerate(words)})
        sides = {at_once: Alone(config, at_once, windows, len(words)) for at_once in options.at_once}
        samples = min(config.n_negative_samples_batch, len(words))
        for round_ in range(options.rounds + 1):  # the first one compiles and warms up
            for at_once, side in sides.items():
                row = side.turn(options.windows, config.bilm, samples)
                if round_:
                    side.rows.append(row)
                    speed, cpu = row["tokens_per_second"], row["cpu_ms"]
                    print(f"{at_once:3} at once: {speed:8,.0f} tokens/s  {cpu:6,.0f} CPU ms per window", flush=True)
            if round_:
                products.append(product_rate(dtype))
    first = sides[options.at_once[0]]
    found = [
        {
            "windows_per_encoding": at_once,
            "median_tokens_per_second": _median(side.rows, "tokens_per_second"),
            "median_cpu_ms_per_window": _median(side.rows, "cpu_ms"),
            "median_gflops": _median(side.rows, "flops") / 1e9,
            "median_share": statistics.median(
                row["flops"] / rate for row, rate in zip(side.rows, products, strict=True)
            ),
            "speed_up": _median_ratio(side.rows, first.rows, "tokens_per_second"),
            "speed_up_cpu": _median_ratio(first.rows, side.rows, "cpu_ms"),
            "rounds": side.rows,
        }
        for at_once, side in sides.items()
    ]
    record = {
        "benchmark": "pretraining",
        "config": options.config.name,
        "settings": options.set,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "median_product_gflops": statistics.median(products) / 1e9,
        "peak_rss_mb": peak_rss_mb(),
        "sides": found,
    }
    options.output.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    for one in found:
        print(
            f"{one['windows_per_encoding']:3} at once: median {one['median_tokens_per_second']:,.0f} tokens/s, "
            f"{100 * one['median_share']:.1f} % of the products' rate; {one['speed_up']:.2f} times as fast, "
            f"by CPU time {one['speed_up_cpu']:.2f} times"
        )


def _median(rows: list[dict[str, float]], key: str) -> float:
    return statistics.median(row[key] for row in rows)


def _median_ratio(rows: list[dict[str, float]], others: list[dict[str, float]], key: str) -> float:
    """The median over rounds of the ratio of neighbours."""
    return statistics.median(row[key] / other[key] for row, other in zip(rows, others, strict=True))


if __name__ == "__main__":
    main()
