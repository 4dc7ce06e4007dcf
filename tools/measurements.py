"""Tables of the measurements of the programs in benchmarks/, made from their records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from elmo_tasks.core.markdown import Markdown, code, escape, markdown_table
from tools.tagger_table import taggers_table

Record = Mapping[str, Any]
_READING = ("ms to read the weights from RAM", "from the CPU cache")


def inference_table(record: Record) -> str:
    """Tokens per second of each contestant, as multiples of the others, and its share of the peak products."""
    peer = next((name for name in ("allennlp", "simple_elmo_pytorch") if _has(record, name)), None)
    head = ["biLM", "computed by", "tokens per second", "speed-up over the reference"]
    rows = []
    for architecture, found in record["architectures"].items():
        speed = found["throughput"]
        rates = speed["tokens_per_second"]
        for name, rate in rates.items():
            row = [f"{architecture}, {speed['tokens']:,} tokens", code(name), f"{rate:,.0f}"]
            row.append(f"{speed['times_the_reference'][name]:.1f}")
            if peer:
                row.append(f"{rate / rates[peer]:.1f}" if peer in rates else "")
            share = speed["share_of_products"].get(name)
            rows.append([*row, f"{100 * share:.0f} %" if share else ""])
    return markdown_table(
        [*head, *([Markdown(f"speed-up over {code(peer)}")] if peer else []), "share of peak throughput"], rows
    ) + _machine(record)


def latency_table(record: Record) -> str:
    """Milliseconds of one sentence of 20 tokens, and estimates of what reading the weights alone would take."""
    rows = []
    for architecture, found in record["architectures"].items():
        latency = found["latency"]
        for name, milliseconds in latency["ms_words_known"].items():
            new, floor = latency["ms_words_new"].get(name), latency["floors"].get(name)
            rows.append(
                [
                    architecture,
                    code(name),
                    f"{milliseconds:.1f}",
                    f"{new:.1f}" if new else "",
                    f"{floor['memory_ms']:.1f}" if floor else "",
                    f"{floor['floor_ms']:.1f}" if floor else "",
                ]
            )
    head = ["biLM", "computed by", "ms, all words cached", "ms, no word cached", *_READING]
    return markdown_table(head, rows)


def memory_table(record: Record) -> str:
    """MB above the weights for one long document, and for a batch with one long sentence."""
    rows = [
        [architecture, *load.split(", ", 1), f"{some['above_mb']:,.0f}"]
        for architecture, found in record["architectures"].items()
        for load, some in found["memory"].items()
    ]
    return markdown_table(["biLM", "precision", "load", "MB above the weights"], rows)


def cache_table(record: Record) -> str:
    """Time of an epoch of `train ner` by the source of the vectors."""
    kept = record["epoch_that_computes_seconds"]
    rows = [
        [what, f"{record[key]:.1f}", f"{kept / record[key]:.1f}"]
        for what, key in (
            ("computed by the reference module", "epoch_that_computes_seconds"),
            ("read from the disk", "epoch_that_reads_from_disk_seconds"),
            ("read from the system's file cache", "epoch_that_reads_seconds"),
        )
    ]
    size = f"{record['bytes_a_token_on_disk']:,.0f} bytes per token on disk"
    read = f"{record['train_tokens']:,} tokens of {escape(record['data'])}"
    about = f"\n`original`, {read}, {size}, {record['threads']} threads.\n"
    return markdown_table(["vectors", "seconds per epoch", "speed-up"], rows) + about


def embed_memory_table(record: Record) -> str:
    """Memory of `embed`."""
    row = [
        f"{record['tokens']:,}",
        f"{record['tokens_per_second']:,.0f}",
        f"{record['peak_rss_mb']:,.0f}",
        f"{record['growth_mb_after_50000_tokens']:,.0f}",
    ]
    return markdown_table(["tokens", "tokens per second", "peak memory, MB", "growth after 50,000 tokens, MB"], [row])


def predict_table(record: Record) -> str:
    """Speed of `predict` beside the engine alone, and its memory."""
    names = {
        "engine": "the engine alone",
        "predict": "predict on a file",
        "predict in blocks of 64": "64 lines at a time",
    }
    rows = [
        [
            name,
            f"{record['tokens_per_second'][key]:,.0f}",
            f"{100 * record['share_of_engine'][key]:.0f} %",
            f"{record['seconds'][key]['cpu'] / record['tokens'] * 1e6:.0f}",
        ]
        for key, name in names.items()
    ]
    head = ["computed by", "tokens per second", "share of the engine's speed", "processor time per token, µs"]
    memory, about = record["memory"], f"{' + '.join(record['inputs'])}, {record['tokens']:,} tokens of {record['data']}"
    return markdown_table(head, rows) + (
        f"\n{escape(about)}, {record['threads']} threads. Peak memory over {memory['sentences']:,} sentences: "
        f"{memory['growth_mb']:,.0f} MB above the memory after the first 1,000.\n"
    )


_SIDES = {
    "before": "an earlier version",
    "plain": "plain PyTorch and pytorch-crf",
    "flair": "Flair",
}


def training_table(record: Record) -> str:
    """Training tokens per second of each contestant, and their share of what the matrix products allow."""
    rows = []
    for task, found in record["tasks"].items():
        data = f"{task} on {found['data']}, {' '.join(found['embedders'])}"
        for name, side in found["sides"].items():
            speed = side["median_tokens_per_second"]
            faster = "" if name == "ours" else f"{side['ours_is_faster']:.2f}"
            share = f"{100 * speed / found['limit_tokens_per_second']:.0f} %"
            rows.append([escape(data), _SIDES.get(name, "elmo-tasks train"), f"{speed:,.0f}", faster, share])
    head = ["task", "trained by", "tokens per second", "elmo-tasks train is faster by", "share of the float32 limit"]
    about = f"\n{record['threads']} threads, torch {escape(record['torch'])}; medians.\n"
    return markdown_table(head, rows) + about


def demo_table(record: Record) -> str:
    """Milliseconds per answer of the page of `elmo-tasks demo`."""
    rows = [
        [where, str(found["answers"]), *(f"{found[key]:.0f}" for key in ("median_ms", "ninth_decile_ms", "longest_ms"))]
        for where, found in (
            ("over the page's HTTP API", record["over_http"]),
            ("in headless Chromium, from Enter to the painted answer", record["in_browser"]),
        )
        if found
    ]
    runs = ", ".join(f"{run['task']} ({' '.join(run['embedders'])})" for run in record["served"])
    about = (
        f"Sentences of {record['tokens_a_sentence']} tokens with {record['predicates_a_sentence']} predicates on "
        f"average, another each time; {runs}; {record['machine']}."
    )
    head = ["measured", "answers", "median ms", "90th percentile", "maximum"]
    return markdown_table(head, rows) + f"\n{escape(about)}\n"


_LITE = {  # the contestants in the order of the table, what each computes, and what the table calls it
    "run, exact": ("tags", Markdown("the run in PyTorch, `exact`")),
    "run, auto": ("tags", Markdown("the run in PyTorch, `auto`")),
    "float32": ("tags", Markdown("the export")),
    "int8": ("tags", Markdown("the export, `--int8`")),
    "minilm": ("vectors", "MiniLM in ONNX"),
    "minilm-int8": ("vectors", "MiniLM in ONNX, 8 bits"),
}


def lite_table(record: Record) -> str:
    """Size, cold start, latency, throughput and memory of an exported run, the run itself, and MiniLM in ONNX."""
    rows = []
    for name, (kind, title) in _LITE.items():
        speed = record[kind].get(name)
        if speed is None:
            continue
        size, cold, peak = (record[key].get(name) for key in ("mb", "cold_start_cpu_seconds", "peak_mb"))
        rows.append(
            [
                title,
                kind,
                "" if size is None else f"{size:.0f}",
                "" if cold is None else f"{cold:.2f}",
                f"{speed['single_cpu_ms']:.1f}",
                f"{speed['batch_tokens_per_cpu_second']:,.0f}",
                "" if peak is None else f"{peak:,.0f}",
            ]
        )
    head = [
        "computed by",
        "gives",
        "MB",
        "cold start, s",
        "one sentence, ms",
        "tokens/s, batches of 32",
        "peak memory, MB",
    ]
    about = ", ".join([record["machine"], *(f"{name} {version}" for name, version in record["versions"].items())])
    return markdown_table(head, rows) + f"\nSeconds of processor time. {escape(about)}.\n"


MEASUREMENTS: dict[str, tuple[str, Callable[[Record], str]]] = {
    "inference": ("benchmark-inference.json", inference_table),
    "latency": ("benchmark-inference.json", latency_table),
    "memory": ("benchmark-inference.json", memory_table),
    "cache": ("benchmark-cache.json", cache_table),
    "training": ("benchmark-training.json", training_table),
    "demo": ("benchmark-demo.json", demo_table),
    "lite": ("benchmark-lite.json", lite_table),
    "embed-memory": ("benchmark-embed-memory.json", embed_memory_table),
    "predict": ("benchmark-predict.json", predict_table),
    "taggers": ("taggers.json", taggers_table),
}
"""For each table name: the file of its record, and the function that makes the table."""


def _has(record: Record, contestant: str) -> bool:
    return any(contestant in found["throughput"]["seconds"] for found in record["architectures"].values())


def _machine(record: Record) -> str:
    about = f"{record['machine']}, {record['threads']} threads, torch {record['torch']}"
    return f"\n{escape(about)}; medians of {record['rounds']} rounds.\n"
