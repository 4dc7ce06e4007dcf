"""The gain from ELMo over word vectors and characters, one row per task: the table of the README."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from elmo_tasks.benchmark.record import KIND
from elmo_tasks.benchmark.sheet import full_rows, headline
from elmo_tasks.core.markdown import markdown_table
from elmo_tasks.metrics.spread import probability, spread

Names = tuple[str, ...]
_PAIRS: tuple[tuple[Names, Names], ...] = (
    (("glove", "chars"), ("elmo", "glove", "chars")),
    (("glove",), ("elmo", "glove")),
)
"""Embedders without and with ELMo; a row shows the first pair that was run."""
_NAMES = {
    "ner": "named entities",
    "sentiment": "sentiment",
    "srl": "semantic roles",
    "nli": "inference",
    "coreference": "coreference",
}
_COLUMNS = ("task", "besides ELMo", "test score", "seeds", "without", "with", "difference", "error reduction", "p")


def gains_table(records: Sequence[Mapping[str, Any]]) -> str:
    """Markdown. Means are over the seeds that both systems have in common; the table has their number.

    records: of benchmarks, as returned by `read_records`. A pair tested only on a part of the training data is left
    out; the smallest common part has a separate row, to show the gain from ELMo with few labels.
    """
    rows = [
        cells
        for record in records
        if record.get("kind") == KIND
        for task in record["tasks"]
        for cells in _rows(task, tuple(record.get("baseline", ())))
    ]
    return markdown_table(_COLUMNS, rows, numbers=3) if rows else "No benchmark is recorded yet.\n"


def _rows(task: Mapping[str, Any], baseline: Names) -> Iterator[tuple[str, ...]]:
    full = {tuple(row["embedders"]): row for row in full_rows(task)}
    tested = {(tuple(pair["other"]), tuple(pair["embedders"])): pair for pair in task["pairs"]}
    tested |= {(baseline, names): row["against_baseline"] for names, row in full.items() if row.get("against_baseline")}
    chosen = next((both for both in _PAIRS if both in tested and all(names in full for names in both)), None)
    if chosen is None:
        return
    pair, (without, with_elmo) = tested[chosen], chosen
    name = _NAMES.get(task["task"], task["task"])
    seeds = set(pair["seeds"])
    yield (
        f"{name}, {task['data']}",
        " + ".join(without),
        headline(task),
        str(len(seeds)),
        *(_mean(full[names], seeds) for names in chosen),
        f"{100 * pair['difference']:+.2f}",
        f"{100 * pair['error_reduction']:.1f} %",
        "-" if pair["p"] is None else probability(pair["p"]),
    )
    parts = {(tuple(row["embedders"]), row["fraction"]): row for row in task["rows"]}
    common = [part for _, part in parts if part < 100 and all((names, part) in parts for names in chosen)]
    if common:
        least = min(common)
        one, two = parts[without, least], parts[with_elmo, least]
        seeds = set(one["seeds"]) & set(two["seeds"])
        before, after = (_values(row, seeds) for row in (one, two))
        difference = sum(after) / len(after) - sum(before) / len(before)
        yield (
            f"{name}, {task['data']}, {least:g} % of the training data",
            " + ".join(without),
            headline(task),
            str(len(seeds)),
            spread(before),
            spread(after),
            f"{100 * difference:+.2f}",
            f"{100 * difference / (1 - sum(before) / len(before)):.1f} %",
            "-",
        )


def _values(row: Mapping[str, Any], seeds: set[int]) -> list[float]:
    return [value for seed, value in zip(row["seeds"], row["test"]["values"], strict=True) if seed in seeds]


def _mean(row: Mapping[str, Any], seeds: set[int]) -> str:
    return spread(_values(row, seeds))
