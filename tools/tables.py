"""The tables in READMEs and docs/, made from the records in results/: `python -m tools.tables`."""

from __future__ import annotations

import json
import re
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from elmo_tasks.benchmark.record import KIND
from elmo_tasks.core.errors import InputError
from elmo_tasks.core.markdown import code, markdown_table
from elmo_tasks.metrics.spread import spread
from elmo_tasks.views.probe import probe_markdown
from tools.bilm import RECORD as BILM_RECORD
from tools.bilm import bilm_table
from tools.comparison import comparison_table
from tools.fine_tuning import RECORD as FINE_TUNING_RECORD
from tools.fine_tuning import fine_tuning_table
from tools.measurements import MEASUREMENTS
from tools.overview import overview

_MARKED = re.compile(r"(<!-- table:(?P<name>[\w-]+) -->\n)(?P<table>.*?)(<!-- /table:(?P=name) -->)", re.DOTALL)
_HEADLINES = {"f1": "F1", "accuracy": "accuracy"}
_COSTS = ("epochs", "seconds an epoch", "minutes a run", "peak memory", "record or source")
_PUBLISHED = "published.json"


def read_records(folder: Path) -> list[dict[str, Any]]:
    """The records in a folder, in the order of their file names, then those of benchmarks, which have folders.

    A record of runs is a JSON object with `task` and `runs`, as `elmo_tasks.runs.collect` writes it; other objects
    are of a benchmark (`elmo_tasks.benchmark.record`), a probe, a training or a measurement. Each gets its
    `file`, the path within the folder. `published.json` is a list of others' results, each with `task`, `data`,
    `model`, `test` and `source`; they come last. Files of other kinds in the same folder are left to their readers.

    Raises:
        InputError: a file that is not JSON, a record without runs, or a published result without its source.
    """
    records: list[dict[str, Any]] = []
    published: list[dict[str, Any]] = []
    for path in [*sorted(folder.glob("*.json")), *sorted(folder.glob(f"*/{KIND}.json"))]:
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise InputError(f"{path}: expected a JSON record of runs, got something else ({error})") from None
        if path.name == _PUBLISHED:
            published = content
            for entry in published:
                if missing := {"task", "data", "model", "test", "source"} - set(entry):
                    raise InputError(f"{path}: expected every result to have {', '.join(sorted(missing))}, got {entry}")
            continue
        if not isinstance(content, dict) or ("task" in content) != ("runs" in content):
            continue
        if "runs" in content and not content["runs"]:
            raise InputError(f"{path}: expected at least one run, got none; collect it again from its run folders")
        records.append(content | {"file": path.relative_to(folder).as_posix()})
    return [*records, *published]


def table(task: str, records: Sequence[Mapping[str, Any]]) -> str:
    """A Markdown table of a task's records: mean and sample standard deviation over seeds, scores in per cent.

    Published results stand below ours, as their source gives them.
    """
    records = [record for record in records if record.get("task") == task]
    rows = [record for record in records if "runs" in record]
    if not rows:
        return "No runs are recorded yet.\n"
    key = next((name for name in _HEADLINES if name in rows[0]["runs"][0]["test"]), "f1")
    score = _HEADLINES[key]
    head = ("data", "embedders", "seeds", f"dev {score}", f"test {score}", *_COSTS)
    lines: list[Sequence[str]] = []
    for record in rows:
        runs = record["runs"]
        cells = [
            record["data"],
            " ".join(record["embedders"]) + _told_apart(record, rows),
            str(len(runs)),
            spread([run["dev"][key] for run in runs]),
            spread([run["test"][key] for run in runs]),
            _mean([run.get("epochs") for run in runs], 0),
            _mean([run.get("seconds_per_epoch") for run in runs], 1),
            _mean([run["seconds"] / 60 for run in runs], 1),
            f"{max(run['peak_rss_mb'] for run in runs) / 1024:.1f} GiB",
            code(record["file"]),
        ]
        lines.append(cells)
    for entry in records:
        if "runs" not in entry:
            seeds = str(entry.get("seeds", ""))
            cells = [entry["data"], entry["model"], seeds, entry.get("dev", ""), entry["test"], "", "", "", ""]
            lines.append([*cells, entry["source"]])
    return markdown_table(head, lines)


def _told_apart(record: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    """The settings of the model that another record of the same data and embedders has otherwise: ` (head bcn)`."""
    own = record.get("config", {}).get("model", {})
    likes = [row for row in rows if (row["data"], row["embedders"]) == (record["data"], record["embedders"])]
    others = [row.get("config", {}).get("model", {}) for row in likes]
    differing = [key for key in own if any(other.get(key) != own[key] for other in others)]
    return f" ({', '.join(f'{key} {own[key]}' for key in differing)})" if differing else ""


def fill(text: str, records: Sequence[Mapping[str, Any]]) -> str:
    """The text with every table between `<!-- table:NAME -->` and `<!-- /table:NAME -->` made anew.

    A name is a task, `benchmark` (all benchmarks), `comparison` (embedders against each other), `bilm` (the training of
    the one inside the package), `fine-tuning` (what more text of a domain changed in it), a measurement's
    (`MEASUREMENTS`), or a probe's record without its `.json`.
    """

    def made(name: str) -> str:
        if name == KIND:
            return overview([record for record in records if record.get("kind") == KIND])
        if name == "comparison":
            return comparison_table(records)
        if name == "bilm":
            return _of_file(BILM_RECORD, records, bilm_table)
        if name == "fine-tuning":
            return _of_file(FINE_TUNING_RECORD, records, fine_tuning_table)
        if name in MEASUREMENTS:
            file, make = MEASUREMENTS[name]
            return _of_file(file, records, make)
        if name.startswith("probe-"):
            return _of_file(f"{name}.json", records, probe_markdown)
        return table(name, records)

    return _MARKED.sub(lambda found: f"{found[1]}{made(found['name'])}{found[4]}", text)


def _of_file(name: str, records: Sequence[Mapping[str, Any]], make: Callable[[Mapping[str, Any]], str]) -> str:
    record = next((record for record in records if record.get("file") == name), None)
    return make(record) if record is not None else f"`{name}` is not recorded yet.\n"


def documents(root: Path) -> list[Path]:
    """The files of a checkout that may hold tables."""
    return [root / "README.md", *sorted(root.glob("tasks/*/README.md")), *sorted((root / "docs").rglob("*.md"))]


def main(root: Path) -> None:
    """Rewrite the tables of a checkout."""
    records = read_records(root / "results")
    for path in documents(root):
        old = path.read_text(encoding="utf-8")
        new = fill(old, records)
        if new != old:
            path.write_text(new, encoding="utf-8")
            print(f"{path}: tables made anew")


def _mean(values: Sequence[float | None], digits: int) -> str:
    known = [value for value in values if value is not None]
    return f"{statistics.mean(known):.{digits}f}" if known else "not measured"


if __name__ == "__main__":
    try:
        main(Path.cwd())
    except (InputError, FileNotFoundError) as error:
        sys.exit(f"{error}; run this in the root of a checkout")
