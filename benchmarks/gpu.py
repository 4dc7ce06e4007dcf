"""Check a GPU: results compared with those of the CPU, then tokens per second and memory.

    python benchmarks/gpu.py --output results/benchmark-gpu.json
    python benchmarks/gpu.py --smoke                              # the same in about a minute

Without a CUDA device the program prints "no CUDA device" and ends with exit code 2. It needs no data: sentences are
invented. Checked are the biLM module, the engine in both precisions, the BiLSTM and the CRF with their gradients, and
the loss and gradients of a window of pre-training, all with TF32 switched off. Measured are `embed` (the engine, with
and without CUDA graphs), `train` (steps of the tagger of `ner` on vectors that are already computed), `predict` (the
shipped tagger `ner`) and `pretrain` (windows of the shipped biLM with an update each): each is repeated for `--seconds`
after a first round that is not counted. The exit code is 1 if a check fails.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor

from elmo_tasks.elmo import BiLM, batch_to_ids, load_bilm
from elmo_tasks.elmo.device import device_chosen
from elmo_tasks.elmo.engine import Engine
from elmo_tasks.nn.batch import Batch
from elmo_tasks.nn.bilstm import BiLstm
from elmo_tasks.nn.crf import ConstrainedCrf
from elmo_tasks.nn.embedding_mix import EmbeddingMix, FrozenLayers
from elmo_tasks.nn.tagger import Tagger
from elmo_tasks.pretraining.objective import Objective, StreamState, Window
from elmo_tasks.runs.predict import predict_lines
from elmo_tasks.runs.run import load
from elmo_tasks.text.labels import LabelSet

LABELS = ("O", *(f"{place}-{kind}" for kind in ("PER", "LOC", "ORG", "MISC") for place in "BIES"))
SMALL = {"sentences": 300, "batch": 16, "hidden": 32, "streams": 4, "steps": 5, "samples": 64, "vocabulary": 500}
LARGE = {
    "sentences": 4096,
    "batch": 64,
    "hidden": 200,
    "streams": 128,
    "steps": 20,
    "samples": 8192,
    "vocabulary": 50_000,
}
Sizes = dict[str, int]


def sentences_of(count: int) -> list[list[str]]:
    """Sentences of 5 to 40 invented words, always the same."""
    draw = random.Random(1)
    words = ["".join(draw.choices("abcdefghijklmnoprstuvy", k=draw.randint(1, 12))) for _ in range(5000)]
    return [draw.choices(words, k=draw.randint(5, 40)) for _ in range(count)]


def difference(found: Sequence[Tensor], expected: Sequence[Tensor]) -> float:
    """The largest difference, relative to the largest value of each tensor."""
    pairs = zip(found, expected, strict=True)
    return max(float((a.cpu() - b.cpu()).abs().max() / b.cpu().abs().max().clamp_min(1e-6)) for a, b in pairs)


def gradients(module: torch.nn.Module, value: Tensor) -> list[Tensor]:
    """The gradients of a scalar for the parameters of a module, in order."""
    found = torch.autograd.grad(value, [each for each in module.parameters() if each.requires_grad], allow_unused=True)
    return [each.to_dense() if each.is_sparse else each for each in found if each is not None]


def check_bilm(device: torch.device, bilm: BiLM, sizes: Sizes) -> float:
    """All layers of the module."""
    ids = batch_to_ids(sentences_of(sizes["batch"]))
    with torch.no_grad():
        expected, found = bilm(ids), bilm.to(device)(ids.to(device))
    bilm.cpu()
    layers = [out[0] if isinstance(out, tuple) else out for out in (found, expected)]
    return difference([layers[0]], [layers[1]])


def check_engine(device: torch.device, bilm: BiLM, sizes: Sizes) -> float:
    """All layers of the engine in float32."""
    some = sentences_of(sizes["sentences"])
    expected, found = (Engine(bilm, precision="exact", device=where).embed(some) for where in ("cpu", device))
    return difference(found, expected)


def check_fast_engine(device: torch.device, bilm: BiLM, sizes: Sizes) -> float:
    """One minus the lowest cosine of any vector of the engine in `fast` with that in `exact` on the CPU."""
    some = sentences_of(sizes["sentences"])
    exact = torch.cat(Engine(bilm, precision="exact").embed(some), dim=1)
    fast = torch.cat(Engine(bilm, precision="fast", device=device).embed(some), dim=1)
    return float(1 - torch.nn.functional.cosine_similarity(exact, fast, dim=2).min())


def check_bilstm(device: torch.device, bilm: BiLM, sizes: Sizes) -> float:
    """Outputs and gradients."""
    torch.manual_seed(0)
    lstm = BiLstm(input_dim=48, hidden=sizes["hidden"], layers=2, dropout=0.0)
    x, lengths = torch.randn(sizes["batch"], 20, 48), torch.randint(1, 21, (sizes["batch"],))
    results = []
    for where in (torch.device("cpu"), device):
        out = lstm.to(where)(x.to(where), lengths)
        results.append([out.detach().cpu(), *(each.cpu() for each in gradients(lstm, out.square().sum()))])
    return difference(results[1], results[0])


def check_crf(device: torch.device, bilm: BiLM, sizes: Sizes) -> float:
    """Likelihood, gradients and the decoded sequences (1 if these differ)."""
    torch.manual_seed(0)
    labels = len(LABELS)
    crf = ConstrainedCrf([True] * labels, [True] * labels, [[True] * labels] * labels)
    emissions, tags = torch.randn(sizes["batch"], 20, labels), torch.randint(labels, (sizes["batch"], 20))
    mask = torch.arange(20) < torch.randint(1, 21, (sizes["batch"], 1))
    results, decoded = [], []
    for where in (torch.device("cpu"), device):
        value = crf.to(where)(emissions.to(where), tags.to(where), mask.to(where))
        results.append([value.detach().cpu(), *(each.cpu() for each in gradients(crf, value))])
        with torch.no_grad():
            decoded.append(crf.decode(emissions.to(where), mask.to(where)))
    return difference(results[1], results[0]) if decoded[0] == decoded[1] else 1.0


def window_of(device: torch.device, sizes: Sizes) -> Window:
    """A window of pre-training."""
    draw = torch.Generator().manual_seed(0)
    words = sorted({word for sentence in sentences_of(200) for word in sentence})[:400]
    characters = batch_to_ids([words])[0]  # (U, C)
    places = (2, sizes["steps"], sizes["streams"])
    inputs, targets = (torch.randint(most, places, generator=draw) for most in (len(words), sizes["vocabulary"]))
    parts = (characters, inputs, targets, torch.zeros(places, dtype=torch.bool))
    return Window(*(part.to(device) for part in parts))


def objective_of(device: torch.device, bilm: BiLM, sizes: Sizes, dtype: torch.dtype) -> Objective:
    """The objective of pre-training for a biLM, without dropout."""
    torch.manual_seed(0)
    return Objective(
        bilm.requires_grad_(), vocabulary=sizes["vocabulary"], samples=sizes["samples"], dropout=0.0, dtype=dtype
    ).to(device)


def check_pretraining(device: torch.device, bilm: BiLM, sizes: Sizes) -> float:
    """The loss of a window and its gradients for the biLM."""
    results = []
    for where in (torch.device("cpu"), device):
        objective = objective_of(where, bilm, sizes, torch.float32)
        draw = torch.Generator().manual_seed(0)
        loss, _ = objective(window_of(where, sizes), objective.initial_state(sizes["streams"]), draw)
        results.append([loss.detach().cpu(), *(each.cpu() for each in gradients(objective.bilm, loss))])
    bilm.cpu()
    return difference(results[1], results[0])


CHECKS: dict[str, tuple[Callable[[torch.device, BiLM, Sizes], float], float]] = {
    "biLM": (check_bilm, 1e-4),
    "engine, exact": (check_engine, 1e-4),
    "engine, fast": (check_fast_engine, 5e-4),
    "BiLSTM": (check_bilstm, 1e-3),
    "CRF": (check_crf, 1e-3),
    "pre-training": (check_pretraining, 1e-3),
}
"""The checks, and the largest difference from the CPU that each allows."""


def plain_embed_round(device: torch.device, bilm: BiLM, sizes: Sizes) -> Callable[[], int]:
    """The engine without CUDA graphs."""
    with patch("elmo_tasks.elmo.engine.runner.recorder", lambda device: None):
        return embed_round(device, bilm, sizes)


def embed_round(device: torch.device, bilm: BiLM, sizes: Sizes) -> Callable[[], int]:
    """The engine in `auto`."""
    some = sentences_of(sizes["sentences"])
    engine = Engine(bilm, device=device)

    def once() -> int:
        engine.embed(some)
        return sum(map(len, some))

    return once


def train_round(device: torch.device, bilm: BiLM, sizes: Sizes) -> Callable[[], int]:
    """Steps of the tagger on batches that are on the CPU before, as a loader leaves them."""
    torch.manual_seed(0)
    width = bilm.width
    mix = EmbeddingMix(["elmo"], [FrozenLayers(n_layers=bilm.n_layers, width=width)])
    model = Tagger(mix, LabelSet(LABELS), hidden=sizes["hidden"]).to(device).train()
    adam = torch.optim.Adam(model.parameters(), fused=device.type in ("cpu", "cuda"))
    batches = []
    for start in range(4):
        lengths = torch.randint(5, 40, (sizes["batch"],), generator=torch.Generator().manual_seed(start))
        mask = torch.arange(int(lengths.max())) < lengths.unsqueeze(1)
        layers = torch.randn(sizes["batch"], bilm.n_layers, mask.shape[1], width)
        batches.append(
            Batch((layers,), mask, lengths, tuple(range(sizes["batch"])), torch.zeros(mask.shape, dtype=torch.long))
        )

    def once() -> int:
        for batch in batches:
            adam.zero_grad()
            model.loss(batch.to(device)).backward()
            adam.step()
        return sum(int(batch.lengths.sum()) for batch in batches)

    return once


def predict_round(device: torch.device, bilm: BiLM, sizes: Sizes) -> Callable[[], int]:
    """The shipped tagger on lines of text."""
    with device_chosen(str(device)):
        trained = load("ner").trained
    lines = [" ".join(words) for words in sentences_of(sizes["sentences"])]

    def once() -> int:
        with device_chosen(str(device)):
            return sum(len(found["tokens"]) for found in predict_lines(trained, lines))

    return once


def pretrain_round(device: torch.device, bilm: BiLM, sizes: Sizes) -> Callable[[], int]:
    """Windows with an update each."""
    objective = objective_of(device, bilm, sizes, torch.float32 if device.type == "cpu" else torch.bfloat16)
    optimizers = [
        torch.optim.AdamW(objective.bilm.parameters(), fused=device.type in ("cpu", "cuda")),
        torch.optim.SparseAdam(list(objective.softmax.parameters())),
    ]
    window, draw = window_of(device, sizes), torch.Generator()
    state = [objective.initial_state(sizes["streams"])]

    def once() -> int:
        loss, after = objective(window, state[0], draw)
        state[0] = StreamState(*(part.detach() for part in after))
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        return sizes["steps"] * sizes["streams"]

    return once


ROUNDS = {
    "embed": embed_round,
    "embed without graphs": plain_embed_round,
    "train": train_round,
    "predict": predict_round,
    "pretrain": pretrain_round,
}


def checked(device: torch.device, sizes: Sizes) -> dict[str, dict[str, Any]]:
    """The difference of each check from the CPU."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    found = {}
    for name, (check, most) in CHECKS.items():
        value = check(device, load_bilm(), sizes)
        found[name] = {"difference": value, "allowed": most, "passed": value <= most}
        print(f"{name}: {value:.2e}, at most {most:.0e}: {'passed' if value <= most else 'FAILED'}", flush=True)
    return found


def measured(device: torch.device, sizes: Sizes, seconds: float) -> dict[str, dict[str, float]]:
    """Tokens per second and peak memory of each kind of work."""
    found = {}
    for name, make in ROUNDS.items():
        once = make(device, load_bilm(), sizes)
        once()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
            torch.cuda.reset_peak_memory_stats(device)
        tokens, started = 0, time.perf_counter()
        while tokens == 0 or time.perf_counter() - started < seconds:
            tokens += once()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
        spent = time.perf_counter() - started
        peak = torch.cuda.max_memory_allocated(device) / 1e6 if device.type == "cuda" else 0.0
        found[name] = {"tokens_per_second": tokens / spent, "peak_mb": peak}
        print(f"{name}: {tokens / spent:,.0f} tokens per second, {peak:,.0f} MB", flush=True)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--seconds", type=float, default=20.0, help="for each kind of work")
    parser.add_argument("--smoke", action="store_true", help="small sizes, three seconds for each kind of work")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    if not torch.cuda.is_available():
        print("no CUDA device", file=sys.stderr)
        return 2
    device = torch.device(options.device)
    sizes, seconds = (SMALL, 3.0) if options.smoke else (LARGE, options.seconds)
    checks = checked(device, SMALL)
    record = {
        "benchmark": "gpu",
        "device": torch.cuda.get_device_name(device),
        "checks": checks,
        "sizes": sizes,
        "seconds": seconds,
        "speed": measured(device, sizes, seconds),
        "machine": platform.machine(),
        "versions": {
            "torch": torch.__version__,
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),
            "python": platform.python_version(),
        },
    }
    if options.output is not None:
        options.output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return 0 if all(check["passed"] for check in checks.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
