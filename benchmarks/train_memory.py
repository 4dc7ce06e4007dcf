"""Memory and time per epoch of `train ner` on cached vectors of ELMo's original width.

    python benchmarks/train_memory.py --data conll2003 --tokens 1200000 --output results/benchmark-train-memory.json

The vectors are random, of the shape of the original biLM (3 layers of 1,024, layer 0 the same 512 twice), since neither
memory nor time depends on their values. They pass through the actual cache and training. The training split is
repeated, with other words at the ends of its sentences, until it has enough tokens. The cache is in a temporary folder
(`$TMPDIR`; about 5 KB per token) that is removed at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import count, pairwise
from pathlib import Path

import torch
from torch import Tensor

from elmo_tasks.core.memory import peak_rss_mb
from elmo_tasks.data.catalog import load_data
from elmo_tasks.embedders.inputs import frozen_input
from elmo_tasks.embedders.protocol import NoSettings, Provider, Sentences
from elmo_tasks.embedders.registry import PROVIDERS
from elmo_tasks.runs.experiment import resolve_experiment
from elmo_tasks.task import load_task
from elmo_tasks.text.examples import Example, TaggedSentence
from elmo_tasks.training.train import train


class Original:
    """Random vectors of the shape of the original biLM, computed in a few microseconds per token."""

    name, n_layers, width, parameters = "original", 3, 1024, 0
    fingerprint = "random-of-original-width"

    def embed(self, sentences: Sentences) -> list[Tensor]:
        """One (3, T, 1024) tensor per sentence."""
        found = []
        for words in sentences:
            generator = torch.Generator().manual_seed(len(words))
            layers = torch.randn(3, len(words), 1024, generator=generator)
            layers[0, :, 512:] = layers[0, :, :512]
            found.append(layers)
        return found


def repeated(examples: tuple[Example, ...], tokens: int) -> Iterator[Example]:
    """Repeat the examples, each time with another last word, until there are `tokens` tokens."""
    found = 0
    for turn in count():
        for example in examples:
            assert isinstance(example, TaggedSentence)
            last = example.tokens[-1] if turn == 0 else f"{example.tokens[-1]}{turn}"
            yield replace(example, tokens=(*example.tokens[:-1], last))
            found += len(example.tokens)
            if found >= tokens:
                return


class Watch(threading.Thread):
    """Peak anonymous and file-backed memory of this process, sampled ten times per second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most = {"RssAnon": 0.0, "RssFile": 0.0, "VmRSS": 0.0}

    def run(self) -> None:
        while True:
            for line in Path("/proc/self/status").read_text().splitlines():
                key = line.partition(":")[0]
                if key in self.most:
                    self.most[key] = max(self.most[key], int(line.split()[1]) / 1e6)
            time.sleep(0.1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="conll2003")
    parser.add_argument("--tokens", type=int, default=1_200_000, help="tokens of the training split")
    parser.add_argument("--dev", type=int, default=300, metavar="N", help="sentences of the dev split")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--hidden", type=int, help="hidden size of the BiLSTM (default: that of the configuration)")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    PROVIDERS["original"] = Provider(
        lambda request, settings: frozen_input(Original(), request.cache_folder, "mix", False, 0.0),
        NoSettings,
        "random",
        "random vectors of original's width",
    )
    settings = [f"training.epochs={options.epochs}"]
    settings += [f"model.hidden={options.hidden}"] if options.hidden else []
    experiment = resolve_experiment("ner", None, {"embedders": ["original", "chars"]}, settings)
    whole = load_data(options.data, load_task("ner").read)
    splits = replace(whole, train=tuple(repeated(whole.train, options.tokens)), dev=whole.dev[: options.dev], test=())
    before = peak_rss_mb()
    watch = Watch()
    watch.start()
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["ELMO_TASKS_CACHE"], os.environ["ELMO_TASKS_CACHE_LIMIT"] = scratch, "none"
        told = [time.process_time()]

        def tell(line: str) -> None:
            told.append(time.process_time())
            print(line, flush=True)

        outcome = train(experiment, Path(scratch) / "run", splits=splits, tell=tell)
        disk = sum(path.stat().st_size for path in Path(scratch).rglob("*.safetensors"))
    record = {
        "benchmark": "train-memory",
        "data": options.data,
        "train_tokens": sum(len(example.tokens) for example in splits.train),
        "train_sentences": len(splits.train),
        "epochs": options.epochs,
        "settings": settings,
        "cache_gb": disk / 1e9,
        "before_gb": before / 1e3,
        "peak_rss_gb": peak_rss_mb() / 1e3,
        "peak_anonymous_gb": watch.most["RssAnon"],
        "peak_file_backed_gb": watch.most["RssFile"],
        "cpu_seconds_per_epoch": [after - before for before, after in pairwise(told)],  # the first one fills the cache
        "seconds_per_epoch": [row["seconds"] for row in outcome.history],
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }
    print(json.dumps(record, indent=2))
    if options.output is not None:
        options.output.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
