"""Limits of the machine: speed of plain products, memory bandwidth, and the operations that inference needs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import torch

from elmo_tasks.elmo import BilmOptions, Engine
from elmo_tasks.elmo.engine.precision import has_bf16, has_int8, has_onednn
from elmo_tasks.elmo.engine.products import Int8Product, OneDnnProduct

_SHAPES = ((4096, 4096, 4096), (128, 1024, 16384), (512, 4096, 512))  # square, the original's gates, its projection


def useful_flops(options: BilmOptions, sentences: Sequence[Sequence[str]]) -> float:
    """Two per multiply-add: recurrence and upper layers per token, char encoder and first input per distinct word."""
    tokens = sum(map(len, sentences))
    words = {word for sentence in sentences for word in sentence}
    gates = 4 * options.cell_dim * options.projection_dim
    recurrence = options.n_layers * (gates + options.cell_dim * options.projection_dim)
    a_token = 2 * (recurrence + (options.n_layers - 1) * gates)
    filters = sum(width * count for width, count in options.filters) * options.char_dim
    dense = options.n_highway * 2 * options.n_filters**2 + options.n_filters * options.projection_dim
    windows = sum(min(len(word.encode()) + 3, options.max_characters) for word in words)
    return 2.0 * (tokens * a_token + windows * filters + len(words) * (dense + 2 * gates))


def _rate(run: Callable[[], object], flops: float, seconds: float) -> float:
    run()
    done, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        run()
        done += 1
    return flops * done / (time.perf_counter() - started)


def product_rates(seconds: float = 0.15) -> dict[str, float]:
    """Operations per second by data type: the fastest of three shapes, by PyTorch and by oneDNN with packed weights."""
    best: dict[str, float] = {}

    def note(name: str, rate: float) -> None:
        best[name] = max(best.get(name, 0.0), rate)

    for rows, inner, columns in _SHAPES:
        x, weight = torch.randn(rows, inner), torch.randn(columns, inner)
        flops = 2.0 * rows * inner * columns
        for name, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
            left, right = x.to(dtype), weight.to(dtype)
            plain = _rate(lambda left=left, right=right: left @ right.t(), flops, seconds)
            note(name, plain)
            note(f"{name}, not packed", plain)
            if has_onednn() and (dtype == torch.float32 or has_bf16(x.device)):
                packed = OneDnnProduct(weight, None, dtype)
                note(name, _rate(lambda left=left, packed=packed: packed(left), flops, seconds))
        if has_int8():
            eight = Int8Product(weight, None, torch.float32)
            note("int8", _rate(lambda x=x, eight=eight: eight(x), flops, seconds))
    return best


def memory_bandwidth(size: int) -> float:
    """Bytes per second at which all threads repeatedly read the same `size` bytes: the best fifth of 0.3 s."""
    block = torch.ones(max(size // 4, 1))
    block.sum()
    times, started = [], time.perf_counter()
    while time.perf_counter() - started < 0.3 or len(times) < 5:
        begun = time.perf_counter()
        block.sum()
        times.append(time.perf_counter() - begun)
    return block.nbytes / sorted(times)[len(times) // 5]


def floors(options: BilmOptions, engine: Engine, steps: int) -> dict[str, float]:
    """Lower bounds of the time for a sentence of `steps` steps, from reading the weights.

    `memory_ms`: the weights of a step are read from main memory at every step. `floor_ms`: all weights are read once,
    at the bandwidth of a block of their size; in every further step, the weights of a step are read at the bandwidth of
    a block of that size, because they stay in the cache.
    """
    sides = 2 if options.cell_dim <= 1024 else 1  # directions that the engine runs in parallel
    a_step, a_layer = engine.weight_bytes
    step, whole = sides * a_step, 2 * options.n_layers * a_layer
    runs = 2 * options.n_layers // sides
    near, far, memory = memory_bandwidth(step), memory_bandwidth(whole), memory_bandwidth(1 << 29)
    return {
        "step_bytes": step,
        "all_bytes": whole,
        "step_gb_per_second": near / 1e9,
        "all_gb_per_second": far / 1e9,
        "memory_gb_per_second": memory / 1e9,
        "floor_ms": 1e3 * (whole / far + runs * (steps - 1) * step / near),
        "memory_ms": 1e3 * runs * steps * step / memory,
    }
