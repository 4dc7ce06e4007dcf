"""The content of the report: sentences, tables and pictures, from which Markdown and HTML are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from elmo_tasks.benchmark.pictures import Picture, mix_picture, task_pictures
from elmo_tasks.benchmark.sheet import Sheet, full_rows, headline, label, notes, sheets
from elmo_tasks.metrics.spread import spread


@dataclass(frozen=True)
class Section:
    """A heading, sentences, tables and pictures."""

    heading: str
    sentences: tuple[str, ...]
    sheets: tuple[Sheet, ...] = ()
    pictures: tuple[Picture, ...] = ()


def document(record: Mapping[str, Any]) -> list[Section]:
    """The sections: a summary, one per task, the mix weights, failed cells, and how the report was made."""
    baseline = " + ".join(record["baseline"])
    made = [Section("In short", tuple(_in_short(task, baseline) for task in record["tasks"]))]
    for task in record["tasks"]:
        found = tuple(sheets(task, baseline, record["replicates"]))
        made.append(Section(f"{task['task']} on {task['data']}", tuple(notes(task)), found, tuple(task_pictures(task))))
    mix = mix_picture(record["tasks"])
    if mix is not None:
        sentence = (
            "The softmax-normalised weight of each layer in each task, after Figure 2 of Peters et al. 2018. The "
            "dashed line marks equal weights; layers above it are dark. Layer 0, which sees no context, is on top."
        )
        made.append(Section("Learned mix weights", (sentence,), pictures=(mix,)))
    if record["failed"]:
        failed = tuple(f"{entry['cell']}: {entry['fault']}" for entry in record["failed"])
        made.append(Section("Cells that failed", failed))
    return [*made, Section("How this was made", _how(record))]


def _in_short(task: Mapping[str, Any], baseline: str) -> str:
    """`ner on conll2003: the best of 4 on dev is elmo + glove with test F1 90.80, 3.80 above glove (...).`"""
    best = max(full_rows(task), key=lambda row: row["dev"]["mean"])
    found = best["against_baseline"]
    gain = ""
    if found is not None:
        told = []
        if found["error_reduction"] is not None:
            told.append(f"error reduction {100 * found['error_reduction']:.1f} %")
        if found["p"] is not None:
            told.append(f"p {found['p']:.2g}")
        side = "above" if found["difference"] >= 0 else "below"
        details = f" ({', '.join(told)})" if told else ""
        gain = f", {100 * abs(found['difference']):.2f} {side} {baseline}{details}"
    scores = f"test {headline(task)} {spread(best['test']['values'])}"
    count = len(full_rows(task))
    return f"{task['task']} on {task['data']}: the best of {count} on dev is {label(best)} with {scores}{gain}."


def _how(record: Mapping[str, Any]) -> tuple[str, ...]:
    versions = ", ".join(f"{name} {number}" for name, number in record["versions"].items())
    threads = sorted({row["threads"] for task in record["tasks"] for row in task["rows"]})
    return (
        f"Command: {record['command']}",
        f"Machine: {record['machine']}, threads per run: {' or '.join(f'{count:g}' for count in threads)}. Newest "
        f"run: {record['date']}. {versions}.",
        "The best epoch is chosen on the dev split; the test split is evaluated once, after training. Each row is one "
        "configuration with all its seeds; the deviation is the sample standard deviation over seeds.",
        "p-values come from a paired approximate randomisation test (Noreen 1989; Yeh 2000): on each test sentence, "
        "the outputs of the two systems are swapped with probability 1/2, for all seeds at once, and p is the share of "
        "such swaps whose difference of mean scores is at least as large as the observed one. The p-value covers "
        "variation between test sentences; the standard deviation covers variation between seeds. They are not "
        "corrected for multiple comparisons: among many, some are small by chance.",
        "Intervals are percentile bootstrap intervals of the difference over test sentences.",
    )
