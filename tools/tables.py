"""The tables in READMEs and docs/, made from the records in results/: `python -m tools.tables`."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from elmo_tasks.benchmark.record import KIND
from elmo_tasks.core.errors import InputError
from elmo_tasks.views.probe import probe_markdown
from tools.bilm import FINE_TUNING, TRAINING, bilm_table, fine_tuning_table
from tools.comparison import comparison_table
from tools.gains import gains_table
from tools.measurements import MEASUREMENTS
from tools.runs import overview, table

_MARKED = re.compile(r"(<!-- table:(?P<name>[\w-]+) -->\n)(?P<table>.*?)(<!-- /table:(?P=name) -->)", re.DOTALL)
_PUBLISHED = "published.json"


def read_records(folder: Path) -> list[dict[str, Any]]:
    """The records in a folder, in the order of their file names, then those of benchmarks, which have folders.

    A record of runs is a JSON object with `task` and `runs`, as `elmo_tasks.runs.collect` writes it; other objects
    are of a benchmark (`elmo_tasks.benchmark.record`), a probe, a training or a measurement. Each gets its
    `file`, the path within the folder. `published.json` is a list of others' results, each with `task`, `data`,
    `model`, `test` and `source`; they come last. Files of other kinds in the same folder are left to their readers.

    Raises:
        InputError: a file is not JSON, a record has no runs, or a published result has no source.
    """
    records: list[dict[str, Any]] = []
    published: list[dict[str, Any]] = []
    for path in [*sorted(folder.glob("*.json")), *sorted(folder.glob(f"*/{KIND}.json"))]:
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise InputError(f"{path}: not a JSON record of runs ({error})") from None
        if path.name == _PUBLISHED:
            published = content
            for entry in published:
                if missing := {"task", "data", "model", "test", "source"} - set(entry):
                    raise InputError(f"{path}: a result has no {', '.join(sorted(missing))}: {entry}")
            continue
        if not isinstance(content, dict) or ("task" in content) != ("runs" in content):
            continue
        if "runs" in content and not content["runs"]:
            raise InputError(f"{path}: the record has no runs; collect it again from its run folders")
        records.append(content | {"file": path.relative_to(folder).as_posix()})
    return [*records, *published]


def fill(text: str, records: Sequence[Mapping[str, Any]]) -> str:
    """The text with every table between `<!-- table:NAME -->` and `<!-- /table:NAME -->` updated.

    A name is a task, `benchmark` (all benchmarks), `gains` (the gain from ELMo), `comparison` (of embedders), `bilm`
    (the training of the bundled biLM), `fine-tuning` (its training on text of a domain), a measurement
    (`MEASUREMENTS`), or the file name of a probe's record without `.json`.
    """

    def made(name: str) -> str:
        if name == KIND:
            return overview([record for record in records if record.get("kind") == KIND])
        if name == "gains":
            return gains_table([record for record in records if record.get("kind") == KIND])
        if name == "comparison":
            return comparison_table(records)
        if name == "bilm":
            return _of_file(TRAINING, records, bilm_table)
        if name == "fine-tuning":
            return _of_file(FINE_TUNING, records, fine_tuning_table)
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
    """The files of a checkout that may contain tables."""
    return [root / "README.md", *sorted(root.glob("tasks/*/README.md")), *sorted((root / "docs").rglob("*.md"))]


def main(root: Path) -> None:
    """Update the tables of a checkout."""
    records = read_records(root / "results")
    for path in documents(root):
        old = path.read_text(encoding="utf-8")
        new = fill(old, records)
        if new != old:
            path.write_text(new, encoding="utf-8")
            print(f"{path}: tables updated")


if __name__ == "__main__":
    try:
        main(Path.cwd())
    except (InputError, FileNotFoundError) as error:
        sys.exit(f"{error}; run this in the root of a checkout")
