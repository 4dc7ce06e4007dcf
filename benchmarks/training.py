"""Speed of training, beside plain PyTorch, Flair and an earlier version, and the limit that matrix products set.

    python benchmarks/training.py --flair VENV/bin/python --before CHECKOUT --output results/benchmark-training.json

Named entities on conll2003 (`elmo glove chars`, the paper's sizes), semantic roles on ewt-srl (configs/srl.yaml) and
the biattentive network on sst5 (configs/sst5-bcn.yaml), all on vectors in the cache. Contestants are processes that
take turns of `--batches` batches; medians over `--rounds` are reported. See `training_sides.py` for what they do.

Flair's tagger has the same layers on frozen vectors of the same width, and is skipped without `--flair`. The limit is
the time of the necessary products, forward and backward, at the float32 rate of this machine.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode
from training_sides import experiment_of, read_batches

from pretraining import product_rate

HERE = Path(__file__).resolve().parent
TASKS: dict[str, dict[str, Any]] = {
    "ner": {"data": "conll2003", "embedders": ["elmo", "glove", "chars"]},
    "srl": {"data": "ewt-srl"},
    "sentiment": {"data": "sst5", "config": "sst5-bcn.yaml"},
}


def operations(task: str, settings: dict[str, Any], batches: int) -> float:
    """Operations of the products of a training step, per token. Nothing is rounded or padded while they are counted."""
    model, _, endless = read_batches(experiment_of(task, settings))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the counter does not see other threads
    for part in model.modules():
        if getattr(part, "bf16", False):
            part.bf16 = False
    tokens, total, counted = 0, 0, FlopCounterMode(display=False)
    for batch in islice(endless(), batches):
        with counted:
            model.loss(batch).backward()
        total += counted.get_total_flops()  # of this batch
        tokens += int(batch.lengths.sum())
    torch.set_num_threads(threads)
    return total / tokens


def write_for_flair(settings: dict[str, Any], count: int, path: Path) -> None:
    """Write sentences with vectors of the model's width: speed does not depend on their values."""
    from elmo_tasks.data.catalog import load_data
    from elmo_tasks.task import load_task
    from elmo_tasks.text.spans import to_spans

    experiment = experiment_of("ner", settings)
    width, training = read_batches(experiment)[0].mix.width, experiment.training
    examples = load_data(experiment.data, load_task("ner").read, experiment.reading).train
    step = max(1, len(examples) // count)
    sentences = [
        (list(example.tokens), to_spans(example.tags, "BIO"), torch.randn(len(example.tokens), width))
        for example in examples[::step]
    ]
    shared = {key: getattr(training, key) for key in ("learning_rate", "batch_size", "clip_norm")}
    torch.save({"sentences": sentences, "width": width, **experiment.model, **shared}, path)


class Side:
    """A contestant: a process that trains when it is its turn."""

    def __init__(self, name: str, command: list[str], folder: Path | None = None) -> None:
        """folder: the checkout whose package is measured, this one by default."""
        environment = os.environ | {"PYTHONPATH": str(folder or HERE.parent)}
        self.name, self.rows = name, list[dict[str, float]]()
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def turn(self, batches: int) -> dict[str, float]:
        """Train on some batches. Raises RuntimeError if the process has ended."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(f"{batches}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.name} has ended with {self.process.wait()}; see its message above")
        row: dict[str, float] = json.loads(answer)
        return row

    def end(self) -> None:
        """Let the process end."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()

    def summary(self, ours: Side) -> dict[str, Any]:
        """Medians, and how much faster `ours` is: the median over rounds of the ratio of neighbours."""
        pairs = list(zip(self.rows, ours.rows, strict=True))
        return {
            "median_tokens_per_second": _median(self.rows, "tokens_per_second"),
            "median_cpu_us_per_token": _median(self.rows, "cpu_us"),
            "ours_is_faster": statistics.median(o["tokens_per_second"] / r["tokens_per_second"] for r, o in pairs),
            "ours_is_faster_cpu": statistics.median(r["cpu_us"] / o["cpu_us"] for r, o in pairs),
            "rounds": self.rows,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--embedders", nargs="+", help="instead of those of the configuration, for all tasks")
    parser.add_argument("--fraction", type=float, default=20.0, help="per cent of the training data")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", type=int, default=30, help="batches per turn")
    parser.add_argument("--flair", metavar="PYTHON", help="an interpreter that has Flair")
    parser.add_argument("--before", type=Path, metavar="FOLDER", help="a checkout of an earlier version")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for task in options.tasks:
            settings = TASKS[task] | {"set": [f"training.fraction={options.fraction}"]}
            if options.embedders:
                settings["embedders"] = options.embedders
            file = Path(scratch) / f"{task}.json"
            file.write_text(json.dumps(settings), encoding="utf-8")
            found[task] = measure(task, settings, file, options)
            for name, side in found[task]["sides"].items():
                print(
                    f"{task} {name}: {side['median_tokens_per_second']:,.0f} tokens/s; ours is "
                    f"{side['ours_is_faster']:.2f} times as fast",
                    flush=True,
                )
            record = {
                "benchmark": "training",
                "fraction": options.fraction,
                "threads": torch.get_num_threads(),
                "torch": torch.__version__,
                "tasks": found,
            }
            options.output.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def measure(task: str, settings: dict[str, Any], file: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Let the contestants of a task take turns."""
    program = [sys.executable, str(HERE / "training_sides.py")]
    sides = [Side("ours", [*program, "ours", task, str(file)])]
    if options.before:
        sides.append(Side("before", [*program, "ours", task, str(file)], options.before.resolve()))
    if task == "ner":
        sides.append(Side("plain", [*program, "plain", task, str(file)]))
        if options.flair:
            stored = file.with_suffix(".pt")
            write_for_flair(settings, 3000, stored)
            sides.append(Side("flair", [options.flair, str(HERE / "training_flair.py"), str(stored)]))
        else:
            print("flair: skipped, because no interpreter was given with --flair", flush=True)
    needed, rates = operations(task, settings, 10), []
    for side in list(sides):
        try:
            side.turn(options.batches)  # compiles and warms up
        except (RuntimeError, BrokenPipeError) as error:
            if side is sides[0]:
                raise
            print(f"{task} {side.name}: skipped: {error}", flush=True)
            sides.remove(side)
    for _ in range(options.rounds):
        for side in sides:
            side.rows.append(side.turn(options.batches))
        rates.append(product_rate(torch.float32, 0.3))
    for side in sides:
        side.end()
    rate = statistics.median(rates)
    return {
        "data": settings["data"],
        "batches_per_turn": options.batches,
        "embedders": list(experiment_of(task, settings).embedders),
        "operations_per_token": needed,
        "median_product_gflops": rate / 1e9,
        "limit_tokens_per_second": rate / needed,
        "sides": {side.name: side.summary(sides[0]) for side in sides},
    }


def _median(rows: list[dict[str, float]], key: str) -> float:
    return statistics.median(row[key] for row in rows)


if __name__ == "__main__":
    main()
