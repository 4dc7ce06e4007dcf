"""`elmo-tasks` as the documents' shell blocks find it on their PATH: the same command, made small.

What is large gets less of itself and nothing else changes: one epoch of training, small windows of pre-training, and
the biLM inside the package wherever an official one (`elmo:small`) would be downloaded. Lines of a block that write to
the same place are taken for alternatives: the later replaces the earlier.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence

from elmo_tasks.cli import main

ONE_EPOCH = ["--set", "training.epochs=1"]
FEW_WINDOWS = [
    word
    for setting in ("n_epochs=1", "batch_size=8", "n_negative_samples_batch=64", "min_count=1", "compile=false")
    for word in ("--set", setting)
]
MORE = {
    "train": [*ONE_EPOCH, "--overwrite"],
    "benchmark": ONE_EPOCH,
    "pretrain": [*FEW_WINDOWS, "--overwrite"],
    "probe": ["--epochs", "1", "--overwrite"],
    "embed": ["--overwrite"],
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


if __name__ == "__main__":
    sys.exit(main(smaller(sys.argv[1:])))
