"""Speed and memory of `elmo-tasks predict` on a file, compared with the inference engine alone.

    python benchmarks/predict.py --run ner --data conll2003 --output results/benchmark-predict.json

The sentences of all splits of the data are read in file order, again from the beginning if there are fewer than
`--sentences`. On the first `--timed` of them, three contestants take turns in this process, each with an empty table of
words: the engine, which computes the vectors of all sentences; `predict` as it reads a file, where each thread computes
a part of it, in batches by tokens; and `predict` with `block=64`, which computes 64 sentences at a time, one step after
the other, as it reads a pipe. The record has medians. Then all sentences are
predicted in a new process, which records its memory when the run has been loaded, after 1,000 sentences, and its peak.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import torch

from elmo_tasks.core.memory import peak_rss_mb, rss_mb
from elmo_tasks.data.catalog import load_data
from elmo_tasks.elmo.engine import Engine
from elmo_tasks.embedders.inputs import FrozenInput
from elmo_tasks.runs.predict import predict_lines
from elmo_tasks.runs.run import load
from elmo_tasks.runs.store import Trained
from elmo_tasks.views.predictions import prediction_lines

SETTLED = 1000  # sentences after which libraries have compiled their kernels and word vectors are mapped


def engine_of(trained: Trained) -> Engine:
    """The engine of the biLM."""
    (engine,) = [
        source.embedder.engine for source in trained.inputs if hasattr(getattr(source, "embedder", 0), "engine")
    ]
    assert isinstance(engine, Engine)
    return engine


def contestants(trained: Trained, lines: list[str]) -> dict[str, Callable[[], object]]:
    """The functions to be timed, by name."""
    sentences = [line.split() for line in lines]
    engine = engine_of(trained)

    def predicted(block: int | None) -> int:
        engine.words.clear()
        return sum(map(len, prediction_lines(predict_lines(trained, lines, block), "jsonl")))

    def embedded() -> object:
        engine.words.clear()
        return engine.embed(sentences)

    return {"engine": embedded, "predict": lambda: predicted(None), "predict in blocks of 64": lambda: predicted(64)}


def in_turns(work: dict[str, Callable[[], object]], rounds: int) -> dict[str, dict[str, float]]:
    """Median seconds of wall-clock and of processor time of each contestant; the first round warms up."""
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in work}
    for number in range(rounds + 1):
        for name, contestant in work.items():
            started = time.perf_counter(), time.process_time()
            contestant()
            if number:
                spent[name].append((time.perf_counter() - started[0], time.process_time() - started[1]))
    medians = {name: [statistics.median(each) for each in zip(*times, strict=True)] for name, times in spent.items()}
    return {name: {"wall": wall, "cpu": cpu} for name, (wall, cpu) in medians.items()}


def memory(run: str, path: Path) -> dict[str, float]:
    """Memory in MB of this process before and after `predict` of a file. Call it in a new process."""
    trained = load(run).trained
    start = rss_mb()
    with path.open(encoding="utf-8") as file:
        count, settled = 0, start
        for count, _ in enumerate(predict_lines(trained, (line.rstrip("\n") for line in file)), 1):
            if count == SETTLED:
                settled = rss_mb()
    return {
        "sentences": count,
        "loaded_mb": start,
        f"after_{SETTLED}_mb": settled,
        "peak_mb": peak_rss_mb(),
        "end_mb": rss_mb(),
        "growth_mb": peak_rss_mb() - settled,
    }


def measured(run: str, lines: list[str], timed: int, rounds: int) -> dict[str, Any]:
    """The record without the circumstances."""
    trained = load(run).trained
    some = lines[:timed]
    tokens = sum(len(line.split()) for line in some)
    seconds = in_turns(contestants(trained, some), rounds)
    speeds = {name: tokens / times["wall"] for name, times in seconds.items()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sentences.txt"
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        command = [sys.executable, __file__, "--run", run, "--memory-of", str(path)]
        found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return {
        "inputs": [source.name for source in trained.inputs],
        "arithmetic": {s.name: s.arithmetic for s in trained.inputs if isinstance(s, FrozenInput) and s.arithmetic},
        "sentences": len(some),
        "tokens": tokens,
        "seconds": seconds,
        "tokens_per_second": speeds,
        "share_of_engine": {name: speed / speeds["engine"] for name, speed in speeds.items()},
        "share_of_engine_by_cpu": {n: seconds["engine"]["cpu"] / times["cpu"] for n, times in seconds.items()},
        "memory": found,
    }


def lines_of(run: str, data: str, count: int) -> list[str]:
    """The sentences of all splits in file order, repeated up to `count`."""
    splits = load_data(data, load(run).trained.task.read)

    def every() -> Iterator[str]:
        for split in ("train", "dev", "test"):
            for example in splits.get(split) or ():
                yield " ".join(example.tokens)

    return list(islice(cycle(every()), count))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", default="ner", help="a run whose inputs include a biLM")
    parser.add_argument("--data", help="as for `elmo-tasks train`")
    parser.add_argument("--sentences", type=int, default=20_000, help="for memory")
    parser.add_argument("--timed", type=int, default=3_000, help="sentences that are timed")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--memory-of", type=Path, help=argparse.SUPPRESS)  # of the process that measures memory
    options = parser.parse_args()
    if options.memory_of is not None:
        print(json.dumps(memory(options.run, options.memory_of)))
        return
    lines = lines_of(options.run, options.data, options.sentences)
    record = {
        "benchmark": "predict",
        "run": Path(options.run).name,
        "data": Path(options.data).name,
        **measured(options.run, lines, options.timed, options.rounds),
        "threads": torch.get_num_threads(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "versions": {"torch": torch.__version__, "python": platform.python_version()},
    }
    text = json.dumps(record, indent=1) + "\n"
    print(text)
    if options.output is not None:
        options.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
