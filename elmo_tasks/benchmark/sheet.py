"""The tables of the report as rows of text, before conversion to Markdown or HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from elmo_tasks.metrics.spread import interval, probability, spread

_HEADLINES = {"f1": "F1", "accuracy": "accuracy", "macro_f1": "macro F1"}
NOTHING = "-"


@dataclass(frozen=True)
class Sheet:
    """A table with its heading and one sentence about it. The columns from `numbers` on contain numbers."""

    heading: str
    about: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: int = 1


def sheets(task: Mapping[str, Any], baseline: str, replicates: int) -> list[Sheet]:
    """All non-empty tables of a task: scores, pairs, costs, less training data, published results."""
    made = [scores(task, baseline, replicates), pairs(task), costs(task), fractions(task), published(task)]
    return [sheet for sheet in made if sheet.rows]


def headline(task: Mapping[str, Any]) -> str:
    """The display name of the score: `F1`."""
    return _HEADLINES.get(task["headline"], str(task["headline"]))


def full_rows(task: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The rows on all training data, or on the largest fraction."""
    most = max(row["fraction"] for row in task["rows"])
    return [row for row in task["rows"] if row["fraction"] == most]


def label(row: Mapping[str, Any]) -> str:
    """`elmo + glove + chars`."""
    return " + ".join(row["embedders"])


def scores(task: Mapping[str, Any], baseline: str, replicates: int) -> Sheet:
    """Dev and test scores, and the gain over the baseline."""
    name, rows = headline(task), full_rows(task)
    part = "" if rows[0]["fraction"] == 100 else f" on {rows[0]['fraction']:g} % of the training data"
    return Sheet(
        f"Scores{part}",
        f"{name} in per cent, mean ± sample standard deviation over seeds. Against {baseline}: difference of the "
        "test means with its 95 % bootstrap interval, error reduction, and p of a paired approximate randomisation "
        f"test over the {task['test_sentences']:,} test sentences ({replicates:,} replicates, two-sided).",
        (
            "embedders",
            "seeds",
            f"dev {name}",
            f"test {name}",
            f"against {baseline}",
            "95 % interval",
            "error reduction",
            "p",
        ),
        tuple(
            (label(row), str(len(row["seeds"])), *(spread(row[s]["values"]) for s in ("dev", "test")), *_against(row))
            for row in rows
        ),
    )


def pairs(task: Mapping[str, Any]) -> Sheet:
    """Pairwise comparison of all rows except the baseline: test score of the row minus that of the column, with p."""
    found = {(" + ".join(pair["embedders"]), " + ".join(pair["other"])): pair for pair in task["pairs"]}
    rows, columns = (list(dict.fromkeys(key[place] for key in found)) for place in (0, 1))

    def cell(row: str, column: str) -> str:
        pair = found.get((row, column), {})
        return f"{100 * pair['difference']:+.2f} (p {_p(pair['p'])})" if "difference" in pair else NOTHING

    return Sheet(
        "Pairwise comparison",
        f"Test {headline(task)} of the row minus that of the column, and p of the same test.",
        ("embedders", *columns),
        tuple((row, *(cell(row, column) for column in columns)) for row in rows),
    )


def costs(task: Mapping[str, Any]) -> Sheet:
    """Time, memory and size."""
    return Sheet(
        "Costs",
        "Means over seeds; for memory, the maximum. Training covers only the epochs (vectors are cached before them). "
        "Tokens per second are of the trained model on new text: embedding without a cache, model and decoding, "
        "measured once per run. On disk: the model's file, and the frozen weights at 32 bits.",
        (
            "embedders",
            "minutes of training",
            "epochs",
            "tokens per second",
            "peak memory",
            "parameters frozen",
            "trained",
            "MB on disk, frozen",
            "model",
        ),
        tuple(
            (
                label(row),
                f"{row['training_seconds'] / 60:.1f}",
                f"{row['epochs']:.0f}",
                f"{row['tokens_per_second']:,.0f}",
                f"{row['peak_rss_mb'] / 1024:.1f} GiB",
                _millions(row["frozen_parameters"]),
                _millions(row["trained_parameters"]),
                f"{row['frozen_bytes'] / 1e6:.1f}",
                f"{row['model_bytes'] / 1e6:.1f}",
            )
            for row in full_rows(task)
        ),
    )


def fractions(task: Mapping[str, Any]) -> Sheet:
    """Test scores by share of the training data; empty if there is only one share."""
    parts = sorted({row["fraction"] for row in task["rows"]})
    found = {(tuple(row["embedders"]), row["fraction"]): row for row in task["rows"]}
    names = list(dict.fromkeys(tuple(row["embedders"]) for row in [*full_rows(task), *task["rows"]]))

    def cell(name: tuple[str, ...], part: float) -> str:
        return spread(found[name, part]["test"]["values"]) if (name, part) in found else NOTHING

    rows = [(" + ".join(name), *(cell(name, part) for part in parts)) for name in names]
    return Sheet(
        "With less training data",
        f"Test {headline(task)} in per cent by share of the training sentences, mean ± deviation over seeds. Each seed "
        "draws its own sentences; smaller samples are contained in larger ones. Dev and test are always complete.",
        ("embedders", *(f"{part:g} %" for part in parts)),
        tuple(rows) if len(parts) > 1 else (),
    )


def published(task: Mapping[str, Any]) -> Sheet:
    """Published results, and how they differ from ours."""
    columns = ("model", "data", "seeds", "dev", "test", "what differs from ours", "source")
    keys = ("model", "data", "seeds", "dev", "test", "differs", "source")
    return Sheet(
        "Published",
        f"Results of others, {headline(task)} as reported in their source. Apart from the differences listed, they "
        "also differ in code and optimisation.",
        columns,
        tuple(
            tuple(str(entry.get(key, "") or NOTHING) for key in keys)
            for entry in (dict(entry, differs=_differs(entry, task["data"])) for entry in task["published"])
        ),
        numbers=len(columns),
    )


def _differs(entry: Mapping[str, Any], data: str) -> str:
    told = str(entry.get("differs", ""))
    other = entry["data"] != data and not told.startswith("other data")
    return "; ".join(filter(None, ["other data" if other else "", told]))


def notes(task: Mapping[str, Any]) -> list[str]:
    """Caveats for comparing these rows."""
    found = []
    if task["differing_settings"]:
        found.append(f"Not all runs have the same settings: they differ in {', '.join(task['differing_settings'])}.")
    uneven = [label(row) for row in full_rows(task) if len(row["seeds"]) < max(len(r["seeds"]) for r in task["rows"])]
    if uneven:
        found.append(
            f"Fewer seeds than the others: {', '.join(uneven)}. Comparisons use the seeds that both systems have."
        )
    if any(row["against_baseline"] and row["against_baseline"]["p"] is None for row in task["rows"]):
        found.append(
            "There is no p-value if the runs were tested on different sentences or the score is not computed from "
            "counted items."
        )
    return found


def _against(row: Mapping[str, Any]) -> tuple[str, ...]:
    found: Mapping[str, Any] | None = row["against_baseline"]
    if found is None:
        return (NOTHING,) * 4
    limits = NOTHING if found["low"] is None else interval(found["low"], found["high"])
    gone = NOTHING if found["error_reduction"] is None else f"{100 * found['error_reduction']:.1f} %"
    difference = f"{100 * found['difference']:+.2f}"
    if len(found["seeds"]) < len(row["seeds"]):  # the difference is not between the means in this table
        difference += f" ({_seeds(found['seeds'])} of both)"
    return difference, limits, gone, _p(found["p"])


def _seeds(seeds: Sequence[int]) -> str:
    return f"{len(seeds)} seed{'s' if len(seeds) > 1 else ''}"


def _p(value: float | None) -> str:
    return NOTHING if value is None else probability(value)


def _millions(count: int) -> str:
    return f"{count / 1e6:.2f} M" if count >= 10_000 else f"{count:,}"
