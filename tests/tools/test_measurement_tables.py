"""The tables of measurements, from records by hand."""

from __future__ import annotations

from tools.measurements import (
    cache_table,
    demo_table,
    embed_memory_table,
    inference_table,
    latency_table,
    lite_table,
    memory_table,
    predict_table,
    training_table,
)

INFERENCE = {
    "machine": "a machine",
    "threads": 2,
    "torch": "2.9",
    "rounds": 5,
    "architectures": {
        "small": {
            "throughput": {
                "tokens": 1234,
                "seconds": {"reference": [1.0], "simple_elmo_pytorch": [2.0], "fast": [0.1]},
                "tokens_per_second": {"reference": 1234.0, "simple_elmo_pytorch": 617.0, "fast": 12340.0},
                "times_the_reference": {"reference": 1.0, "simple_elmo_pytorch": 0.5, "fast": 10.0},
                "share_of_products": {"fast": 0.612},
            },
            "latency": {
                "ms_words_known": {"fast": 2.04, "reference": 30.0},
                "ms_words_new": {"fast": 4.0},
                "floors": {"fast": {"memory_ms": 1.6, "floor_ms": 0.9}},
            },
            "memory": {"fast, 5,000 tokens": {"above_mb": 120.4}},
        }
    },
}


def test_inference() -> None:
    assert inference_table(INFERENCE) == (
        "| biLM | computed by | tokens per second | speed-up over the reference | speed-up over `simple_elmo_pytorch` "
        "| share of peak throughput |\n"
        "| --- | --- | --- | --- | --- | --- |\n"
        "| small, 1,234 tokens | `reference` | 1,234 | 1.0 | 2.0 |  |\n"
        "| small, 1,234 tokens | `simple_elmo_pytorch` | 617 | 0.5 | 1.0 |  |\n"
        "| small, 1,234 tokens | `fast` | 12,340 | 10.0 | 20.0 | 61 % |\n"
        "\na machine, 2 threads, torch 2.9; medians of 5 rounds.\n"
    )


def test_latency_and_memory() -> None:
    assert latency_table(INFERENCE).splitlines()[2:] == [
        "| small | `fast` | 2.0 | 4.0 | 1.6 | 0.9 |",
        "| small | `reference` | 30.0 |  |  |  |",
    ]
    assert memory_table(INFERENCE).splitlines()[2] == "| small | fast | 5,000 tokens | 120 |"


def test_cache_and_embed() -> None:
    record = {
        "epoch_that_computes_seconds": 100.0,
        "epoch_that_reads_from_disk_seconds": 5.0,
        "epoch_that_reads_seconds": 4.0,
        "train_tokens": 29_000,
        "data": "conll2003",
        "bytes_a_token_on_disk": 5120.0,
        "threads": 2,
    }
    assert "| read from the disk | 5.0 | 20.0 |" in cache_table(record)
    memory = {"tokens": 10**6, "tokens_per_second": 9e3, "peak_rss_mb": 900.0, "growth_mb_after_50000_tokens": 1.2}
    assert embed_memory_table(memory).splitlines()[2] == "| 1,000,000 | 9,000 | 900 | 1 |"


def test_predict() -> None:
    names = ("engine", "predict", "predict in blocks of 64")
    record = {
        "inputs": ["elmo", "chars"],
        "data": "conll2003",
        "tokens": 1000,
        "threads": 2,
        "tokens_per_second": dict(zip(names, (20_000.0, 12_000.0, 6_000.0), strict=True)),
        "share_of_engine": dict(zip(names, (1.0, 0.6, 0.3), strict=True)),
        "seconds": {name: {"cpu": 0.1, "wall": 0.2} for name in names},
        "memory": {"sentences": 20_000, "growth_mb": 150.4},
    }
    table = predict_table(record)
    assert "| 12,000 | 60 % | 100 |" in table
    assert "over 20,000 sentences: 150 MB above the memory after the first 1,000." in table


def test_demo_without_a_browser() -> None:
    record = {
        "machine": "a machine",
        "served": [{"task": "ner", "data": "sample", "embedders": ["elmo", "chars"]}],
        "tokens_a_sentence": 20,
        "predicates_a_sentence": 1.5,
        "over_http": {"answers": 3, "median_ms": 130.2, "ninth_decile_ms": 180.8, "longest_ms": 220.4},
        "in_browser": None,
    }
    assert demo_table(record).splitlines()[2:] == [
        "| over the page's HTTP API | 3 | 130 | 181 | 220 |",
        "",
        "Sentences of 20 tokens with 1.5 predicates on average, another each time; ner (elmo chars); a machine.",
    ]


def test_lite() -> None:
    speed = {"single_cpu_ms": 12.34, "batch_tokens_per_cpu_second": 6789.0}
    record = {
        "machine": "a machine",
        "versions": {"torch": "2.9", "numpy": "2.4"},
        "tags": dict.fromkeys(("run, exact", "run, auto", "float32", "int8"), speed),
        "vectors": dict.fromkeys(("minilm", "minilm-int8"), speed),
        "mb": {"float32": 20.6, "int8": 9.9, "minilm": 90.0, "minilm-int8": 23.0},
        "cold_start_cpu_seconds": {"run, auto": 4.2, "float32": 0.345},
        "peak_mb": {"run, auto": 1234.0, "float32": 180.0},
    }
    lines = lite_table(record).splitlines()
    assert lines[3] == "| the run in PyTorch, `auto` | tags |  | 4.20 | 12.3 | 6,789 | 1,234 |"
    assert lines[4] == "| the export | tags | 21 | 0.34 | 12.3 | 6,789 | 180 |"
    assert lines[6] == "| MiniLM in ONNX | vectors | 90 |  | 12.3 | 6,789 |  |"
    assert lines[-1] == "Seconds of processor time. a machine, torch 2.9, numpy 2.4."


def test_training() -> None:
    sides = {
        "ours": {"median_tokens_per_second": 12000.0, "ours_is_faster": 1.0},
        "before": {"median_tokens_per_second": 6000.4, "ours_is_faster": 2.004},
        "flair": {"median_tokens_per_second": 3000.0, "ours_is_faster": 4.0},
    }
    found = {"data": "conll2003", "embedders": ["elmo", "glove"], "limit_tokens_per_second": 15000.0, "sides": sides}
    assert training_table({"threads": 2, "torch": "2.9", "tasks": {"ner": found}}) == (
        "| task | trained by | tokens per second | elmo-tasks train is faster by | share of the float32 limit |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| ner on conll2003, elmo glove | elmo-tasks train | 12,000 |  | 80 % |\n"
        "| ner on conll2003, elmo glove | an earlier version | 6,000 | 2.00 | 40 % |\n"
        "| ner on conll2003, elmo glove | Flair | 3,000 | 4.00 | 20 % |\n"
        "\n2 threads, torch 2.9; medians.\n"
    )
