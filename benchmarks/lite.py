"""An exported run compared with the run itself and with MiniLM in ONNX: equality, speed, cold start, memory, size.

    pip wheel distributions/lite --no-deps -w dist && python3 -m venv --without-pip lite
    pip --python lite/bin/python install --no-compile dist/elmo_tasks_lite-*.whl
    python benchmarks/lite.py elmo_tasks/runs/taggers/ner --data uner_en_ewt --python lite/bin/python \\
        --output results/benchmark-lite.json

RUN is a run of `ner`, here the tagger inside the package. Predictions and scores are compared on `--sentences`
sentences of the test split, with the biLM in float32; F1 is that of the whole split. Speed is measured in this process:
contestants take turns, with all words cached and two threads each; the record has medians of processor time and of
wall-clock time, since other work on the machine affects the former less. Cold start and memory are measured in separate
processes, run by `--python`: an environment with only elmo-tasks-lite. MiniLM receives the ids of its word pieces, so
its tokeniser, which needs another package, is not timed; it computes vectors only, the others tags.
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
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch

from elmo_tasks import lite
from elmo_tasks.data.catalog import load_data
from elmo_tasks.elmo.engine import Engine
from elmo_tasks.elmo.weights.resolve import load_bilm
from elmo_tasks.embedders.inputs import FrozenInput
from elmo_tasks.runs.batches import loader, prepare
from elmo_tasks.runs.predict import predict_examples
from elmo_tasks.runs.run import export_run
from elmo_tasks.runs.store import Trained, load_trained

BATCH, COLD, SINGLES = 32, 5, 60
LAUNCHER = (
    "import os, resource, subprocess, sys\n"
    "subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)\n"
    "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
    "print(used.ru_utime + used.ru_stime, used.ru_maxrss)\n"
)
MINILM_CHILD = (
    "import sys, numpy, onnxruntime as ort\n"
    "o = ort.SessionOptions(); o.intra_op_num_threads = 2\n"
    "o.enable_cpu_mem_arena = o.enable_mem_pattern = False\n"
    "o.add_session_config_entry('session.intra_op.allow_spinning', '0')\n"
    "s = ort.InferenceSession(sys.argv[1], o, providers=['CPUExecutionProvider'])\n"
    "given = numpy.load(sys.argv[2])\n"
    "for n in range(len(given) // 2):\n"
    "    s.run(None, {'ids': given[f'ids{n}'], 'mask': given[f'mask{n}']})\n"
)


def with_precision(run: Path, precision: str) -> Trained:
    """The run with its biLM computed in `precision`."""
    trained = load_trained(run)
    for source in trained.inputs:
        if isinstance(source, FrozenInput):
            embedder: Any = source.embedder
            embedder.engine = Engine(load_bilm(embedder.weights), precision=precision)
    return trained


def engine_of(trained: Trained) -> Engine:
    """The engine of the biLM."""
    (engine,) = [source.embedder.engine for source in trained.inputs if isinstance(source, FrozenInput)]  # type: ignore[attr-defined]
    assert isinstance(engine, Engine)
    return engine


@torch.no_grad()
def largest_difference(trained: Trained, model: lite.LiteModel, examples: Sequence[Any]) -> float:
    """The largest difference in any score of any tag at any token."""
    largest = 0.0
    for batch in loader(prepare(examples, trained.inputs, trained.task, None), BATCH):
        expected = trained.model.emissions(batch).numpy()
        found = model.scores([examples[index].tokens for index in batch.indices])
        for row, own in enumerate(found):
            largest = max(largest, float(np.abs(expected[row, : len(own)] - own).max()))
    return largest


def minilm_graphs(folder: Path) -> Callable[[Sequence[Sequence[str]]], dict[str, np.ndarray[Any, Any]]]:
    """Write `minilm.onnx` and `minilm-int8.onnx`, and return a function that converts sentences to their input."""
    import warnings

    from onnxruntime.quantization import quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process

    from elmo_tasks.embedders.transformer.embedder import TransformerEmbedder

    embedder = TransformerEmbedder("minilm")
    pieces = embedder.pieces

    def feed(sentences: Sequence[Sequence[str]]) -> dict[str, np.ndarray[Any, Any]]:
        rows = [
            [*pieces.before, *(p for word in words for p in pieces.of(word)), *pieces.behind] for words in sentences
        ]
        ids = np.full((len(rows), max(map(len, rows))), pieces.padding, np.int64)
        for row, own in zip(ids, rows, strict=True):
            row[: len(own)] = own
        return {"ids": ids, "mask": (np.arange(ids.shape[1]) < np.array([[len(row)] for row in rows])).astype(np.int64)}

    class Encoder(torch.nn.Module):
        def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = embedder.pretrained.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
            return found

    example = {name: torch.from_numpy(values) for name, values in feed([["a", "b"], ["c"]]).items()}
    axes = {name: {0: "B", 1: "T"} for name in ("ids", "mask", "out")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Encoder().eval(), (example["ids"], example["mask"]), str(folder / "minilm.onnx"), dynamo=False,
            input_names=["ids", "mask"], output_names=["out"], dynamic_axes=axes, opset_version=17,
        )  # fmt: skip
        quant_pre_process(folder / "minilm.onnx", folder / "prepared.onnx", skip_symbolic_shape=True)
        quantize_dynamic(folder / "prepared.onnx", folder / "minilm-int8.onnx")
    return feed


def in_turns(
    contestants: dict[str, Callable[[Any], object]], work: Sequence[Any], rounds: int
) -> dict[str, dict[str, float]]:
    """Median processor and wall-clock seconds of each piece of work, with the contestants taking turns."""
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in contestants}
    for number in range(rounds + 1):  # the first one warms up
        for name, contestant in contestants.items():
            started = time.process_time(), time.perf_counter()
            for piece in work:
                contestant(piece)
            if number:
                spent[name].append((time.process_time() - started[0], time.perf_counter() - started[1]))
    medians = {
        name: [statistics.median(values) for values in zip(*times, strict=True)] for name, times in spent.items()
    }
    return {name: {"cpu": cpu, "wall": wall} for name, (cpu, wall) in medians.items()}


def child(command: Sequence[str], environment: dict[str, str] | None = None) -> tuple[float, float]:
    """Processor seconds and peak memory in MB of a process. The peak includes that of its parent, which is small."""
    launcher = [sys.executable, "-I", "-c", LAUNCHER, *command]
    done = subprocess.run(launcher, capture_output=True, text=True, env=environment, check=True)
    seconds, kilobytes = done.stdout.split()
    return float(seconds), float(kilobytes) * 1024 / 1e6


def cold(command: Sequence[str], environment: dict[str, str] | None = None) -> float:
    """Median processor seconds of a cold start."""
    return statistics.median(child(command, environment)[0] for _ in range(COLD))


def megabytes(path: Path) -> float:
    """Size of a file, or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.lstat().st_size for file in files if file.is_file()) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--data", required=True, help="as for `elmo-tasks evaluate`: its test split is read")
    parser.add_argument("--python", type=Path, required=True, help="Python of an environment with only elmo-tasks-lite")
    parser.add_argument("--sentences", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(2)
    exact, auto = with_precision(options.run, "exact"), with_precision(options.run, "auto")
    split = load_data(options.data, exact.task.read, only=("test",)).get("test")
    assert split
    some = split[: options.sentences]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        exports = {name: export_run(exact, folder / name, int8=name == "int8") for name in ("float32", "int8")}
        models = {name: lite.load(path) for name, path in exports.items()}
        record: dict[str, Any] = {
            "benchmark": "lite",
            "sentences": len(some),
            "tokens": sum(len(example.tokens) for example in some),
            "environment_mb": megabytes(options.python.absolute().parents[1]),
            "machine": f"{platform.machine()}, {os.cpu_count()} cores",
            "versions": {"torch": torch.__version__, "onnxruntime": onnxruntime.__version__, "numpy": np.__version__},
        }
        expected = predict_examples(exact, split)
        words = [own.tokens for own in split]
        tags = {name: [tuple(found["tags"]) for found in model(words)] for name, model in models.items()}
        record["predictions_that_differ"] = sum(
            own != tuple(other)
            for own, other in zip(tags["float32"][: len(some)], expected, strict=False)  # type: ignore[arg-type]
        )
        record["largest_difference_of_scores"] = largest_difference(exact, models["float32"], some)
        said = {"run, exact": expected, "run, auto": predict_examples(auto, split), **tags}
        record["f1"] = {name: exact.task.score(split, own).as_dict()["f1"] for name, own in said.items()}
        feed = minilm_graphs(folder)
        record |= _speed({"run, exact": exact, "run, auto": auto}, models, folder, feed, some, options.rounds)
        record |= _processes(options, exports, folder, feed, some)
    text = json.dumps(record, indent=2) + "\n"
    print(text)
    if options.output is not None:
        options.output.write_text(text, encoding="utf-8")


def _speed(
    runs: dict[str, Trained],
    models: dict[str, lite.LiteModel],
    folder: Path,
    feed: Callable[..., Any],
    some: Sequence[Any],
    rounds: int,
) -> dict[str, Any]:
    """Milliseconds per single sentence and tokens per second in batches, for tags and for vectors alone."""
    session_options = onnxruntime.SessionOptions()
    session_options.intra_op_num_threads = 2
    session_options.add_session_config_entry(
        "session.intra_op.allow_spinning", "0"
    )  # as the exports: no time for waits
    sessions = {
        name: onnxruntime.InferenceSession(folder / f"{name}.onnx", session_options, providers=["CPUExecutionProvider"])
        for name in ("minilm", "minilm-int8")
    }
    fed = {tuple(own.tokens): feed([own.tokens]) for own in some[:SINGLES]}
    tagging: dict[str, Callable[[Any], object]] = {}
    vectors: dict[str, Callable[[Any], object]] = {}
    for name, trained in runs.items():
        tagging[name] = lambda batch, trained=trained: predict_examples(trained, batch)
        vectors[name] = lambda batch, trained=trained: engine_of(trained).embed([own.tokens for own in batch])
    for name, model in models.items():
        tagging[name] = lambda batch, model=model: model([own.tokens for own in batch])
        vectors[name] = lambda batch, model=model: _bilm_of(model)([own.tokens for own in batch])

    def encode(session: Any, batch: Any) -> object:
        one = fed.get(tuple(batch[0].tokens)) if len(batch) == 1 else None
        return session.run(None, one or fed[tuple(tuple(own.tokens) for own in batch)])

    alike = sorted(some[: 10 * BATCH], key=lambda own: len(own.tokens))  # MiniLM computes padding too
    batches = [alike[at : at + BATCH] for at in range(0, len(alike), BATCH)]
    fed |= {tuple(tuple(own.tokens) for own in batch): feed([own.tokens for own in batch]) for batch in batches}  # type: ignore[misc]
    for name, session in sessions.items():
        vectors[name] = lambda batch, session=session: encode(session, batch)
    tokens = sum(len(own.tokens) for batch in batches for own in batch)
    found: dict[str, Any] = {}
    for what, contestants in (("tags", tagging), ("vectors", vectors)):
        single = in_turns(contestants, [[own] for own in some[:SINGLES]], rounds)
        many = in_turns(contestants, batches, rounds)
        found[what] = {
            name: {
                "single_cpu_ms": 1e3 * single[name]["cpu"] / SINGLES,
                "single_wall_ms": 1e3 * single[name]["wall"] / SINGLES,
                "batch_tokens_per_cpu_second": tokens / many[name]["cpu"],
                "batch_tokens_per_second": tokens / many[name]["wall"],
            }
            for name in contestants
        }
    return found


def _bilm_of(model: lite.LiteModel) -> Any:
    (bilm,) = [each for each in model._inputs if hasattr(each, "sides")]
    return bilm


def _processes(
    options: argparse.Namespace, exports: dict[str, Path], folder: Path, feed: Callable[..., Any], some: Sequence[Any]
) -> dict[str, dict[str, float]]:
    """Cold starts, peak memory, and sizes on disk."""
    one, all_of_them = folder / "one.txt", folder / "all.txt"
    one.write_text(" ".join(some[0].tokens) + "\n", "utf-8")
    all_of_them.write_text("".join(" ".join(own.tokens) + "\n" for own in some), "utf-8")
    python = str(options.python.absolute())
    lone = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    starts, peaks, sizes = {}, {}, {}
    for name, path in exports.items():
        command = [python, "-m", "elmo_tasks_lite", str(path)]
        starts[name] = cold([*command, str(one)], lone)
        peaks[name] = child([*command, str(all_of_them)], lone)[1]
        sizes[name] = megabytes(path)
    command = [sys.executable, "-m", "elmo_tasks", "predict", str(options.run)]
    starts["run, auto"], peaks["run, auto"] = cold([*command, str(one)]), child([*command, str(all_of_them)])[1]
    ordered = sorted(some, key=lambda own: len(own.tokens))
    batches = [feed([own.tokens for own in ordered[at : at + BATCH]]) for at in range(0, len(ordered), BATCH)]
    for file, given in (("one.npz", [feed([some[0].tokens])]), ("all.npz", batches)):
        np.savez(folder / file, **{f"{key}{n}": values for n, each in enumerate(given) for key, values in each.items()})
    for name in ("minilm", "minilm-int8"):
        command = [python, "-c", MINILM_CHILD, str(folder / f"{name}.onnx")]
        starts[name] = cold([*command, str(folder / "one.npz")], lone)
        peaks[name] = child([*command, str(folder / "all.npz")], lone)[1]
        sizes[name] = megabytes(folder / f"{name}.onnx")
    return {"cold_start_cpu_seconds": starts, "peak_mb": peaks, "mb": sizes}


if __name__ == "__main__":
    main()
