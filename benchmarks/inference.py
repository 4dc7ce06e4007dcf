"""Speed of the inference engine, compared with the reference module and the limits of the machine, in one process.

    python benchmarks/inference.py --data conll2003 --output results/benchmark-inference.json

The reference is `BiLM`, a loop over time steps: sentences in file order, in padded batches of 64. Contestants take
turns on the same sentences of the test split for several rounds; medians are reported. The word cache of the engine is
emptied before each round. `allennlp` and `simple_elmo_pytorch` take part if they can be imported. Weights are random,
of the shapes of `original` and `small`, written and read by the package; speed does not depend on their values.
"""

from __future__ import annotations

import argparse
import importlib
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch
from inference_limits import floors, product_rates, useful_flops
from inference_report import draw, table

from elmo_tasks.core.memory import keep_freed_memory, return_freed_memory
from elmo_tasks.data.catalog import load_data
from elmo_tasks.elmo import BiLM, BilmOptions, Engine, batch_to_ids
from elmo_tasks.elmo.engine import loops
from elmo_tasks.elmo.weights.hdf5 import read_hdf5, write_hdf5
from elmo_tasks.runs.collect import _processor
from elmo_tasks.task import load_task

ARCHITECTURES = {
    "original": BilmOptions(),
    "small": BilmOptions(cell_dim=1024, projection_dim=128, n_highway=1),
}
# From the start of the test split: the reference needs 40 s per round for these, and would need 4 min for all of it.
SENTENCES = {"original": 512, "small": 10_000}
PEERS = {"allennlp": "allennlp.modules.elmo", "simple_elmo_pytorch": "simple_elmo_pytorch"}
PRECISIONS = ("exact", "fast", "int8")
BUDGETS, LENGTHS = (64, 256, 1024, 4096, 8192, 16384), (5, 10, 20, 40, 80, 160)
Sentences = Sequence[Sequence[str]]
Run = Callable[[Sentences], object]


def random_bilm(options: BilmOptions, folder: Path) -> tuple[BiLM, Path, Path]:
    """Write random weights in the format of bilm-tf for all contestants, and read them."""
    torch.manual_seed(0)
    paths = folder / "options.json", folder / "weights.hdf5"
    write_hdf5(BiLM(options), *paths)
    return read_hdf5(*paths), *paths


def in_batches(module: Callable[[torch.Tensor], object]) -> Run:
    """Run the module in file order, on padded batches of 64 sentences."""

    def run(sentences: Sentences) -> None:
        with torch.no_grad():
            for start in range(0, len(sentences), 64):
                module(batch_to_ids(sentences[start : start + 64]))

    return run


def afresh(engine: Engine) -> Run:
    """Run the engine with an empty word cache."""

    def run(sentences: Sentences) -> None:
        engine.words.clear()
        engine.embed(sentences)

    return run


def peers(options: Path, weights: Path) -> dict[str, Run]:
    """The `Elmo` modules of other packages, if installed."""
    found: dict[str, Run] = {}
    for name, module in PEERS.items():
        try:
            elmo = importlib.import_module(module).Elmo(str(options), str(weights), 1, dropout=0.0)
        except ImportError:
            continue
        found[name] = in_batches(elmo.eval())
    return found


def seconds(run: Run, sentences: Sentences) -> float:
    started = time.perf_counter()
    run(sentences)
    return time.perf_counter() - started


def throughput(options: BilmOptions, contestants: dict[str, Run], sentences: Sentences, rounds: int) -> dict[str, Any]:
    """Measure all contestants and plain matrix products in alternating rounds."""
    tokens = sum(map(len, sentences))
    times: dict[str, list[float]] = {name: [] for name in contestants}
    rates: dict[str, list[float]] = {}
    for run in contestants.values():  # warm up: first calls allocate and choose kernels
        run(sentences[:16])
    for turn in range(rounds):
        for name, run in contestants.items():
            if turn < 2 or name not in PEERS:  # the modules of other packages are slow, and no target
                times[name].append(seconds(run, sentences))
        for name, rate in product_rates().items():
            rates.setdefault(name, []).append(rate)
        print(f"  round {turn + 1}: " + "  ".join(f"{n} {tokens / t[-1]:,.0f}" for n, t in times.items()), flush=True)
    flops = useful_flops(options, sentences)
    ratios = {name: median(times["reference"]) / median(some) for name, some in times.items()}
    return {
        "sentences": len(sentences),
        "tokens": tokens,
        "distinct_words": len({word for words in sentences for word in words}),
        "useful_gflop": flops / 1e9,
        "seconds": times,
        "tokens_per_second": {name: tokens / median(some) for name, some in times.items()},
        "times_the_reference": ratios,
        "product_gflops": {name: median(some) / 1e9 for name, some in rates.items()},
        "useful_gflops": {name: flops / median(some) / 1e9 for name, some in times.items()},
        "share_of_products": {
            name: flops / median(times[name]) / median(rates[kind])
            for name, kind in (("reference", "float32"), ("exact", "float32"), ("fast", "bfloat16"), ("int8", "int8"))
            if name in times and kind in rates
        },
    }


def sweep(points: dict[str, tuple[Run, Sentences]], rounds: int) -> dict[str, float]:
    """Median tokens per second of each point, measured in turn."""
    times: dict[str, list[float]] = {name: [] for name in points}
    for _ in range(rounds):
        for name, (run, sentences) in points.items():
            times[name].append(seconds(run, sentences))
    return {name: sum(map(len, points[name][1])) / median(some) for name, some in times.items()}


def sweeps(bilm: BiLM, sentences: Sentences, rounds: int) -> dict[str, dict[str, float]]:
    """Speed of `fast` by token budget, sentence length and number of threads."""
    engine = Engine(bilm, precision="fast")
    some = sentences[: len(sentences) // 2]
    budgets = {str(n): (afresh(Engine(bilm, precision="fast", token_budget=n)), some) for n in BUDGETS}
    words = [word for sentence in sentences for word in sentence][:1600]
    cut = {str(n): (afresh(engine), [words[start : start + n] for start in range(0, len(words), n)]) for n in LENGTHS}

    def on(threads: int) -> Run:
        def run(sentences: Sentences) -> None:
            torch.set_num_threads(threads)
            afresh(engine)(sentences)

        return run

    most = torch.get_num_threads()
    counts = sorted({1, *(n for n in (2, 4, 8, 16, 32) if n < most), most})
    by_budget, by_length = sweep(budgets, rounds), sweep(cut, rounds)
    by_threads = sweep({str(n): (on(n), some) for n in counts}, rounds)
    torch.set_num_threads(most)
    return {"token_budget": by_budget, "sentence_length": by_length, "threads": by_threads}


def latency(bilm: BiLM, sentences: Sentences, rounds: int) -> dict[str, Any]:
    """Milliseconds per single sentence of 20 tokens, and the lower bounds: the weights are read once per step."""
    options = bilm.options
    chosen = [list(words[:20]) for words in sentences if len(words) >= 20][:16]
    chosen = chosen or [[word for words in sentences for word in words][:20]]
    engines = {precision: Engine(bilm, precision=precision) for precision in PRECISIONS}
    runs: dict[str, Run] = {name: engine.embed for name, engine in engines.items()}
    reference = in_batches(bilm)
    for words in chosen:
        for run in runs.values():
            run([words])
    new = {name: [seconds(afresh(engine), [words]) for words in chosen] for name, engine in engines.items()}
    known: dict[str, list[float]] = {name: [] for name in (*runs, "reference")}
    for _ in range(rounds):
        for name, run in runs.items():
            known[name] += [seconds(run, [words]) for words in chosen]
        known["reference"] += [seconds(reference, [words]) for words in chosen[:4]]
    return {
        "sentences": len(chosen),
        "ms_words_known": {name: 1e3 * median(some) for name, some in known.items()},
        "ms_words_new": {name: 1e3 * median(some) for name, some in new.items()},
        "floors": {precision: floors(options, engine, 20) for precision, engine in engines.items()},
    }


def probe_memory(architecture: str, precision: str, kind: str, data: str) -> dict[str, float]:
    """Memory in MB that a run needs in addition to the prepared weights, measured in a separate process."""
    engine = Engine(BiLM(ARCHITECTURES[architecture]), precision=precision)
    text = test_split(data)
    document = [word for sentence in text for word in sentence]
    loads = {"5,000 tokens": [document[:5000]], "1,000 tokens and 63 sentences": [document[:1000], *text[:63]]}
    engine.embed([["warm", "up"]] * loops.WORTH_COMPILING)  # loads the compiled loops
    return_freed_memory()
    status = Path("/proc/self/status")
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    before = _kilobytes(status, "VmRSS:")
    engine.embed(loads[kind])
    return {"before_mb": before / 1e3, "above_mb": (_kilobytes(status, "VmHWM:") - before) / 1e3}


def _kilobytes(status: Path, key: str) -> float:
    return next(float(line.split()[1]) for line in status.read_text().splitlines() if line.startswith(key))


def memory(architecture: str, data: str) -> dict[str, dict[str, float]]:
    """Memory by precision and load, each in a new process."""
    found: dict[str, dict[str, float]] = {}
    for precision in ("exact", "fast"):
        for kind in ("5,000 tokens", "1,000 tokens and 63 sentences"):
            command = [sys.executable, __file__, "--data", data, "--probe-memory", architecture, precision, kind]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found[f"{precision}, {kind}"] = json.loads(done.stdout)
    return found


def earlier(path: Path, record: dict[str, Any]) -> dict[str, Any]:
    """The architectures measured earlier under the same conditions, which are kept in the record."""
    if not path.exists():
        return {}
    old: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    alike = ("data", "rounds", "threads", "machine", "torch")
    found: dict[str, Any] = old["architectures"] if all(old[key] == record[key] for key in alike) else {}
    return found


def test_split(data: str) -> list[list[str]]:
    """Sentences of the test split, in file order."""
    return [list(example.tokens) for example in load_data(data, load_task("ner").read).test]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="conll2003", help="a data set's name or folder (default: %(default)s)")
    parser.add_argument("--architectures", nargs="+", choices=list(ARCHITECTURES), default=list(ARCHITECTURES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, help="threads of PyTorch (default: chosen by PyTorch)")
    parser.add_argument("--share", type=float, default=1.0, help="fraction of the sentences, for a quick run")
    parser.add_argument("--output", type=Path, default=Path("results/benchmark-inference.json"))
    parser.add_argument("--probe-memory", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.probe_memory:
        print(json.dumps(probe_memory(*options.probe_memory, options.data)))
        return
    keep_freed_memory()
    if options.threads:
        torch.set_num_threads(options.threads)
    text = test_split(options.data)
    record: dict[str, Any] = {
        "benchmark": "inference",
        "command": "python benchmarks/inference.py " + " ".join(sys.argv[1:]),
        "data": options.data,
        "rounds": options.rounds,
        "threads": torch.get_num_threads(),
        "machine": f"{platform.machine()}, {_processor()}",
        "torch": torch.__version__,
        "architectures": {},
    }
    record["architectures"] = earlier(options.output, record)
    for name in options.architectures:
        print(name, flush=True)
        sentences = text[: int(SENTENCES[name] * options.share)]
        with tempfile.TemporaryDirectory() as scratch:
            bilm, *files = random_bilm(ARCHITECTURES[name], Path(scratch))
            runs = {"reference": in_batches(bilm), **peers(*files)}
        runs |= {precision: afresh(Engine(bilm, precision=precision)) for precision in PRECISIONS}
        found: dict[str, Any] = {"throughput": throughput(ARCHITECTURES[name], runs, sentences, options.rounds)}
        runs.clear()
        found["sweeps"] = sweeps(bilm, sentences, max(3, options.rounds // 2))
        found["latency"] = latency(bilm, sentences, options.rounds)
        found["memory"] = memory(name, options.data)
        record["architectures"][name] = found
        options.output.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(table(record))
    draw(record, options.output.with_suffix(".png"))


if __name__ == "__main__":
    main()
