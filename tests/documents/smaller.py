"""`elmo-tasks` and `python` as the documents' shell blocks find them on their PATH: the same commands, made small.

What is large gets less of itself and nothing else changes: one epoch of training, small windows of pre-training, and
the biLM inside the package wherever an official one (`elmo:small`) would be downloaded. Lines of a block that write to
the same place are taken for alternatives: the later replaces the earlier. `demo` is asked for its page once and ended.
"""

from __future__ import annotations

import re
import subprocess
import sys
import urllib.request
from collections.abc import Sequence

from elmo_tasks.cli import main
from warm_python import run

ONE_EPOCH = ["--set", "training.epochs=1"]
FEW_WINDOWS = [
    word
    for setting in ("n_epochs=1", "batch_size=8", "n_negative_samples_batch=64", "min_count=1", "compile=false")
    for word in ("--set", setting)
]
MORE = {
    "train": [*ONE_EPOCH, "--overwrite"],
    "benchmark": ONE_EPOCH,
    "tune": ONE_EPOCH,
    "pretrain": [*FEW_WINDOWS, "--overwrite"],
    "probe": ["--epochs", "1", "--overwrite"],
    "embed": ["--overwrite"],
    "benchmarks/inference.py": ["--architectures", "small", "--share", "0.002", "--rounds", "1"],
    "benchmarks/cache.py": [*("--train", "20"), *("--dev", "5"), *("--sample", "2"), *("--rounds", "1")],
    "benchmarks/train_memory.py": [*("--tokens", "2000"), *("--dev", "20")],
    "benchmarks/cache_latency.py": ["--calls", "20"],
    "benchmarks/comparison.py": ["--tokens", "300", "--rounds", "1"],
    "benchmarks/pretraining.py": [*("--at-once", "1", "2"), *("--windows", "2"), *("--rounds", "1"), *FEW_WINDOWS],
    "benchmarks/pretraining_loss.py": [*("--at-once", "1", "2"), *("--windows", "4"), *FEW_WINDOWS],
}
_OFFICIAL = re.compile(r"elmo:(small|medium|original|original-5\.5b)$")


def smaller(arguments: Sequence[str]) -> list[str]:
    """The arguments to run instead."""
    verb, *rest = arguments
    if verb == "pretrain" and rest and rest[0] in ("vocab", "eval", "export"):
        return list(arguments)
    if verb == "benchmark" and "--report-only" in rest:
        return list(arguments)
    more = [] if "--dry-run" in rest and verb == "train" else MORE.get(verb, [])
    return [verb, *(_OFFICIAL.sub("elmo", word) for word in rest), *more]


def look_at(arguments: Sequence[str]) -> int:
    """Serve the page, ask for it once, end it. Returns 0 if it came."""
    command = [sys.executable, "-m", "elmo_tasks", *arguments, "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            address = next((found[0] for line in server.stdout if (found := re.search(r"http://[^ ]+", line))), None)
            if address is None:
                return 1
            with urllib.request.urlopen(address, timeout=60) as page:
                return 0 if b"elmo-tasks" in page.read() else 1
        finally:
            server.kill()


if __name__ == "__main__":
    program, *given = sys.argv[1:]
    if program == "python":
        run(smaller(given))
        sys.exit()
    sys.exit(look_at(given) if given[0] == "demo" else main(smaller(given)))
