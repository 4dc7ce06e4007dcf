"""The loss of pre-training with the words of 1, 4 and 8 windows encoded at once (`windows_per_encoding`).

    python benchmarks/pretraining_loss.py --corpus 'text/*.xz' --config configs/pretrain/shipped.yaml --at-once 1 4 8 \\
        --windows 2000 --output FILE.json

Each run reads the same windows and starts from the same weights, which are fresh, or with `--init` those of a biLM. The
record has the mean loss and gradient norm of every 100 windows, and is written as they come.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning
import torch

from elmo_tasks.core.memory import keep_freed_memory
from elmo_tasks.pretraining.bilm_folder import BILM
from elmo_tasks.pretraining.corpus import corpus_files, encode_corpus, vocabulary_of
from elmo_tasks.pretraining.initial_weights import initialise
from elmo_tasks.pretraining.run import build_objective, build_windows, fit_bilm
from elmo_tasks.pretraining.settings import load_pretrain_config
from elmo_tasks.runs.folder import RunFolder

MEAN_OF = 100


class Watch(lightning.Callback):
    """Keeps the means of every `MEAN_OF` windows, and tells when there is one more."""

    def __init__(self, at_once: int, tell: Callable[[], None]) -> None:
        self.found: dict[str, Any] = {"windows_per_encoding": at_once, "losses": [], "gradient_norms": []}
        self.tell, self.started = tell, time.process_time()
        self.values: dict[str, list[float]] = {"loss": [], "gradient_norm": []}

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        for name, values in self.values.items():
            values.append(float(trainer.callback_metrics[name]))
        if len(self.values["loss"]) == MEAN_OF:
            self.found["losses"].append(round(statistics.fmean(self.values["loss"]), 4))
            self.found["gradient_norms"].append(round(statistics.fmean(self.values["gradient_norm"]), 3))
            self.found["cpu_seconds"] = round(time.process_time() - self.started)
            for values in self.values.values():
                values.clear()
            self.tell()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", nargs="+", required=True, metavar="GLOB")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--set", action="append", default=[], metavar="key=value")
    parser.add_argument("--at-once", nargs="+", type=int, default=[1], metavar="K", help="windows encoded at once")
    parser.add_argument("--init", metavar="NAME", help="start from this biLM")
    parser.add_argument("--windows", type=int, default=2000)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    keep_freed_memory()
    config = load_pretrain_config(options.config, options.set)
    record: dict[str, Any] = {
        "benchmark": "pretraining-loss",
        "config": options.config.name,
        "settings": options.set,
        "init": options.init,
        "torch": torch.__version__,
        "mean_of": MEAN_OF,
        "runs": [],
    }

    def write() -> None:
        options.output.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")

    with tempfile.TemporaryDirectory() as scratch:
        text = encode_corpus(corpus_files(options.corpus), Path(scratch) / "corpus")
        words = vocabulary_of(text, config.min_count, config.n_tokens_vocab)
        windows = build_windows(config, text, {word: number for number, word in enumerate(words)})
        for at_once in options.at_once:
            side = replace(config, windows_per_encoding=at_once, n_epochs=options.windows / windows.per_epoch)
            lightning.seed_everything(config.seed, verbose=False)
            objective = build_objective(side, len(words))
            if options.init is not None:
                initialise(objective, words, options.init)
            folder = RunFolder(Path(scratch) / f"run-{at_once}", BILM)
            folder.work.mkdir(parents=True)
            watch = Watch(at_once, write)
            record["runs"].append(watch.found)
            fit_bilm(side, objective, windows, folder, [watch], processes=(1, 1), resume=False)
            write()


if __name__ == "__main__":
    main()
