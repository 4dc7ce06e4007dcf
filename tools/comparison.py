"""ELMo, GloVe and a transformer compared: scores and costs of runs, and the results of `benchmarks/comparison.py`."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from elmo_tasks.benchmark.record import KIND
from elmo_tasks.core.markdown import Markdown, markdown_table
from elmo_tasks.metrics.spread import spread

MEASURED = "benchmark-comparison.json"
SYSTEMS = (("glove",), ("elmo",), ("minilm",), ("glove", "chars"), ("elmo", "glove", "chars"))
TUNED = ("minilm", "fine-tuned")
"""The column of runs with `transformer.trainable`, which stands last if there are any."""
TASKS = (
    ("ner", "conll2003", "f1", "named entities, CoNLL-2003: test F1"),
    ("sentiment", "sst2", "accuracy", "sentiment, SST-2: test accuracy"),
    ("sentiment", "sst5", "accuracy", "sentiment, SST-5: test accuracy"),
    ("srl", "ewt-srl", "f1", "semantic roles, web treebank: test F1"),
)
_NOTHING = ""
_MIB = 1024 * 1024

_MEASURED: tuple[tuple[str, Callable[[Mapping[str, Any]], str]], ...] = (
    ("computing vectors, tokens per second", lambda found: f"{found['tokens_per_second']:,.0f}"),
    ("latency of a sentence of 20 tokens, ms", lambda found: f"{1000 * found['seconds_a_sentence']:.2f}"),
    ("peak memory of computing vectors, MiB", lambda found: f"{found['peak_rss_mb']:,.0f}"),
    ("frozen parameters", lambda found: f"{found['parameters'] / 1e6:.1f} M"),
    ("size on disk, MiB", lambda found: f"{found['disk_bytes'] / _MIB:.0f}"),
    ("layers x width", lambda found: f"{found['layers']} x {found['width']}"),
    ("word senses by nearest neighbour, accuracy", lambda found: spread([found["senses"]])),
    (Markdown("cosine of *bark* and *bark*, mean of the layers"), lambda found: f"{found['cosine']:.2f}"),
    ("out-of-vocabulary test tokens", lambda found: f"{100 * found['without_vector']:.1f} %"),
    ("UPOS probe, accuracy", lambda found: spread([found["upos"]["all"]])),
    ("UPOS probe, words unseen in its training", lambda found: spread([found["upos"]["new"]])),
    ("UPOS probe, words without a GloVe vector", lambda found: spread([found["upos"]["without_glove"]])),
)


def comparison_table(records: Sequence[Mapping[str, Any]]) -> str:
    """Markdown, one column per system. records: as returned by `read_records`; cells without a record stay empty.

    If a benchmark has a row for a task, it is used, because the rows of a benchmark share one grid; else the record of
    the runs.
    """
    nothing: Mapping[str, Any] = {"embedders": {}}
    systems = (*SYSTEMS, TUNED) if any(_is_tuned(record) for record in records) else SYSTEMS
    measured = next((record for record in records if record.get("file") == MEASURED), nothing)["embedders"]
    rows = [(name, [_score(records, task, data, key, system) for system in systems]) for task, data, key, name in TASKS]
    costs = [_costs(records, *TASKS[0][:2], system) for system in systems]
    rows += [
        ("training on CoNLL-2003, minutes", [cost.get("minutes", _NOTHING) for cost in costs]),
        ("peak memory of training, GiB", [cost.get("memory", _NOTHING) for cost in costs]),
        ("tagging, tokens per second", [cost.get("speed", _NOTHING) for cost in costs]),
        ("all weights in 32 bits, MB", [cost.get("weights", _NOTHING) for cost in costs]),
    ]
    rows += [
        (
            name,
            [cell(measured[names[0]]) if len(names) == 1 and names[0] in measured else _NOTHING for names in systems],
        )
        for name, cell in _MEASURED
    ]
    rows = [row for row in rows if any(row[1])]
    if not rows:
        return "Nothing is recorded yet.\n"
    head = ["", *((", " if system == TUNED else " + ").join(system) for system in systems)]
    return markdown_table(head, ([name, *cells] for name, cells in rows), numbers=1)


def _system(names: Sequence[str]) -> frozenset[str]:
    """The set of embedders, with `elmo:shipped` as `elmo`; the order of names does not matter."""
    return frozenset("elmo" if name in ("elmo:shipped", "elmo:default") else name for name in names)


def _row(
    records: Sequence[Mapping[str, Any]], task: str, data: str, system: Sequence[str]
) -> tuple[Mapping[str, Any], bool] | None:
    """A row of a benchmark or a record of runs, and whether it is the former."""
    tuned = tuple(system) == TUNED
    if tuned:
        system = TUNED[:1]
    for record in records:
        for part in record["tasks"] if record.get("kind") == KIND and not tuned else ():
            for row in part["rows"]:
                about = part["task"], part["data"], row["fraction"], _system(row["embedders"])
                if about == (task, data, 100, frozenset(system)):
                    return row, True
    for record in records:
        if record.get("task") != task or record["data"] != data or "runs" not in record:
            continue
        if _is_tuned(record) == tuned and _by_default(record) and _system(record["embedders"]) == frozenset(system):
            return record, False
    return None


def _by_default(record: Mapping[str, Any]) -> bool:
    """Whether the runs use the default model of the task on all its data, not another file or another head."""
    return not any(other in record["command"] for other in ("--config", "model.head", "training.fraction"))


def _is_tuned(record: Mapping[str, Any]) -> bool:
    """Whether the runs of a record fine-tuned a transformer."""
    if "runs" not in record:
        return False
    settings: Mapping[str, Any] = record.get("config", {}).get("transformer", {})
    return bool(settings.get("trainable", False))


def _score(records: Sequence[Mapping[str, Any]], task: str, data: str, key: str, system: Sequence[str]) -> str:
    found = _row(records, task, data, system)
    if found is None:
        return _NOTHING
    row, of_benchmark = found
    values = row["test"]["values"] if of_benchmark else [run["test"][key] for run in row["runs"]]
    return spread(values) + (" (1 seed)" if len(values) == 1 else "")


def _costs(records: Sequence[Mapping[str, Any]], task: str, data: str, system: Sequence[str]) -> dict[str, str]:
    row_found = _row(records, task, data, system)
    if row_found is None:
        return {}
    row, of_benchmark = row_found
    if of_benchmark:
        seconds, memory, costly = row["training_seconds"], row["peak_rss_mb"], row
    else:
        seconds = statistics.mean(run.get("training_seconds", run["seconds"]) for run in row["runs"])
        memory, costly = max(run["peak_rss_mb"] for run in row["runs"]), row["runs"][0]
    found = {"minutes": f"{seconds / 60:.1f}", "memory": f"{memory / 1024:.1f}"}
    if "tokens_per_second" in costly:
        found["speed"] = f"{costly['tokens_per_second']:,.0f}"
    if "trained_parameters" in costly:
        found["weights"] = f"{4 * (costly['trained_parameters'] + costly['frozen_parameters']) / 1e6:.0f}"
    return found
